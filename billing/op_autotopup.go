package billing

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// EnableAutoTopupParams tops a subscription up with a payment that was made at the
// gateway, and lets the card of that payment be charged from then on.
type EnableAutoTopupParams struct {
	Subscription SubscriptionID
	Payment      GatewayPaymentID
	// Amount is what one automatic charge credits, in millionths; 0 is what was paid.
	Amount int64
	// Threshold is in millionths, 0 or more: a charge is due strictly below it.
	Threshold int64
}

// mandateSubscription is the text version of the consent that comes with the call.
const mandateSubscription = "subscription-autotopup-1"

// EnableAutoTopup credits the paid amount to the subscription's owner and sets the
// owner's low-balance policy, in one transaction, and returns the order of the top-up.
// The same payment again for the same subscription changes the policy, credits nothing
// and returns the first order.
//
// The owner is judged once, after the credit, as by any credit: what it did not lift is
// left to the next sweep, so that the card is not charged right after it paid. A call
// that credits nothing judges as SetLowBalance does.
//
// Errors: NotFound (subscription, payment), Conflict (subscription: terminated; payment:
// not paid, used by another subscription, without a card that can be charged), Invalid
// (threshold, charge_amount), WrongCurrency (payment), Overflow.
func (e *Engine) EnableAutoTopup(ctx context.Context, p EnableAutoTopupParams) (order Order, err error) {
	if p.Threshold < 0 {
		return order, Errorf(Invalid, "threshold", "threshold is 0 or more")
	}
	err = e.update(ctx, func(u *unitOfWork) error {
		order, err = u.enableAutoTopup(p)
		return err
	})
	return order, err
}

func (u *unitOfWork) enableAutoTopup(p EnableAutoTopupParams) (Order, error) {
	sub, j, err := u.subscribed(p.Subscription)
	if err != nil {
		return Order{}, err
	}
	if sub.State != SubscriptionActive {
		return Order{}, Errorf(Conflict, "subscription", "subscription %d is terminated", sub.ID)
	}
	paid, err := u.paidBy(&j.Owner, p.Payment)
	if err != nil {
		return Order{}, err
	}
	order, err := u.tx.OrderByPayment(paid.ID)
	used := err == nil
	switch {
	case err != nil && !errors.Is(err, NotFound):
		return Order{}, err
	case used && order.Subscription != sub.ID:
		return Order{}, Errorf(Conflict, "payment", "payment %d was used for another subscription", paid.ID)
	}
	card, err := u.cardOf(&paid)
	named := paid.Card != nil && sameCard(j.Policy.Card, paid.Card)
	if err != nil && !(used && named) { // a repeat changes no card, so a deleted one may stay
		return Order{}, err
	}
	if err := u.setAutoTopup(&j, p, &paid, used); err != nil || used {
		return order, err
	}
	return u.topup(&j, &sub, &paid, card.Gateway)
}

// subscribed reads a subscription and its owner; one of an owner out of scope looks
// unknown.
func (u *unitOfWork) subscribed(id SubscriptionID) (Subscription, Judged, error) {
	sub, err := u.tx.Subscription(id)
	if err != nil {
		return sub, Judged{}, wrongSubscription(id, err)
	}
	j, err := u.judged(sub.Owner)
	return sub, j, wrongSubscription(id, err)
}

func wrongSubscription(id SubscriptionID, err error) error {
	if errors.Is(err, NotFound) {
		return Errorf(NotFound, "subscription", "there is no subscription %d", id)
	}
	return err
}

// paidBy reads a payment of an owner that can be booked to it; another's looks unknown.
func (u *unitOfWork) paidBy(o *Owner, id GatewayPaymentID) (GatewayPayment, error) {
	paid, err := u.tx.GatewayPayment(id)
	switch {
	case errors.Is(err, NotFound) || err == nil && paid.Owner != o.ID:
		return paid, Errorf(NotFound, "payment", "there is no payment %d", id)
	case err != nil:
		return paid, err
	case paid.Status != PaymentPaid:
		return paid, Errorf(Conflict, "payment", "payment %d is not paid", id)
	case paid.Currency != o.Currency:
		return paid, Errorf(WrongCurrency, "payment", "%s is kept in %s", o.ID, o.Currency)
	}
	return paid, nil
}

// cardOf is the card that a payment was made with: it is what later charges need. One
// that is put aside may be named, as in SetLowBalance; the judgement says so.
func (u *unitOfWork) cardOf(paid *GatewayPayment) (Card, error) {
	if paid.Card == nil {
		return Card{}, Errorf(Conflict, "payment", "payment %d has no card that can be charged again", paid.ID)
	}
	card, err := u.tx.Card(*paid.Card)
	if err == nil && (card.Owner != paid.Owner || card.State == CardDeleted) {
		return card, Errorf(Conflict, "payment", "the card of payment %d cannot be charged again", paid.ID)
	}
	return card, err
}

