package billing_test

import (
	"testing"

	"topupd/billing"
)

func (k *kit) paidWith(ep billing.ExpectedID, c billing.Change[billing.PaymentID]) (billing.ExpectedPayment, error) {
	return k.engine.UpdateExpected(root(t0), billing.ExpectedParams{ID: ep, Payment: c})
}

// TestExpectedIsPaidWith: what is expected is fulfilled by a payment that came in, not by one
// that went out, failed, or is another's; and who takes that back finds its own charge,
// if that succeeded beside it.
func TestExpectedIsPaidWith(t *testing.T) {
	k := newKit(t)
	k.seedProfile("tok_timeout")
	k.runProfiles(t0)
	ep := k.oneExpected()
	move := func(kind billing.PostingKind) billing.PaymentID {
		res, err := k.engine.MoveFunds(root(t0), billing.MoveFundsParams{Owner: acme10, Kind: kind, Amount: 100 * usd, Currency: "USD"})
		k.ok(err)
		return billing.PostingPayment(res.Posting)
	}
	in, out := move(billing.PostAddFunds), move(billing.PostDebit)
	for name, id := range map[string]billing.PaymentID{"what went out": out, "what is pending": billing.ChargePayment(ep.Charge), "nothing": 9999} {
		if _, err := k.paidWith(ep.ID, billing.To(id)); err == nil {
			t.Errorf("%s fulfilled it", name)
		}
	}
	if got := k.oneExpected(); !got.Open() || got.Revision != ep.Revision {
		t.Errorf("refused, and changed: %+v", got)
	}
	got, err := k.paidWith(ep.ID, billing.To(in))
	if k.ok(err); got.Payment != in || got.Open() || !got.FulfilledAt.Equal(t0) {
		t.Errorf("paid by hand: %+v", got)
	}
	got, err = k.paidWith(ep.ID, billing.ToNull[billing.PaymentID]())
	if k.ok(err); !got.Open() || got.Payment != 0 {
		t.Errorf("taken back: %+v", got)
	}
	_, err = k.paidWith(ep.ID, billing.To(in))
	k.ok(err)
	k.restart()
	k.later(day(1)) // the gateway tells that it had captured
	if got := k.oneExpected(); got.Payment != in {
		t.Errorf("both paid: %+v", got)
	}
	k.verify()
	own := billing.ChargePayment(ep.Charge)
	got, err = k.paidWith(ep.ID, billing.ToNull[billing.PaymentID]())
	if k.ok(err); got.Payment != own || got.Open() {
		t.Errorf("its own charge paid it too: %+v", got)
	}
	if _, err := k.paidWith(ep.ID, billing.To(in)); billing.ErrorCode(err) != billing.Conflict {
		t.Errorf("its own payment was taken away: %v", err)
	}
	k.verify()
}

// One payment fulfils one expected payment, or a debt would vanish.
func TestOnePaymentFulfilsOnce(t *testing.T) {
	k := newKit(t)
	k.seedProfile("tok_ok")
	_, err := k.engine.CreateExpectedType(root(t0), billing.ExpectedTypeParams{Name: billing.To("Invoice")})
	k.ok(err)
	var ids []billing.ExpectedID
	for range 2 {
		ep, err := k.engine.CreateExpected(root(t0), billing.CreateExpectedParams{Owner: acme10, Type: billing.To("Invoice"), Amount: billing.To[int64](100 * usd)})
		k.ok(err)
		ids = append(ids, ep.ID)
	}
	res, err := k.engine.MoveFunds(root(t0), billing.MoveFundsParams{Owner: acme10, Kind: billing.PostAddFunds, Amount: 100 * usd, Currency: "USD"})
	k.ok(err)
	in := billing.To(billing.PostingPayment(res.Posting))
	_, err = k.paidWith(ids[0], in)
	k.ok(err)
	if _, err := k.paidWith(ids[1], in); billing.ErrorCode(err) != billing.Conflict {
		t.Errorf("two with one payment: %v", err)
	}
	_, err = k.paidWith(ids[0], in) // as it is
	k.ok(err)
	_, err = k.paidWith(ids[0], billing.ToNull[billing.PaymentID]())
	k.ok(err)
	_, err = k.paidWith(ids[1], in)
	k.ok(err)
	k.verify()
}
