package billing

import (
	"errors"
	"time"
)

// SubscriptionLine is a subscription to import; Owner and PhoneNumber are needed for a
// new one.
type SubscriptionLine struct {
	ID               SubscriptionID
	Owner            OwnerID
	PhoneNumber      Change[string]
	Category         Change[int64]  // null is none
	WholesalePartner Change[int64]  // null is none
	SalesCode        Change[string] // null is none
	State            Change[string] // active (default), terminated
}

// Subscription puts one subscription.
func (im *Importer) Subscription(l SubscriptionLine) (err error) {
	defer counted(&im.done.subscriptions, &err)
	if l.ID < 1 {
		return Errorf(Invalid, "id", "ids are above 0")
	}
	s, err := im.u.tx.Subscription(l.ID)
	switch {
	case errors.Is(err, NotFound):
		s = Subscription{ID: l.ID, State: SubscriptionActive}
		if !l.PhoneNumber.Given {
			return Errorf(Missing, "phoneNumber", "phoneNumber is missing")
		}
	case err != nil:
		return err
	}
	o, err := im.u.owner(l.Owner)
	if err != nil {
		return wrongOwner(l.Owner, err)
	}
	s.Owner, s.Top = o.ID, o.Top
	set(&s.PhoneNumber, l.PhoneNumber)
	setOptional(&s.Category, l.Category)
	setOptional(&s.WholesalePartner, l.WholesalePartner)
	setOptional(&s.SalesCode, l.SalesCode)
	if l.State.Given {
		if s.State, err = parseLine(l.State, "state", parseSubscriptionState); err != nil {
			return err
		}
	}
	err = im.u.tx.PutSubscription(&s)
	if errors.Is(err, Conflict) {
		return Errorf(Conflict, "id", "subscription %d has orders and stays with its owner", l.ID)
	}
	return err
}

func setOptional[T any](dst **T, c Change[T]) {
	if c.Given {
		*dst = c.Value
	}
}

func parseSubscriptionState(s string) (SubscriptionState, error) {
	switch state := SubscriptionState(s); state {
	case SubscriptionActive, SubscriptionTerminated:
		return state, nil
	}
	return "", Invalid
}

// GatewayPaymentLine is a payment that was made at a gateway, to import; Owner, Amount,
// Currency and Status are needed for a new one.
type GatewayPaymentLine struct {
	ID       GatewayPaymentID
	Owner    OwnerID
	Amount   Change[int64]
	Currency Change[string]
	Card     Change[CardID] // null is not known
	Status   Change[string]
}

// maxStatus bounds the gateway's word for a payment's status.
const maxStatus = 64

// GatewayPayment puts one payment. One that was used stays as it is: a line that says
// anything else is refused.
func (im *Importer) GatewayPayment(l GatewayPaymentLine) (err error) {
	defer counted(&im.done.payments, &err)
	if l.ID < 1 {
		return Errorf(Invalid, "id", "ids are above 0")
	}
	was, err := im.u.tx.GatewayPayment(l.ID)
	isNew := errors.Is(err, NotFound)
	if err != nil && !isNew {
		return err
	}
	p := was
	if isNew {
		p.ID = l.ID
		for name, given := range map[string]bool{"amount": l.Amount.Given, "currency": l.Currency.Given, "status": l.Status.Given} {
			if !given {
				return Errorf(Missing, name, "%s is missing", name)
			}
		}
	}
	o, err := im.u.owner(l.Owner)
	if err != nil {
		return wrongOwner(l.Owner, err)
	}
	p.Owner, p.Top = o.ID, o.Top
	if err := im.gatewayPaymentMembers(&p, l); err != nil {
		return err
	}
	if !isNew && p.Owner == was.Owner && p.Amount == was.Amount && p.Currency == was.Currency && p.Status == was.Status && sameCard(p.Card, was.Card) {
		return nil
	}
	err = im.u.tx.PutGatewayPayment(&p)
	if errors.Is(err, Conflict) {
		return Errorf(Conflict, "id", "payment %d was used and stays as it is", l.ID)
	}
	return err
}

