package xmlrpc

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDoubleNormalises(t *testing.T) {
	for text, want := range map[string]string{
		"10": "10.0", "5.250000": "5.25", "-0.0": "-0.0", "-0": "-0.0", "0": "0.0", "10.500000": "10.5",
		"1e-07": "0.0000001", "1.0e-07": "0.0000001", "1.0E-7": "0.0000001", "1e-7": "0.0000001", // 1.7, five clients
		"0.30000000000000004": "0.30000000000000004", "+5": "5.0", " 10 ": "10.0", "\n1.5\t": "1.5",
		".5": "0.5", "5.": "5.0", "-.5e1": "-5.0", "007": "7.0", "00.10": "0.1", "00.1": "0.1", "01.5": "1.5", "-00.5": "-0.5", "1e3": "1000.0", "1.25e1": "12.5",
		"123.456e-2": "1.23456", "123e-3": "0.123", "123e-5": "0.00123", "0e-7": "0.0", "1E+2": "100.0", "100e-2": "1.0",
		"46093.78125": "46093.78125", "-0.000": "-0.0", "9876543210.0123456789": "9876543210.0123456789",
	} {
		if got := Double(text).Text(); got != want {
			t.Errorf("Double(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestDoubleRefusesWhatIsNoNumber(t *testing.T) {
	for _, text := range []string{
		"", " ", "NaN", "nan", "inf", "-Infinity", "0x10", "1e", "1e+", "1.2.3", "--1", "+-1", "1_000", "1,5", ".", "e5", "1 2", "- 1",
		"1e401", "1e-401", "1e99999999999999999999", strings.Repeat("1", maxDigits+1), "١",
	} {
		if plain, ok := plainDecimal(text); ok {
			t.Errorf("%q was read as %s", text, plain)
		}
	}
	if got := Double("NaN").Text(); got != "NaN" {
		t.Errorf("Double(NaN) = %q", got)
	}
}

func TestPlainDecimalKeepsTheNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[-+]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][-+]?[0-9]{1,2})?`).Draw(t, "text")
		plain, ok := plainDecimal(text)
		if !ok {
			t.Fatalf("%q refused", text)
		}
		a, _ := new(big.Rat).SetString(text)
		b, _ := new(big.Rat).SetString(plain)
		if a == nil || b == nil || a.Cmp(b) != 0 {
			t.Fatalf("%q became %q", text, plain)
		}
		if again, _ := plainDecimal(plain); again != plain || !strings.Contains(plain, ".") {
			t.Fatalf("%q is not its own normal form", plain)
		}
		if d, _ := parseDecimal(plain); !d.canonical {
			t.Fatalf("%q is not seen as normal", plain)
		}
	})
}

func TestIntegerText(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "+0": "0", "5": "5", "+5": "5", "-5": "-5", "007": "7", "-007": "-7", "+007": "7", "10": "10",
		"98765432100123456789": "98765432100123456789",
	} {
		if got, ok := integer(text); !ok || got != want {
			t.Errorf("integer(%q) = %q, %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-", "+", "1.0", "1e3", "a", "--1", " 1"} {
		if got, ok := integer(text); ok {
			t.Errorf("integer(%q) = %q", text, got)
		}
	}
}
