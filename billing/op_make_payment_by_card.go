package billing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// MakePaymentByCardParams charges a card that is given with the call and not kept.
type MakePaymentByCardParams struct {
	MakePaymentParams // Card is nil
	Terms             CardTerms
}

// asideOneTime marks the row of a card that was given with one payment: deleted from
// the start, listed nowhere, charged by that payment only.
const asideOneTime = "one_time"

// MakePaymentByCard is MakePayment with a card of its own. Whether a number is taken,
// and what becomes of it, is exchange's rule; the number never reaches the store, and
// its token only until the charge has settled. Errors: those of MakePayment, Forbidden
// and Busy.
func (e *Engine) MakePaymentByCard(ctx context.Context, p MakePaymentByCardParams) (MadePayment, error) {
	if err := p.check(); err != nil {
		return MadePayment{}, err
	}
	p.Terms.Alias, p.Terms.Primary = To(""), Change[bool]{}
	if err := p.Terms.required(); err != nil {
		return MadePayment{}, err
	}
	if p.Terms.Number.Value == nil {
		return MadePayment{}, Errorf(Invalid, "number", "a card number or a gateway token")
	}
	given := Card{Owner: p.Owner, State: CardDeleted, Aside: asideOneTime, Priority: lowerPriority}
	if err := p.Terms.into(&given, now(ctx)); err != nil {
		return MadePayment{}, err
	}
	// What can be refused or answered without the gateway is, before it gets the number.
	var c Charge
	var repeated bool
	err := e.view(ctx, func(r Reader) (err error) {
		c, repeated, _, err = e.paidByCard(ctx, r, &p)
		return err
	})
	if err != nil {
		return MadePayment{}, err
	}
	if !repeated {
		token, err := e.exchange(ctx, &given, &p.Terms)
		if err != nil {
			return MadePayment{}, err
		}
		err = e.update(ctx, func(u *unitOfWork) (err error) {
			c, repeated, err = u.makePaymentByCard(ctx, &p, given, token)
			return err
		})
		if err != nil {
			return MadePayment{}, err
		}
	}
	return MadePayment{ID: ChargePayment(c.ID), Result: e.awaitPayment(ctx, c), Repeated: repeated}, nil
}

// paidByCard checks what needs no gateway and finds the same payment made before.
func (e *Engine) paidByCard(ctx context.Context, r Reader, p *MakePaymentByCardParams) (c Charge, found bool, j Judged, err error) {
	if j, err = judgedOf(r, p.Owner); err == nil && !ActorFrom(ctx).Sees(&j.Owner) {
		err = NotFound
	}
	if err != nil {
		return c, false, j, wrongOwner(p.Owner, err)
	}
	if err := p.payable(&j.Owner); err != nil {
		return c, false, j, err
	}
	a, input := ActorFrom(ctx), p.inputHash()
	if p.IdempotencyKey != "" {
		c, found, err = paidByKey(r, keyCause(a, p.IdempotencyKey), input)
		return c, found, j, err
	}
	if e.set.DuplicateWindow <= 0 {
		return c, false, j, nil
	}
	c, err = r.PaidWithInput(p.Owner, input, a.Customer, a.Name(), now(ctx).Add(-e.set.DuplicateWindow))
	if errors.Is(err, NotFound) {
		return c, false, j, nil
	}
	return c, err == nil, j, err
}

func (u *unitOfWork) makePaymentByCard(ctx context.Context, p *MakePaymentByCardParams, card Card, token *newToken) (Charge, bool, error) {
	c, repeated, j, err := u.e.paidByCard(ctx, u.tx, p)
	if repeated || err != nil {
		return c, repeated, err
	}
	card.CreatedAt, card.UpdatedAt, card.Gateway = u.now, u.now, token.gateway
	card.Holder, card.CardAddress = "", CardAddress{} // nobody needs them any more
	if err := u.tx.PutCard(&card); err != nil {       // the token is sealed for the card's id
		return c, false, err
	}
	if _, err := u.useToken(&card, token); err != nil {
		return c, false, err
	}
	held := card
	held.State = CardUsable
	if err := u.heldWith(&held); err != nil {
		return c, false, err
	}
	if held.State != CardUsable {
		return c, false, wrongCard("the card cannot be used: put aside: %s", held.Aside)
	}
	if err := j.Owner.takesPayment(p.Amount); err != nil {
		return c, false, err
	}
	if err := u.tx.PutCard(&card); err != nil {
		return c, false, err
	}
	cause := "call:" + newCause()
	if p.IdempotencyKey != "" {
		cause = keyCause(u.actor, p.IdempotencyKey)
	}
	by := PaidBy{Customer: u.actor.Customer, Login: u.actor.Name(), Address: u.actor.Address, Payer: p.Payer, Input: p.inputHash()}
	card.State = CardUsable // for this one payment
	return u.chargeByHand(&j, p.Amount, card, cause, by)
}

// inputHash names the card by what may be kept of it: of a number its last four
// digits, of a token a hash that is too short to find it by.
func (p *MakePaymentByCardParams) inputHash() string {
	text := strings.TrimSpace(p.Terms.Number.Value.Reveal())
	if digits, isNumber := cardDigits(text); isNumber {
		text = "number " + digits[len(digits)-4:]
	} else {
		short := sha256.Sum256([]byte(text))
		text = "token " + hex.EncodeToString(short[:4])
	}
	t := &p.Terms
	h := sha256.Sum256(fmt.Appendf(nil, "by card|%d|%d|%s|%s|%d|%d|%d|%q", p.Owner, p.Amount, p.Currency, text,
		*t.Type.Value, *t.ExpMonth.Value, *t.ExpYear.Value, *t.Holder.Value))
	return hex.EncodeToString(h[:16])
}

// forgetOneTime drops the token of a card that was given with one payment, once that
// has its end.
func (u *unitOfWork) forgetOneTime(c *Charge) error {
	if c.Purpose.Automatic() {
		return nil
	}
	card, err := u.tx.Card(c.Card)
	if err != nil || card.Aside != asideOneTime || len(card.Token) == 0 {
		return err
	}
	card.Token, card.UpdatedAt = nil, u.now
	return u.tx.PutCard(&card)
}
