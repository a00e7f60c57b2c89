package hook

import (
	"regexp"
	"strings"
	"unicode"

	"topupd/billing"
)

// How many characters are kept of what a bridge writes.
const (
	maxMessage = 500
	maxCode    = 100
	maxBrand   = 50
)

const redacted = "redacted"

// words cleans texts that were written elsewhere and are shown here.
type words struct{ hidden []string }

// words are those that hide our secrets and the token of this call.
func (g *Gateway) words(token billing.Secret) words {
	hidden := make([]string, 0, len(g.hidden)+1)
	for _, s := range append([]string{token.Reveal()}, g.hidden...) {
		if s != "" {
			hidden = append(hidden, s)
		}
	}
	return words{hidden}
}

// hide replaces secrets and nothing else: for references, which have to stay
// what they are.
func (w words) hide(text string) string {
	for _, s := range w.hidden {
		text = strings.ReplaceAll(text, s, redacted)
	}
	return text
}

// clean hides secrets and card numbers, makes one line of it and cuts it. The
// cut comes last: half a secret would not be recognised.
func (w words) clean(text string, most int) string {
	text = likeCardNumber.ReplaceAllStringFunc(w.hide(text), hideCardNumber)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
	n := 0
	for i := range text {
		if n == most {
			return text[:i]
		}
		n++
	}
	return text
}

// likeCardNumber is a card number as people and processors print it.
var likeCardNumber = regexp.MustCompile(`\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}|\d{4}[ -]\d{6}[ -]\d{5}|\d{13,}`)

func hideCardNumber(text string) string {
	if digits(text) <= 19 && luhn(text) {
		return redacted
	}
	return text
}

// luhn checks the last digit of a card number, whatever is between the digits.
func luhn(text string) bool {
	sum, double := 0, false
	for i := len(text) - 1; i >= 0; i-- {
		d := int(text[i]) - '0'
		if d < 0 || d > 9 {
			continue
		}
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum, double = sum+d, !double
	}
	return sum%10 == 0
}

func digits(text string) int {
	n := 0
	for _, r := range text {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}
