package billing

import (
	"math"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Scale is the number of fractional digits that an Amount keeps.
const Scale = 6

// Micro is the number of millionths in one whole unit.
const Micro = 1_000_000

// Amount is an exact count of millionths of a unit (DESIGN section 3). It is
// never a float; what does not fit is refused with a named error, never rounded.
type Amount struct {
	Micros int64
	Unit   Unit
}

// Money makes an amount of millionths of a unit.
func Money(micros int64, unit Unit) Amount { return Amount{Micros: micros, Unit: unit} }

// Add is a+b. Errors: WrongCurrency for different units, Overflow.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.Unit != b.Unit {
		return Amount{}, Errorf(WrongCurrency, "currency", "%s and %s cannot be added", a.Unit, b.Unit)
	}
	sum, err := AddMicros(a.Micros, b.Micros)
	return Amount{sum, a.Unit}, err
}

// Neg is -a.
func (a Amount) Neg() Amount { return Amount{-a.Micros, a.Unit} }

// String is the amount with its unit, at least two decimals: "10.00 USD".
func (a Amount) String() string { return FixedMicros(a.Micros, 2) + " " + string(a.Unit) }

// AddMicros is a+b with overflow refused (Overflow).
func AddMicros(a, b int64) (int64, error) {
	s := a + b
	if (a > 0 && b > 0 && s < 0) || (a < 0 && b < 0 && s >= 0) || s == math.MinInt64 {
		return 0, Errorf(Overflow, "amount", "the amount is beyond what can be kept")
	}
	return s, nil
}

// maxDecimalText bounds what is handed to the decimal parser: a double's 76-digit
// expansion passes, a text made to burn time does not.
const maxDecimalText = 400

// ParseMicros reads decimal text exactly: an optional sign, digits, a fraction,
// an exponent. More than six fractional digits, NaN, infinity and overflow are
// errors (Invalid, Overflow); trailing zeros are no digits.
func ParseMicros(text string) (int64, error) {
	if micros, ok := plainMicros(text); ok {
		return micros, nil
	}
	d, err := parseDecimal(text)
	if err != nil {
		return 0, err
	}
	return decimalMicros(d)
}

// ParseWireMicros reads what a client's double or JSON number printed: like
// ParseMicros, but a value within 1e-9 of a millionth is that millionth, since
// Python sends 0.30000000000000004 for 0.3.
func ParseWireMicros(text string) (int64, error) {
	if micros, ok := plainMicros(text); ok {
		return micros, nil
	}
	d, err := parseDecimal(text)
	if err != nil {
		return 0, err
	}
	if r := d.Round(Scale); d.Sub(r).Abs().LessThanOrEqual(wireTolerance) {
		d = r
	}
	return decimalMicros(d)
}

var wireTolerance = decimal.New(1, -9)

// plainMicros reads what nearly every amount is, up to twelve digits and six after a
// point, without building a big number; false for all else, right or wrong.
func plainMicros(text string) (micros int64, ok bool) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if whole == "" || len(whole) > 12 || len(fraction) > Scale || point && fraction == "" {
		return 0, false
	}
	for _, part := range [2]string{whole, fraction} {
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return 0, false
			}
			micros = micros*10 + int64(part[i]-'0')
		}
	}
	for range Scale - len(fraction) {
		micros *= 10
	}
	if negative {
		micros = -micros
	}
	return micros, true
}

func parseDecimal(text string) (decimal.Decimal, error) {
	bad := func() (decimal.Decimal, error) {
		return decimal.Decimal{}, Errorf(Invalid, "amount", "not a decimal number")
	}
	if text == "" || len(text) > maxDecimalText {
		return bad()
	}
	for i := range len(text) {
		// The library accepts more alphabets than the wire does.
		if strings.IndexByte("0123456789+-.eE", text[i]) < 0 {
			return bad()
		}
	}
	d, err := decimal.NewFromString(text)
	// The exponent is judged before any arithmetic writes it out as digits.
	switch {
	case err != nil:
		return bad()
	case d.IsZero():
		return decimal.Decimal{}, nil
	case d.Exponent() > 40:
		return decimal.Decimal{}, Errorf(Overflow, "amount", "the amount is beyond what can be kept")
	case d.Exponent() < -maxDecimalText:
		return decimal.Decimal{}, Errorf(Invalid, "amount", "more than six fractional digits")
	}
	return d, nil
}

func decimalMicros(d decimal.Decimal) (int64, error) {
	micros := d.Shift(Scale)
	if !micros.IsInteger() {
		return 0, Errorf(Invalid, "amount", "more than six fractional digits")
	}
	n := micros.BigInt()
	if !n.IsInt64() || n.Int64() == math.MinInt64 {
		return 0, Errorf(Overflow, "amount", "the amount is beyond what can be kept")
	}
	return n.Int64(), nil
}

// FormatMicros prints without trailing zeros: "10", "5.25", "-0.000001".
func FormatMicros(micros int64) string { return FixedMicros(micros, 0) }

// FixedMicros prints with at least digits decimals, more when the amount has
// them, so that nothing is ever rounded away.
func FixedMicros(micros int64, digits int) string {
	u := uint64(micros)
	sign := ""
	if micros < 0 {
		u, sign = -u, "-"
	}
	frac := strconv.FormatUint(u%Micro+Micro, 10)[1:]
	frac = strings.TrimRight(frac, "0")
	for len(frac) < digits {
		frac += "0"
	}
	s := sign + strconv.FormatUint(u/Micro, 10)
	if frac == "" {
		return s
	}
	return s + "." + frac
}
