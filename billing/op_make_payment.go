package billing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
)

// MakePaymentParams charges a card of an owner because a person says so.
type MakePaymentParams struct {
	Owner OwnerID
	// Amount is what is credited, in millionths: above 0 and whole minor units.
	Amount   int64
	Currency Unit // must be the owner's
	// Card is the owner's own; nil is its primary one.
	Card *CardID
	// Payer is the IP address of who pays, as the caller says; it is kept.
	Payer string
	// IdempotencyKey makes the same call again a repeat, for ever.
	IdempotencyKey string
}

// MadePayment is what is known of a payment when the wait is over.
type MadePayment struct {
	ID     PaymentID
	Result PaymentResult
	// Repeated: it was made before, by the key or within the duplicate window.
	Repeated bool
}

// MakePayment charges the card and waits for the first definite outcome, no longer
// than Settings.PaymentWait and the context. A decline is a result, not an error; so
// is a wait that was too short: the charge goes on by itself. Errors: Missing,
// Invalid, NotFound, WrongCurrency, KeyReused, Overflow, Conflict where the card
// network allows no further try.
func (e *Engine) MakePayment(ctx context.Context, p MakePaymentParams) (MadePayment, error) {
	if err := p.check(); err != nil {
		return MadePayment{}, err
	}
	var c Charge
	var repeated bool
	err := e.updateOwners(ctx, []OwnerID{p.Owner}, func(u *unitOfWork) (err error) {
		c, repeated, err = u.makePayment(&p)
		return err
	})
	if err != nil {
		return MadePayment{}, err
	}
	return MadePayment{ID: ChargePayment(c.ID), Result: e.awaitPayment(ctx, c), Repeated: repeated}, nil
}

func (p *MakePaymentParams) check() error {
	switch {
	case p.Amount <= 0 || p.Amount > MaxCharge:
		return Errorf(Invalid, "amount", "amount is above 0 and at most %s", FormatMicros(MaxCharge))
	case p.Payer == "":
		return Errorf(Missing, "payer_ip_address", "say where the payer is")
	case len(p.IdempotencyKey) > MaxKey:
		return Errorf(Invalid, "idempotency_key", "at most %d characters", MaxKey)
	}
	payer, err := netip.ParseAddr(p.Payer)
	if err != nil || payer.Zone() != "" {
		return Errorf(Invalid, "payer_ip_address", "it is no IP address")
	}
	p.Payer = payer.String()
	return nil
}

func (u *unitOfWork) makePayment(p *MakePaymentParams) (c Charge, repeated bool, err error) {
	j, err := u.judged(p.Owner)
	if err != nil {
		return c, false, err
	}
	if err := p.payable(&j.Owner); err != nil {
		return c, false, err
	}
	by := PaidBy{Customer: u.actor.Customer, Login: u.actor.Name(), Address: u.actor.Address, Payer: p.Payer}
	cause := "call:" + newCause()
	if p.IdempotencyKey != "" {
		cause, by.Input = keyCause(u.actor, p.IdempotencyKey), p.inputHash()
		if c, repeated, err = paidByKey(u.tx, cause, by.Input); repeated || err != nil {
			return c, repeated, err
		}
	}
	card, err := u.cardToPay(&j, p.Card)
	if err != nil {
		return c, false, err
	}
	if p.IdempotencyKey == "" {
		if c, repeated, err = u.paidJustNow(p, card.ID, &by); repeated || err != nil {
			return c, repeated, err
		}
	}
	if err := j.Owner.takesPayment(p.Amount); err != nil { // a repeat was answered
		return c, false, err
	}
	return u.chargeByHand(&j, p.Amount, card, cause, by)
}

// payable checks an amount against its owner.
func (p *MakePaymentParams) payable(o *Owner) error {
	if p.Currency != o.Currency {
		return Errorf(WrongCurrency, "currency", "%s is kept in %s", o.ID, o.Currency)
	}
	if cur, ok := LookupCurrency(string(p.Currency)); ok && !cur.Whole(p.Amount) {
		return Errorf(Invalid, "amount", "amount has at most %d decimals in %s", cur.Digits, p.Currency)
	}
	return nil
}

// keyCause is the cause that an idempotency key stands for. The acting customer is
// part of it: in trusted mode the login's name is nobody's own.
func keyCause(a Actor, key string) string {
	return fmt.Sprintf("key:%d:%s:%s", a.Customer, a.Name(), key)
}

