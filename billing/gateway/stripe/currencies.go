package stripe

import (
	"math"
	"strconv"
	"strings"

	"topupd/billing"
)

// What Stripe charges cards in. Source: docs.stripe.com/currencies (September
// 2026) and, for the number of digits, the API reference's "amount".

// presentment are the currencies with a minor unit of a hundredth at Stripe,
// whatever ISO 4217 says of some.
const presentment = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BWP BYN BZD CAD" +
	" CDF CHF CNY COP CRC CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF" +
	" IDR ILS INR JMD KES KGS KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR" +
	" MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS" +
	" SRD SZL THB TJS TOP TRY TTD TWD TZS UAH USD UYU UZS WST XCD XCG YER ZAR ZMW"

const (
	// zeroDecimal have no minor unit at Stripe; MGA has one in ISO 4217.
	zeroDecimal = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
	// wholeOnly are sent in hundredths, which must be 00. HUF and TWD are like
	// this for payouts only.
	wholeOnly = "ISK UGX"
	// threeDecimal are sent in thousandths, whose last digit must be 0.
	threeDecimal = "BHD JOD KWD OMR TND"
)

// least are the smallest charges in Stripe's units, for an account that settles
// in the currency of the charge. One that settles in another has that one's
// minimum, converted; Stripe then refuses what this table allows.
const least = "AED 200 ARS 50 AUD 50 BRL 50 CAD 50 CHF 50 COP 50 CZK 1500 DKK 250 EUR 50 GBP 30 HKD 400 HUF 17500" +
	" IDR 50 ILS 50 INR 50 JPY 50 KRW 50 MXN 1000 MYR 200 NOK 300 NZD 50 PHP 50 PLN 200 RON 200 RUB 50 SEK 300" +
	" SGD 50 THB 1000 USD 50 ZAR 50"

// digits are how long an amount may be where it is not eight. The page grants
// cards up to twelve; what each network and method takes is less.
const digits = "COP 10 HUF 10 IDR 12 INR 9 JPY 10 LBP 11"

// scale is how Stripe counts a currency.
type scale struct {
	micros      int64 // millionths in one of Stripe's units
	step        int64 // amounts are multiples of it
	least, most int64
}

var scales = makeScales()

func makeScales() map[billing.Unit]scale {
	all := map[billing.Unit]scale{}
	add := func(list string, micros, step int64) {
		for _, code := range strings.Fields(list) {
			all[billing.Unit(code)] = scale{micros, step, step, 99_999_999 / step * step}
		}
	}
	add(presentment, 10_000, 1)
	add(zeroDecimal, 1_000_000, 1)
	add(wholeOnly, 10_000, 100)
	add(threeDecimal, 1_000, 10)
	change := func(list string, set func(s *scale, n int64)) {
		fields := strings.Fields(list)
		for i := 0; i+1 < len(fields); i += 2 {
			n, err := strconv.ParseInt(fields[i+1], 10, 64)
			s, known := all[billing.Unit(fields[i])]
			if err != nil || !known {
				panic("stripe: currency table: " + fields[i])
			}
			set(&s, n)
			all[billing.Unit(fields[i])] = s
		}
	}
	change(least, func(s *scale, n int64) { s.least = n })
	change(digits, func(s *scale, n int64) {
		s.most = 9
		for range n - 1 {
			s.most = s.most*10 + 9
		}
	})
	return all
}

// currencyCode is a currency as Stripe spells it.
func currencyCode(u billing.Unit) string { return strings.ToLower(string(u)) }

// minorUnits is an amount in Stripe's units, exactly. Errors: Invalid.
func minorUnits(a billing.Amount) (int64, error) {
	s, known := scales[a.Unit]
	switch {
	case !known:
		return 0, billing.Errorf(billing.Invalid, "amount", "Stripe does not charge cards in %s", a.Unit)
	case a.Micros <= 0:
		return 0, billing.Errorf(billing.Invalid, "amount", "the amount must be positive")
	case a.Micros%(s.micros*s.step) != 0:
		return 0, billing.Errorf(billing.Invalid, "amount", "Stripe takes %s in steps of %s",
			a.Unit, billing.FormatMicros(s.micros*s.step))
	}
	return a.Micros / s.micros, nil
}

// amountOf is Stripe's number as an amount, exactly, without its sign: what it
// means is said by the event. Errors: Invalid.
func amountOf(n int64, currency string) (billing.Amount, error) {
	unit := billing.Unit(strings.ToUpper(currency))
	s, known := scales[unit]
	if !known {
		return billing.Amount{}, billing.Errorf(billing.Invalid, "currency", "an amount in a currency that is not in the table")
	}
	if n < 0 {
		n = -n
	}
	if n < 0 || n > math.MaxInt64/s.micros {
		return billing.Amount{}, billing.Errorf(billing.Overflow, "amount", "the amount is beyond what can be kept")
	}
	return billing.Money(n*s.micros, unit), nil
}

// Chargeable holds an amount to Stripe's currencies, steps, least and greatest
// amounts. Errors: Invalid.
func (g *Gateway) Chargeable(a billing.Amount) error {
	_, err := chargeable(a)
	return err
}

func chargeable(a billing.Amount) (int64, error) {
	n, err := minorUnits(a)
	if err != nil {
		return 0, err
	}
	switch s := scales[a.Unit]; {
	case n < s.least:
		return 0, billing.Errorf(billing.Invalid, "amount", "Stripe's least charge is %s",
			billing.Money(s.least*s.micros, a.Unit))
	case n > s.most:
		return 0, billing.Errorf(billing.Invalid, "amount", "Stripe's greatest charge is %s",
			billing.Money(s.most*s.micros, a.Unit))
	}
	return n, nil
}
