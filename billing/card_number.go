package billing

import (
	"context"
	"errors"
	"strings"
)

// cardDigits are the digits of a text that has the form of a card number: 12 to
// 19 of them, with nothing but separators in between.
func cardDigits(text string) (string, bool) {
	digits := strings.NewReplacer(" ", "", "-", "", ".", "", "/", "", "_", "", ",", "").Replace(text)
	return digits, len(digits) >= 12 && len(digits) <= 19 && strings.Trim(digits, "0123456789") == ""
}

func looksLikeCardNumber(text string) bool {
	_, ok := cardDigits(text)
	return ok
}

// luhn checks the last digit (ISO/IEC 7812-1, annex B).
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// maxToken bounds a gateway's token.
const maxToken = 255

// isToken reports whether a text can be a gateway's token: printable, without
// spaces, and no number of which a panel shows stars.
func isToken(text string) bool {
	for _, c := range []byte(text) {
		if c <= ' ' || c > '~' || c == '*' {
			return false
		}
	}
	return text != "" && len(text) <= maxToken
}

// newToken is what a card is charged by from now on.
type newToken struct {
	token   Secret
	gateway string
	// kind and last4 are known of a card number.
	kind  CardType
	last4 string
	told  GatewayCard
}

// exchange makes a token of what a call gave as a number: a gateway's token is
// one, a card number is given to the gateway for new cards. It is called outside
// any transaction; c is the card as it will be. Nothing of the number outlives it.
// Errors: Invalid, Missing, Forbidden, Busy.
func (e *Engine) exchange(ctx context.Context, c *Card, p *CardTerms) (*newToken, error) {
	if !p.Number.Given {
		return nil, nil
	}
	given, err := p.Number.required("number")
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(given.Reveal())
	digits, isNumber := cardDigits(text)
	switch {
	case !isNumber && !isToken(text), isNumber && !luhn(digits):
		return nil, Errorf(Invalid, "number", "neither a card number nor a gateway token")
	case !isNumber:
		return &newToken{token: Secret(text), gateway: e.firstGateway()}, nil
	}
	return e.exchangeNumber(ctx, digits, c, p)
}

func (e *Engine) exchangeNumber(ctx context.Context, digits string, c *Card, p *CardTerms) (*newToken, error) {
	if e.joined(ctx) != nil { // a gateway is never called inside a transaction
		return nil, Errorf(Conflict, "number", "a card number is not taken with an idempotency key")
	}
	accepts := e.acceptsNumbers(ctx)
	g := e.gateways[e.firstGateway()]
	t, tokenizes := g.(Tokenizer)
	if !tokenizes || !accepts && !e.Sandboxed() {
		return nil, errNumberRefused
	}
	kind := cardTypeOfNumber(digits)
	disagrees := error(nil)
	if kind == 0 || p.Type.Given && c.Type != kind {
		disagrees = Errorf(Invalid, "i_card_type", "the number is of another type of card")
	}
	switch {
	case c.ExpMonth == 0:
		return nil, Errorf(Missing, "exp_mm", "exp_mm is required with a card number")
	case accepts && disagrees != nil:
		return nil, disagrees
	}
	ask, cancel := context.WithTimeout(ctx, e.timeout(g))
	defer cancel()
	n := CardNumber{Number: Secret(digits), ExpMonth: c.ExpMonth, ExpYear: c.ExpYear, Holder: c.Holder}
	if p.CVV.Value != nil {
		n.CVV = *p.CVV.Value
	}
	token, told, err := t.Tokenize(ask, n)
	switch {
	case err != nil && !accepts && errors.Is(err, Invalid):
		// It is none of the sandbox's test numbers: nothing is said of a real one.
		return nil, errNumberRefused
	case err != nil:
		return nil, err
	case disagrees != nil:
		return nil, disagrees
	}
	return &newToken{token: token, gateway: g.Name(), kind: kind, last4: digits[len(digits)-4:], told: told}, nil
}

var errNumberRefused = Errorf(Forbidden, "number", "card numbers are not taken here, give a gateway token")

// acceptsNumbers reports whether this call may bring a real card number: the
// operator allows it, it came over TLS, and somebody logged in (DESIGN section 8).
func (e *Engine) acceptsNumbers(ctx context.Context) bool {
	a := ActorFrom(ctx)
	return e.set.AcceptCardNumbers && a.TLS && !a.Trusted
}

// useToken makes a card be charged by a new token. One that it has already changes
// nothing, unless a number led to it: the sandbox has one token for many numbers.
func (u *unitOfWork) useToken(c *Card, t *newToken) (changed bool, err error) {
	was := string(c.Token)
	fromNumber := t.kind != 0
	if c.Gateway != t.gateway || fromNumber {
		c.Token = nil // the same text is another card
	}
	if err := u.setToken(c, To(t.token)); err != nil {
		return false, err
	}
	if string(c.Token) == was && !fromNumber {
		return false, nil
	}
	c.Gateway, c.GatewayCustomer, c.Fingerprint, c.Last4, c.Brand = t.gateway, "", "", t.last4, ""
	if fromNumber {
		c.Type = t.kind
	}
	if c.Type.Known() {
		c.Brand = c.Type.String()
	}
	c.learn(t.told)
	return true, u.heldWith(c)
}

func (e *Engine) firstGateway() string {
	if len(e.order) == 0 {
		return ""
	}
	return e.order[0]
}
