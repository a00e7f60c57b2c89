package stripe

import (
	"math"
	"testing"

	"topupd/billing"
)

func TestMinorUnits(t *testing.T) {
	const whole = billing.Micro
	for _, tc := range []struct {
		micros int64
		unit   billing.Unit
		want   int64 // 0 is refused
	}{
		{10 * whole, "USD", 1000},
		{10*whole + 10_000, "USD", 1001},
		{10*whole + 1_000, "USD", 0}, // a tenth of a cent
		{10*whole + 1, "USD", 0},
		{0, "USD", 0},
		{-10 * whole, "USD", 0},
		{500 * whole, "JPY", 500},
		{500*whole + whole/2, "JPY", 0},
		{500 * whole, "MGA", 500}, // two digits in ISO 4217, none at Stripe
		{500*whole + 200_000, "MGA", 0},
		{5 * whole, "ISK", 500}, // none in ISO 4217, hundredths at Stripe
		{5*whole + whole/2, "ISK", 0},
		{5 * whole, "UGX", 500},
		{5*whole + 10_000, "UGX", 0},
		{1045 * whole / 100, "HUF", 1045}, // whole forints are for payouts
		{80045 * whole / 100, "TWD", 80045},
		{5_120_000, "KWD", 5120},
		{5_124_000, "KWD", 0}, // the last digit must be 0
		{10 * whole, "CLP", 10},
		{10 * whole, "usd", 0},
		{10 * whole, "XAU", 0},
		{10 * whole, "SMS", 0},
		{10 * whole, "", 0},
	} {
		n, err := minorUnits(billing.Money(tc.micros, tc.unit))
		if n != tc.want || (err == nil) != (tc.want != 0) || err != nil && billing.ErrorCode(err) != billing.Invalid {
			t.Errorf("%s: %d, %v", billing.Money(tc.micros, tc.unit), n, err)
		}
		if tc.want == 0 {
			continue
		}
		for _, signed := range []int64{n, -n} {
			back, err := amountOf(signed, currencyCode(tc.unit))
			if err != nil || back != billing.Money(tc.micros, tc.unit) {
				t.Errorf("%d %s comes back as %v, %v", signed, tc.unit, back, err)
			}
		}
	}
}

func TestAmountOfRefuses(t *testing.T) {
	for _, tc := range []struct {
		n        int64
		currency string
		code     billing.Code
	}{
		{1, "xxx", billing.Invalid}, {1, "", billing.Invalid}, {math.MaxInt64, "jpy", billing.Overflow},
		{math.MinInt64, "usd", billing.Overflow}, {math.MaxInt64/10_000 + 1, "usd", billing.Overflow},
	} {
		if a, err := amountOf(tc.n, tc.currency); billing.ErrorCode(err) != tc.code || err == nil {
			t.Errorf("%d %s: %v, %v", tc.n, tc.currency, a, err)
		}
	}
	if a, err := amountOf(math.MaxInt64/10_000, "usd"); err != nil || a.Micros != math.MaxInt64/10_000*10_000 {
		t.Errorf("the greatest: %v, %v", a, err)
	}
}

func TestLimits(t *testing.T) {
	for _, tc := range []struct {
		unit        billing.Unit
		least, most int64 // Stripe's units
	}{
		{"USD", 50, 99_999_999}, {"GBP", 30, 99_999_999}, {"CZK", 1500, 99_999_999}, {"HUF", 17_500, 9_999_999_999},
		{"JPY", 50, 9_999_999_999}, {"IDR", 50, 999_999_999_999}, {"COP", 50, 9_999_999_999}, {"INR", 50, 999_999_999},
		{"ISK", 100, 99_999_900}, {"KWD", 10, 99_999_990}, {"XPF", 1, 99_999_999}, {"BWP", 1, 99_999_999},
	} {
		s := scales[tc.unit]
		for n, ok := range map[int64]bool{
			tc.least: true, tc.most: true, tc.least - s.step: false, tc.most + s.step: false,
		} {
			a := billing.Money(n*s.micros, tc.unit)
			if err := (*Gateway)(nil).Chargeable(a); (err == nil) != ok {
				t.Errorf("%s: %v", a, err)
			}
		}
	}
}

// Every currency of the tables is one of ours, and no charge that is whole minor
// units here is less than one of Stripe's.
func TestTablesFit(t *testing.T) {
	if len(scales) < 130 {
		t.Errorf("%d currencies", len(scales))
	}
	for unit, s := range scales {
		c, known := billing.LookupCurrency(string(unit))
		if !known {
			t.Errorf("%s is not in ISO 4217", unit)
		}
		if s.micros <= 0 || s.step <= 0 || s.least%s.step != 0 || s.most%s.step != 0 || s.least > s.most {
			t.Errorf("%s: %+v", unit, s)
		}
		if !c.Whole(s.micros * s.step) {
			t.Errorf("%s: Stripe's step is not whole minor units", unit)
		}
	}
	for code, class := range declineCodes {
		if class == billing.DeclineNone || (&apiError{Code: code}).word() != code {
			t.Errorf("%s: %q", code, class)
		}
	}
}