// paidByKey finds what an idempotency key made before; a movement of funds is other
// input.
func paidByKey(r Reader, cause, input string) (c Charge, found bool, err error) {
	if c, err = r.ChargeByCause(cause); err == nil && c.By.Input == input {
		return c, true, nil
	}
	if errors.Is(err, NotFound) {
		_, err = r.PostingByCause(cause)
	}
	switch {
	case errors.Is(err, NotFound):
		return c, false, nil
	case err != nil:
		return c, false, err
	}
	return c, false, keyReused()
}

func keyReused() error {
	return Errorf(KeyReused, "idempotency_key", "this key came before with other input")
}

// paidJustNow finds the same payment within the duplicate window.
func (u *unitOfWork) paidJustNow(p *MakePaymentParams, card CardID, by *PaidBy) (c Charge, found bool, err error) {
	if u.e.set.DuplicateWindow <= 0 {
		return c, false, nil
	}
	c, err = u.tx.PaidSince(p.Owner, card, p.Amount, by.Customer, by.Login, u.now.Add(-u.e.set.DuplicateWindow))
	if errors.Is(err, NotFound) {
		return c, false, nil
	}
	return c, err == nil, err
}

// cardToPay is the card that a call names, or the owner's primary one; it need not
// be usable any more for the answer of an earlier payment.
func (u *unitOfWork) cardToPay(j *Judged, named *CardID) (Card, error) {
	cards, err := u.tx.CardsOf(j.Owner.ID)
	if err != nil {
		return Card{}, err
	}
	for _, c := range cards {
		if c.State != CardDeleted && (named == nil && c.Primary || named != nil && c.ID == *named) {
			return c, nil
		}
	}
	if named == nil {
		return Card{}, wrongCard("%s has no primary card, and none was named", j.Owner.ID)
	}
	return Card{}, wrongCard("%s has no such card", j.Owner.ID)
}

func wrongCard(format string, args ...any) error {
	return Errorf(NotFound, "i_debit_credit_card", format, args...)
}

// chargeByHand makes the charge. A block, a suspension or an open automatic charge
// does not stop it: a person decided.
func (u *unitOfWork) chargeByHand(j *Judged, amount int64, card Card, cause string, by PaidBy) (Charge, bool, error) {
	credit := Money(amount, j.Owner.Currency)
	tax, fee := u.e.levies.Levy(j.Owner.ID, credit)
	choice, err := u.e.takes(u.tx, u.e.usable(card, u.now), j, amount, tax, fee, u.now)
	if err != nil {
		return Charge{}, false, err
	}
	switch choice.Reason {
	case ReasonCharge:
	case ReasonNoRoom:
		return Charge{}, false, Errorf(Overflow, "amount", "%s", choice.Detail)
	case ReasonAmountRefused:
		return Charge{}, false, Errorf(Invalid, "amount", "%s", choice.Detail)
	case ReasonNetworkLimit:
		return Charge{}, false, Errorf(Conflict, "i_debit_credit_card", "the card's network allows no try before %s", choice.FreeAt)
	case ReasonCardExpired:
		return Charge{}, false, wrongCard("the card cannot be used: %s has expired", choice.Detail)
	default:
		return Charge{}, false, wrongCard("the card cannot be used: %s", choice.Detail)
	}
	c := Charge{
		Owner: j.Owner.ID, Top: j.Owner.Top, Purpose: PurposeManual, Cause: cause, Card: card.ID, Gateway: card.Gateway,
		Unit: j.Owner.Currency, Credit: amount, Tax: tax, Fee: fee, Gross: amount + tax + fee,
		State: ChargeCreated, Attempt: 1, DueAt: u.now, CreatedAt: u.now, By: by,
	}
	if err := u.tx.CreateCharge(&c); err != nil {
		return c, false, err
	}
	u.chargeMoved(c, "")
	if err := u.auditPayment(&c); err != nil {
		return c, false, err
	}
	return c, false, u.keep(&Decision{
		Owner: c.Owner, Top: c.Top, At: u.now, Trigger: TriggerPerson, Purpose: c.Purpose, Actor: u.actor.Name(),
		Available: j.Available(), Threshold: j.Policy.Threshold, Unit: c.Unit, Reason: ReasonCharge, Made: c.ID,
		Charge: &ChargePlan{Card: card, Credit: amount, Tax: tax, Fee: fee}, State: j.Policy.State,
	})
}

func (p *MakePaymentParams) inputHash() string {
	card := "primary"
	if p.Card != nil {
		card = fmt.Sprint(*p.Card)
	}
	h := sha256.Sum256(fmt.Appendf(nil, "payment|%d|%d|%s|%s|%s", p.Owner, p.Amount, p.Currency, card, p.Payer))
	return hex.EncodeToString(h[:16])
}