func (im *Importer) gatewayPaymentMembers(p *GatewayPayment, l GatewayPaymentLine) (err error) {
	set(&p.Amount, l.Amount)
	if l.Currency.Given {
		if p.Currency, err = parseLine(l.Currency, "currency", parseCurrency); err != nil {
			return err
		}
	}
	if p.Amount <= 0 || p.Amount > MaxCharge {
		return Errorf(Invalid, "amount", "above 0, at most %s", FormatMicros(MaxCharge))
	}
	set(&p.Status, l.Status)
	if p.Status == "" || len(p.Status) > maxStatus {
		return Errorf(Invalid, "status", "1 to %d characters", maxStatus)
	}
	setOptional(&p.Card, l.Card)
	if p.Card == nil {
		return nil
	}
	card, err := im.u.tx.Card(*p.Card)
	if errors.Is(err, NotFound) || err == nil && card.Owner != p.Owner {
		return Errorf(NotFound, "i_debit_credit_card", "%s has no card %d", p.Owner, *p.Card)
	}
	return err
}

// OrderLine is an order to import: what an export wrote. All but the optional ones are
// needed; an order is never changed.
type OrderLine struct {
	ID               OrderID
	Subscription     SubscriptionID
	Payment          GatewayPaymentID
	Type             OrderType
	Status           OrderStatus
	Created          time.Time
	Effective        time.Time
	PhoneNumber      string
	Category         *int64
	WholesalePartner *int64
	SalesCode        *string
}

// Order puts one order. It books nothing: an import brings balances as they are.
func (im *Importer) Order(l OrderLine) (err error) {
	defer counted(&im.done.orders, &err)
	switch {
	case l.ID < 1 || l.Subscription < 1 || l.Payment < 1:
		return Errorf(Invalid, "id", "ids are above 0")
	case l.Type < OrderNew || l.Type > OrderAutoTopup:
		return Errorf(Invalid, "orderTypeId", "%d to %d", OrderNew, OrderAutoTopup)
	case l.Status < OrderReceived || l.Status > OrderFailed:
		return Errorf(Invalid, "statusId", "%d to %d", OrderReceived, OrderFailed)
	}
	given := Order{
		ID: l.ID, Subscription: l.Subscription, Payment: l.Payment, Type: l.Type, Status: l.Status,
		CreatedAt: l.Created, EffectiveAt: l.Effective, PhoneNumber: l.PhoneNumber, Category: l.Category,
		WholesalePartner: l.WholesalePartner, SalesCode: l.SalesCode,
	}
	switch was, err := im.u.tx.Order(l.ID); {
	case err == nil && was.same(&given):
		return nil
	case err == nil:
		return Errorf(Conflict, "id", "order %d is another one and never changes", l.ID)
	case !errors.Is(err, NotFound):
		return err
	}
	sub, err := im.u.tx.Subscription(l.Subscription)
	if err != nil {
		return wrongSubscription(l.Subscription, err)
	}
	if _, err := im.u.tx.GatewayPayment(l.Payment); err != nil {
		if errors.Is(err, NotFound) {
			return Errorf(NotFound, "payment", "there is no payment %d", l.Payment)
		}
		return err
	}
	given.Top = sub.Top
	err = im.u.tx.CreateOrder(&given)
	switch {
	case errors.Is(err, Exists):
		return Errorf(Exists, "payment", "payment %d was used by another order", l.Payment)
	case errors.Is(err, Conflict):
		return Errorf(Conflict, "payment", "payment %d is not a paid one of the subscription's owner", l.Payment)
	}
	return err
}

// same reports whether two orders say the same, whatever booked them.
func (d *Order) same(o *Order) bool {
	return d.Subscription == o.Subscription && d.Payment == o.Payment && d.Type == o.Type && d.Status == o.Status &&
		d.CreatedAt.Equal(o.CreatedAt) && d.EffectiveAt.Equal(o.EffectiveAt) && d.PhoneNumber == o.PhoneNumber &&
		equal(d.Category, o.Category) && equal(d.WholesalePartner, o.WholesalePartner) && equal(d.SalesCode, o.SalesCode)
}
