package sandbox

import (
	"context"

	"topupd/billing"
)

// testNumbers are public test numbers of card networks, which belong to nobody;
// each becomes the token that behaves like it.
var testNumbers = map[string]struct {
	token billing.Secret
	brand string
}{
	"4242424242424242": {TokenOK, "Visa"},
	"4111111111111111": {TokenOK, "Visa"},
	"5555555555554444": {TokenOK, "Mastercard"},
	"5105105105105100": {TokenOK, "Mastercard"},
	"378282246310005":  {TokenOK, "American Express"},
	"6011111111111117": {TokenOK, "Discover"},
	"3056930009020004": {TokenOK, "Diners Club"},
	"3566002020360505": {TokenOK, "JCB"},
	"4000000000000002": {TokenDeclined, "Visa"},
	"4000000000009995": {TokenDeclined, "Visa"},
	"4000000000000341": {TokenDeclined, "Visa"},
	"4000000000009987": {TokenLost, "Visa"},
	"4000000000009979": {TokenLost, "Visa"},
	"4000002500003155": {TokenAuthenticationRequired, "Visa"},
	"4000002760003184": {TokenAuthenticationRequired, "Visa"},
	"4000000000000119": {TokenError, "Visa"},
}

// Tokenize exchanges a well-known test number for a token, and refuses any other:
// a real number is not for a sandbox. Errors: Invalid, Busy.
func (g *Gateway) Tokenize(ctx context.Context, n billing.CardNumber) (billing.Secret, billing.GatewayCard, error) {
	if !wait(ctx, g.latency) {
		return "", billing.GatewayCard{}, billing.Errorf(billing.Busy, "number", "the sandbox did not answer in time")
	}
	number := n.Number.Reveal()
	known, ok := testNumbers[number]
	switch {
	case !ok:
		return "", billing.GatewayCard{}, billing.Errorf(billing.Invalid, "number", "the sandbox takes well-known test numbers only, 4242424242424242 among them")
	case n.ExpMonth < 1 || n.ExpMonth > 12 || n.ExpYear < 2000 || n.ExpYear > 2099:
		return "", billing.GatewayCard{}, billing.Errorf(billing.Invalid, "number", "the card's date is none")
	}
	return known.token, billing.GatewayCard{
		Fingerprint: ref("card " + number), Brand: known.brand, Last4: number[len(number)-4:],
		ExpMonth: n.ExpMonth, ExpYear: n.ExpYear,
	}, nil
}
