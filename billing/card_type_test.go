package billing

import (
	"strings"
	"testing"
)

func TestCardTypeOfNumber(t *testing.T) {
	for number, want := range map[string]CardType{
		"4242424242424242": CardVisa, "4000000000000002": CardVisa, "400000000000": CardVisa,
		"5555555555554444": CardMasterCard, "5105105105105100": CardMasterCard, "2221000000000009": CardMasterCard,
		"2220999999999999": 0, "2720990000000000": CardMasterCard, "2721000000000000": 0, "5000000000000000": 0, "5600000000000000": 0,
		"378282246310005": CardAmericanExpress, "341111111111111": CardAmericanExpress, "330000000000000": 0,
		"6011111111111117": CardDiscover, "6500000000000000": CardDiscover, "6440000000000000": CardDiscover, "6430000000000000": 0,
		"6221260000000000": CardDiscover, "6221250000000000": 0, "6012000000000000": 0,
		"3566002020360505": CardJCB, "3528000000000000": CardJCB, "3527000000000000": 0, "3590000000000000": 0,
		"3056930009020004": CardDinersClub, "30569309025904": CardDinersClub, "36000000000000": CardDinersClub,
		"38000000000000": CardDinersClub, "30950000000000": CardDinersClub, "30600000000000": 0,
		"1000000000000000": 0, "9000000000000000": 0,
	} {
		if got := cardTypeOfNumber(number); got != want {
			t.Errorf("%s is %v, want %v", number, got, want)
		}
	}
	for i, r := range issuerRanges {
		if r.from > r.to || i > 0 && r.from <= issuerRanges[i-1].to {
			t.Errorf("range %d: %+v", i, r)
		}
	}
}

func TestCardTypeNames(t *testing.T) {
	for kind, names := range map[CardType][]string{
		CardVisa: {"Visa", "visa"}, CardAmericanExpress: {"American Express", "amex", "AMERICAN-EXPRESS"}, CardMasterCard: {"MasterCard", "Mastercard"},
		CardDiscover: {"Discover"}, CardJCB: {"JCB", "jcb"}, CardDinersClub: {"Diner's Club", "Diners Club", "diners"}, 0: {"", "UnionPay", "unknown"},
	} {
		for _, name := range names {
			if got := cardTypeOf(name); got != kind {
				t.Errorf("%q is %d, want %d", name, got, kind)
			}
		}
		if kind.String() != "" && cardTypeOf(kind.String()) != kind {
			t.Errorf("%d does not read its own name %q", kind, kind)
		}
	}
	if CardType(0).String()+CardType(7).String()+CardType(-1).String() != "" {
		t.Error("a type that is none has a name")
	}
}

func TestLuhn(t *testing.T) {
	for digits, want := range map[string]bool{
		"4242424242424242": true, "4242424242424241": false, "4242424242424224": false, "378282246310005": true, "378282246310006": false,
		"30569309025904": true, "000000000000": true, "4111111111111111": true, "1411111111111111": false,
	} {
		if luhn(digits) != want {
			t.Errorf("%s: %v", digits, !want)
		}
	}
}

func TestCardDigits(t *testing.T) {
	for text, want := range map[string]string{
		"4242424242424242": "4242424242424242", "4242 4242 4242 4242": "4242424242424242", "4242-4242.4242/4242": "4242424242424242",
		"42424242424": "", "42424242424242424242": "", "123456789012": "123456789012", "1234567890123456789": "1234567890123456789",
		"pm_4242424242424242": "", "tok_ok": "", "": "", "４２４２４２４２４２４２": "",
	} {
		got, ok := cardDigits(text)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q %v", text, got, ok)
		}
	}
	for text, want := range map[string]bool{
		"tok_ok": true, "pm_1": true, "12345": true, strings.Repeat("a", 255): true,
		"": false, "a b": false, "************4242": false, "tök": false, "a\n": false, strings.Repeat("a", 256): false,
	} {
		if isToken(text) != want {
			t.Errorf("%q is a token: %v", text, !want)
		}
	}
}

func TestCountries(t *testing.T) {
	if len(countryCodes) != 249 || len(strings.Fields(countries)) != 249 {
		t.Errorf("%d countries", len(countryCodes))
	}
	for code, want := range map[string]string{
		"US": "US", "us": "US", "De": "DE", "GB": "GB", "SS": "SS", "AX": "AX", "ZW": "ZW",
		"XK": "", "UK": "", "AN": "", "EU": "", "U": "", "USA": "", "": "", "  ": "", "U S": "",
	} {
		if got, ok := LookupCountry(code); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q %v", code, got, ok)
		}
	}
}