func (u *unitOfWork) setAutoTopup(j *Judged, p EnableAutoTopupParams, paid *GatewayPayment, judge bool) error {
	amount := p.Amount
	if amount == 0 {
		amount = paid.Amount
	}
	before := j.Policy
	err := u.setLowBalance(j, SetLowBalanceParams{
		Owner: j.Owner.ID, Threshold: To(p.Threshold), ChargeCard: To(true), ChargeAmount: To(amount), Card: To(*paid.Card),
	}, mandateSubscription, judge)
	if err != nil {
		return err
	}
	j.Configured = true
	return u.audit(AuditUpdate, j.Owner.Top, auditOwner("low_balance", j.Owner.ID), policyChanges(&before, &j.Policy))
}

// topup books a payment and makes its order.
func (u *unitOfWork) topup(j *Judged, sub *Subscription, paid *GatewayPayment, gateway string) (Order, error) {
	post := Posting{
		Top: j.Owner.Top, Kind: PostPrepaid, Cause: causeOf("gateway_payment", int64(paid.ID)), Actor: u.actor.Name(),
		Notes:    fmt.Sprintf("payment %d for subscription %d", paid.ID, sub.ID),
		BookedAt: u.real, EffectiveAt: u.now,
		Entries: []Entry{
			{Owner: j.Owner.ID, Unit: paid.Currency, Micros: paid.Amount},
			{Account: CashAccount(gateway), Unit: paid.Currency, Micros: -paid.Amount},
		},
	}
	if err := u.post(&post); err != nil {
		return Order{}, err
	}
	if err := u.auditFunds("add", j, &post, paid.Amount, paid.Currency); err != nil {
		return Order{}, err
	}
	order := Order{
		Subscription: sub.ID, Payment: paid.ID, Top: j.Owner.Top, Posting: post.ID, Type: OrderTopup, Status: OrderCompleted,
		PhoneNumber: sub.PhoneNumber, Category: sub.Category,
		WholesalePartner: sub.WholesalePartner, SalesCode: sub.SalesCode,
	}
	// No finer than what is stored: a repeat reads the row.
	order.CreatedAt = u.now.UTC().Truncate(time.Microsecond)
	order.EffectiveAt = order.CreatedAt
	if err := u.tx.CreateOrder(&order); err != nil {
		return Order{}, err
	}
	info := newAudit().count("subscription", int64(sub.ID)).count("payment", int64(paid.ID))
	if err := u.audit(AuditAdd, j.Owner.Top, auditKey("orders", "id", int64(order.ID)), info); err != nil {
		return Order{}, err
	}
	return order, u.paymentMoved(j, paid.Amount)
}

// Location is the zone in which interfaces tell dates: that of owners that have none.
func (e *Engine) Location() *time.Location { return e.set.Location }

// AutoTopup is how a subscription is topped up automatically.
type AutoTopup struct {
	Subscription SubscriptionID
	// Enabled: a card is charged when the owner's available funds are below Threshold.
	Enabled   bool
	Amount    int64
	Threshold *int64
	// Payment is that of the subscription's newest order, 0 if it has none.
	Payment GatewayPaymentID
}

// AutoTopup is the setting of a subscription in the actor's scope: the low-balance
// policy of its owner. Errors: NotFound.
func (e *Engine) AutoTopup(ctx context.Context, id SubscriptionID) (AutoTopup, error) {
	t := AutoTopup{Subscription: id}
	err := e.view(ctx, func(r Reader) error {
		sub, err := r.Subscription(id)
		if err != nil {
			return wrongSubscription(id, err)
		}
		j, err := r.OwnerPolicy(sub.Owner)
		if err == nil && !ActorFrom(ctx).Sees(&j.Owner) {
			err = NotFound
		}
		if err != nil {
			return wrongSubscription(id, err)
		}
		t.Enabled = j.Configured && j.Policy.ChargeCard && j.Policy.Threshold != nil && j.Policy.ChargeAmount > 0
		t.Amount, t.Threshold = j.Policy.ChargeAmount, j.Policy.Threshold
		order, err := r.NewestOrder(id)
		t.Payment = order.Payment
		if errors.Is(err, NotFound) {
			return nil
		}
		return err
	})
	return t, err
}

// DisableAutoTopup ends automatic charges of the subscription's owner and the consent to
// them. What was sent to the gateway is settled; what was not is not sent any more. One
// that is off already stays it. Errors: NotFound.
func (e *Engine) DisableAutoTopup(ctx context.Context, id SubscriptionID) error {
	return e.update(ctx, func(u *unitOfWork) error {
		_, j, err := u.subscribed(id)
		if err != nil || !j.Policy.ChargeCard {
			return err
		}
		before := j.Policy
		p := SetLowBalanceParams{Owner: j.Owner.ID, ChargeCard: To(false)}
		if err := u.setLowBalance(&j, p, mandateSubscription, true); err != nil {
			return err
		}
		return u.audit(AuditUpdate, j.Owner.Top, auditOwner("low_balance", j.Owner.ID), policyChanges(&before, &j.Policy))
	})
}
