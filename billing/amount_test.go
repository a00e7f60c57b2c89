package billing

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"
)

// tenth is what a double that holds 0.1 really is: 55 fractional digits.
const tenth = "0.1000000000000000055511151231257827021181583404541015625"

func TestParseMicros(t *testing.T) {
	for _, tc := range []struct {
		text  string
		exact int64 // ParseMicros
		code  Code  // ParseMicros; okay is success
		wire  int64 // ParseWireMicros, where it differs
		near  bool
	}{
		{text: "0", code: okay},
		{text: "-0", code: okay},
		{text: "10", exact: 10_000_000, code: okay},
		{text: "+5", exact: 5_000_000, code: okay},
		{text: "-4.25", exact: -4_250_000, code: okay},
		{text: ".5", exact: 500_000, code: okay},
		{text: "5.", exact: 5_000_000, code: okay},
		{text: "00012.10", exact: 12_100_000, code: okay},
		{text: "0.000001", exact: 1, code: okay},
		{text: "-0.000001", exact: -1, code: okay},
		{text: "1.0000000000000000", exact: 1_000_000, code: okay},
		{text: "1e-6", exact: 1, code: okay},
		{text: "1e-06", exact: 1, code: okay},
		{text: "1E3", exact: 1_000_000_000, code: okay},
		{text: "1.5e+2", exact: 150_000_000, code: okay},
		{text: "100e-7", exact: 10, code: okay},
		{text: "0e400", code: okay},
		{text: "0e-9999", code: okay},
		{text: strings.Repeat("0", 300) + "7", exact: 7_000_000, code: okay},

		// What a double adds is taken away on the wire, and only there.
		{text: "0.30000000000000004", code: Invalid, wire: 300_000, near: true},
		{text: "0.29999999999999999", code: Invalid, wire: 300_000, near: true},
		{text: "-0.30000000000000004", code: Invalid, wire: -300_000, near: true},
		{text: tenth, code: Invalid, wire: 100_000, near: true},
		{text: "0." + strings.Repeat("3", 6) + strings.Repeat("0", 60) + "1" + strings.Repeat("2", 9), code: Invalid, wire: 333_333, near: true},
		{text: "19.989999999999998436805981327779591083526611328125", code: Invalid, wire: 19_990_000, near: true},
		{text: "0.123456001", code: Invalid, wire: 123_456, near: true},
		{text: "1e-10", code: Invalid, wire: 0, near: true},
		{text: "5e-324", code: Invalid, wire: 0, near: true},

		// A real seventh digit is refused everywhere.
		{text: "0.1234567", code: Invalid},
		{text: "0.123456002", code: Invalid},
		{text: "0.1234560011", code: Invalid},
		{text: "1e-07", code: Invalid},
		{text: "1e-7", code: Invalid},
		{text: "-0.0000005", code: Invalid},
		{text: "1e-9999", code: Invalid},

		// The ends.
		{text: "9223372036854.775807", exact: math.MaxInt64, code: okay},
		{text: "-9223372036854.775807", exact: -math.MaxInt64, code: okay},
		{text: "9223372036854.775808", code: Overflow},
		{text: "-9223372036854.775808", code: Overflow},
		{text: "1e13", code: Overflow},
		{text: "-1e40", code: Overflow},
		{text: "1e41", code: Overflow},
		{text: "-1.7976931348623157e+308", code: Overflow},
		{text: "1e9999", code: Overflow},
		{text: "18446744073709.551616", code: Overflow}, // 2^64 millionths

		{text: "1e1000000", code: Invalid},
		{text: "1e99999999999999999999", code: Invalid},
		{text: "", code: Invalid},
		{text: " 1", code: Invalid},
		{text: "1 ", code: Invalid},
		{text: "1\n", code: Invalid},
		{text: "1,5", code: Invalid},
		{text: "1_000", code: Invalid},
		{text: "0x10", code: Invalid},
		{text: "1/2", code: Invalid},
		{text: "NaN", code: Invalid},
		{text: "nan", code: Invalid},
		{text: "inf", code: Invalid},
		{text: "Infinity", code: Invalid},
		{text: "-inf", code: Invalid},
		{text: "\u22121", code: Invalid}, // the Unicode minus
		{text: "\uff11", code: Invalid},  // a full-width digit
		{text: "\u0661", code: Invalid},  // an Arabic digit
		{text: ".", code: Invalid},
		{text: "-", code: Invalid},
		{text: "+", code: Invalid},
		{text: "e5", code: Invalid},
		{text: "1e", code: Invalid},
		{text: "1e5e5", code: Invalid},
		{text: "1.2.3", code: Invalid},
		{text: "--1", code: Invalid},
		{text: "+-1", code: Invalid},
		{text: ".-5", code: Invalid},
		{text: "1.-5", code: Invalid},
		{text: "1-2", code: Invalid},
		{text: strings.Repeat("1", maxDecimalText+1), code: Invalid},
	} {
		checkParse(t, "ParseMicros", ParseMicros, tc.text, tc.exact, tc.code)
		if tc.near {
			checkParse(t, "ParseWireMicros", ParseWireMicros, tc.text, tc.wire, okay)
		} else {
			checkParse(t, "ParseWireMicros", ParseWireMicros, tc.text, tc.exact, tc.code)
		}
	}
}

// okay stands for success beside the codes.
const okay = Code(255)

func checkParse(t *testing.T, name string, parse func(string) (int64, error), text string, want int64, code Code) {
	t.Helper()
	got, err := parse(text)
	if code == okay {
		if err != nil || got != want {
			t.Errorf("%s(%q) = %d, %v; want %d", name, text, got, err, want)
		}
		return
	}
	if !errors.Is(err, code) || got != 0 {
		t.Errorf("%s(%q) = %d, %v; want %s", name, text, got, err, code)
	}
}

