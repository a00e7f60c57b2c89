package xmlrpc

import "strings"

// maxExponent admits what a 64-bit float can hold and keeps "1e999999999"
// from being written out.
const maxExponent = 400

// maxDigits bounds the digits of one number.
const maxDigits = 1000

// decimal is a number taken apart, nothing computed: digits of the whole and
// the fractional part, and how far the point moves to the right.
type decimal struct {
	negative  bool
	whole     string
	fraction  string
	exponent  int
	canonical bool
}

// parseDecimal reads white space, a sign, digits with or without a point, and
// an exponent (1.7 lists who sends which). NaN, infinity and hex fail.
func parseDecimal(text string) (decimal, bool) {
	var d decimal
	s := trimSpace(text)
	trimmed := len(s) != len(text)
	signed := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		d.negative, signed = s[0] == '-', s[0] == '+'
		s = s[1:]
	}
	n := digits(s)
	d.whole, s = s[:n], s[n:]
	if strings.HasPrefix(s, ".") {
		n = digits(s[1:])
		d.fraction, s = s[1:1+n], s[1+n:]
	}
	if len(d.whole)+len(d.fraction) == 0 || len(d.whole)+len(d.fraction) > maxDigits {
		return d, false
	}
	d.canonical = !trimmed && !signed && s == "" && canonicalParts(d.whole, d.fraction)
	if s == "" {
		return d, true
	}
	var ok bool
	d.exponent, ok = parseExponent(s)
	return d, ok
}

func canonicalParts(whole, fraction string) bool {
	if whole == "" || fraction == "" {
		return false
	}
	return (len(whole) == 1 || whole[0] != '0') &&
		(len(fraction) == 1 || fraction[len(fraction)-1] != '0')
}

func parseExponent(s string) (int, bool) {
	if s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	s = s[1:]
	sign := 1
	if s != "" && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	if s == "" || digits(s) != len(s) {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if n = n*10 + int(s[i]-'0'); n > maxExponent {
			return 0, false
		}
	}
	return sign * n, true
}

// digit returns the i-th digit counted from the first sent one; there are
// zeros without end on both sides.
func (d decimal) digit(i int) byte {
	switch {
	case i < 0 || i >= len(d.whole)+len(d.fraction):
		return '0'
	case i < len(d.whole):
		return d.whole[i]
	}
	return d.fraction[i-len(d.whole)]
}

// append writes the number without exponent, with at least one decimal and
// without useless zeros.
func (d decimal) append(dst []byte) []byte {
	if d.negative {
		dst = append(dst, '-')
	}
	point := len(d.whole) + d.exponent
	first := 0
	for first < point-1 && d.digit(first) == '0' {
		first++
	}
	if point <= 0 {
		dst = append(dst, '0')
	}
	for i := first; i < point; i++ {
		dst = append(dst, d.digit(i))
	}
	end := max(len(d.whole)+len(d.fraction), point+1)
	for end > point+1 && d.digit(end-1) == '0' {
		end--
	}
	dst = append(dst, '.')
	for i := point; i < end; i++ {
		dst = append(dst, d.digit(i))
	}
	return dst
}

// plainDecimal returns text in the form replies use, the same string when it
// has it already.
func plainDecimal(text string) (string, bool) {
	d, ok := parseDecimal(text)
	if !ok {
		return "", false
	}
	if d.canonical {
		return text, true
	}
	return string(d.append(nil)), true
}

// integer reports whether s is a sign and digits, and returns it without the
// plus and without leading zeros.
func integer(s string) (string, bool) {
	sign, rest := "", s
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		if rest[0] == '-' {
			sign = "-"
		}
		rest = rest[1:]
	}
	if rest == "" || digits(rest) != len(rest) {
		return "", false
	}
	if rest[0] != '0' && s[0] != '+' {
		return s, true
	}
	rest = strings.TrimLeft(rest, "0")
	if rest == "" {
		return "0", true
	}
	return sign + rest, true
}

// digits counts the digits s starts with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
