package billing

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestLookupCurrency(t *testing.T) {
	for _, want := range []Currency{
		{"USD", 840, 2}, {"EUR", 978, 2}, {"JPY", 392, 0}, {"KWD", 414, 3}, {"CLF", 990, 4},
		{"UYW", 927, 4}, {"UYI", 940, 0}, {"ISK", 352, 0}, {"MGA", 969, 2}, {"HUF", 348, 2},
		{"VES", 928, 2}, {"VED", 926, 2}, {"MRU", 929, 2}, {"SLE", 925, 2}, {"STN", 930, 2},
		{"ZWG", 924, 2}, {"XCG", 532, 2}, {"XAD", 396, 2}, {"ALL", 8, 2}, {"UGX", 800, 0},
		{"BHD", 48, 3}, {"BYN", 933, 2}, {"XOF", 952, 0}, {"ZMW", 967, 2},
	} {
		if got, ok := LookupCurrency(string(want.Code)); !ok || got != want {
			t.Errorf("LookupCurrency(%s) = %+v, %v; want %+v", want.Code, got, ok, want)
		}
		if got, ok := CurrencyByNumber(want.Number); !ok || got != want {
			t.Errorf("CurrencyByNumber(%d) = %+v, %v; want %+v", want.Number, got, ok, want)
		}
	}
	// Allowances, lower case, what has no minor unit, what was withdrawn.
	for _, code := range []string{"", "SMS", "KB", "usd", "XAU", "XXX", "XTS", "XDR", "BGN", "HRK", "ANG", "ZWL", "SLL", "VEF"} {
		if c, ok := LookupCurrency(code); ok {
			t.Errorf("LookupCurrency(%q) = %+v", code, c)
		}
	}
	for _, n := range []int{0, -1, 7, 999, 84000} {
		if c, ok := CurrencyByNumber(n); ok {
			t.Errorf("CurrencyByNumber(%d) = %+v", n, c)
		}
	}
}

func TestCurrencyTableIsWellFormed(t *testing.T) {
	entries := 0
	for _, list := range isoTable {
		fields := strings.Fields(list)
		if len(fields)%2 != 0 {
			t.Fatalf("a code without a number in %q", list)
		}
		for i := 0; i < len(fields); i += 2 {
			entries++
			if len(fields[i]) != 3 || strings.ToUpper(fields[i]) != fields[i] || len(fields[i+1]) != 3 {
				t.Errorf("malformed entry %s %s", fields[i], fields[i+1])
			}
		}
	}
	// A code or number that is listed twice would make the maps smaller.
	if len(currencyByCode) != entries || len(currencyByNumber) != entries {
		t.Errorf("%d entries, %d codes, %d numbers", entries, len(currencyByCode), len(currencyByNumber))
	}
	if entries != 165 {
		t.Errorf("%d currencies; list one of January 2026 has 165 with a minor unit", entries)
	}
}

func TestMinorUnits(t *testing.T) {
	for _, tc := range []struct {
		code   string
		micros int64
		whole  bool
		up     int64
	}{
		{"USD", 0, true, 0},
		{"USD", 10_000, true, 10_000},
		{"USD", 10_001, false, 20_000},
		{"USD", 9_999, false, 10_000},
		{"USD", 1, false, 10_000},
		{"USD", -10_000, true, -10_000},
		{"USD", -10_001, false, -10_000},
		{"USD", -1, false, 0},
		{"JPY", 1_000_000, true, 1_000_000},
		{"JPY", 1_000_001, false, 2_000_000},
		{"JPY", 500_000, false, 1_000_000},
		{"KWD", 1_000, true, 1_000},
		{"KWD", 1_001, false, 2_000},
		{"CLF", 100, true, 100},
		{"CLF", 101, false, 200},
		{"USD", math.MaxInt64 - math.MaxInt64%10_000, true, math.MaxInt64 - math.MaxInt64%10_000},
	} {
		c, _ := LookupCurrency(tc.code)
		if got := c.Whole(tc.micros); got != tc.whole {
			t.Errorf("%s: Whole(%d) = %v", tc.code, tc.micros, got)
		}
		if got, err := c.RoundUp(tc.micros); err != nil || got != tc.up {
			t.Errorf("%s: RoundUp(%d) = %d, %v; want %d", tc.code, tc.micros, got, err, tc.up)
		}
	}
	usd, _ := LookupCurrency("USD")
	if got, err := usd.RoundUp(math.MaxInt64); !errors.Is(err, Overflow) {
		t.Errorf("RoundUp(max) = %d, %v; want overflow", got, err)
	}
}