// No text may cost more than its length.
func TestParseMicrosIsQuick(t *testing.T) {
	texts := []string{"1e9999", "-1e9999", "1e-9999", "1e2147483647", "1e-2147483648", "1e9223372036854775807",
		strings.Repeat("9", 1<<20), strings.Repeat("9", 390) + "e9999", "0." + strings.Repeat("0", 390) + "1e-9999"}
	start := time.Now()
	for range 100 {
		for _, s := range texts {
			_, _ = ParseMicros(s)
			_, _ = ParseWireMicros(s)
		}
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("%d texts took %s", 200*len(texts), d)
	}
}

func TestFormatMicros(t *testing.T) {
	for _, tc := range []struct {
		micros int64
		digits int
		want   string
	}{
		{0, 0, "0"}, {0, 2, "0.00"}, {1, 0, "0.000001"}, {-1, 2, "-0.000001"},
		{10_000_000, 0, "10"}, {10_000_000, 2, "10.00"}, {5_250_000, 0, "5.25"}, {5_250_000, 1, "5.25"},
		{-5_250_000, 3, "-5.250"}, {100_000, 2, "0.10"}, {-500_000, 0, "-0.5"}, {1_234_567, 2, "1.234567"},
		{math.MaxInt64, 0, "9223372036854.775807"}, {-math.MaxInt64, 0, "-9223372036854.775807"},
		{math.MinInt64, 0, "-9223372036854.775808"},
	} {
		if got := FixedMicros(tc.micros, tc.digits); got != tc.want {
			t.Errorf("FixedMicros(%d, %d) = %s, want %s", tc.micros, tc.digits, got, tc.want)
		}
		if got := FormatMicros(tc.micros); tc.digits == 0 && got != tc.want {
			t.Errorf("FormatMicros(%d) = %s, want %s", tc.micros, got, tc.want)
		}
	}
	if got := Money(-5_000_000, "USD").String(); got != "-5.00 USD" {
		t.Errorf("String = %s", got)
	}
}

func TestAddMicros(t *testing.T) {
	const most = math.MaxInt64
	for _, tc := range []struct {
		a, b, want int64
		over       bool
	}{
		{1, 2, 3, false}, {-1, 1, 0, false}, {most, 0, most, false}, {most, -most, 0, false},
		{most - 1, 1, most, false}, {-most + 1, -1, -most, false},
		{most, 1, 0, true}, {most, most, 0, true}, {-most, -1, 0, true}, {-most, -2, 0, true}, {-most, -most, 0, true},
	} {
		got, err := AddMicros(tc.a, tc.b)
		if errors.Is(err, Overflow) != tc.over || err != nil != tc.over || got != tc.want {
			t.Errorf("AddMicros(%d, %d) = %d, %v", tc.a, tc.b, got, err)
		}
	}
	if got, err := Money(1, "USD").Add(Money(2, "USD")); err != nil || got != Money(3, "USD") {
		t.Errorf("Add = %v, %v", got, err)
	}
	if _, err := Money(1, "USD").Add(Money(2, "EUR")); !errors.Is(err, WrongCurrency) {
		t.Errorf("Add of two currencies: %v", err)
	}
	if got := Money(most, "USD").Neg().Neg(); got != Money(most, "USD") {
		t.Errorf("Neg of Neg = %v", got)
	}
}

func FuzzParseMicros(f *testing.F) {
	for _, s := range []string{"0", "-1.5", "0.30000000000000004", tenth, "1e-6", "1e-07", "9223372036854.775807",
		"-9223372036854.775808", "1e400", "NaN", "\u22121", ".-5", "+5", "5.", "1e+2",
		"4.5", "-0.000001", "-0", "007.10", "999999999999.999999", "1000000000000", "1.0000000", "-", "--1", "1.-5", "1 "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		exact, err := ParseMicros(text)
		wire, wireErr := ParseWireMicros(text)
		if err == nil && (wireErr != nil || wire != exact) {
			t.Fatalf("%q: exactly %d, on the wire %d, %v", text, exact, wire, wireErr)
		}
		if i := strings.IndexAny(text, "eE"); i >= 0 && len(text)-i > 4 {
			return // too large for the oracle to be quick
		}
		value, ok := rational(text)
		if !ok {
			if wireErr == nil {
				t.Fatalf("%q became %s, but is no number", text, FormatMicros(wire))
			}
			return
		}
		if err == nil && value.Cmp(micros(exact)) != 0 {
			t.Fatalf("%q became %s", text, FormatMicros(exact))
		}
		if off := new(big.Rat).Sub(value, micros(wire)); wireErr == nil && off.Abs(off).Cmp(big.NewRat(1, 1e9)) > 0 {
			t.Fatalf("%q became %s on the wire", text, FormatMicros(wire))
		}
		if err != nil && fits(value) {
			t.Fatalf("%q was refused: %v", text, err)
		}
		if wireErr == nil {
			if back, err := ParseMicros(FormatMicros(wire)); err != nil || back != wire {
				t.Fatalf("%d prints as %s and reads as %d, %v", wire, FormatMicros(wire), back, err)
			}
		}
	})
}

func micros(n int64) *big.Rat { return big.NewRat(n, Micro) }

// rational is the oracle: another library's reading of a plain decimal text.
func rational(text string) (*big.Rat, bool) {
	if len(text) > maxDecimalText || strings.Trim(text, "0123456789+-.eE") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

func fits(v *big.Rat) bool {
	n := new(big.Rat).Mul(v, big.NewRat(Micro, 1))
	return n.IsInt() && n.Num().IsInt64() && n.Num().Int64() != math.MinInt64
}
