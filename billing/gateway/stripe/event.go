package stripe

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"topupd/billing"
)

// event is the envelope of every webhook.
type event struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Created int64  `json:"created"`
	Data    struct {
		Object json.RawMessage `json:"object"`
	} `json:"data"`
}

// translations is what each type of event becomes; others mean nothing here and
// become nothing. An event that is about none of our payments becomes nothing
// too, where that can be seen.
var translations = map[string]func(*event) ([]billing.GatewayEvent, error){
	"payment_intent.succeeded":       (*event).payment,
	"payment_intent.payment_failed":  (*event).payment,
	"payment_intent.canceled":        (*event).payment,
	"payment_intent.requires_action": (*event).payment,
	"payment_intent.processing":      (*event).payment,

	"charge.refunded":       (*event).refunded,
	"charge.refund.updated": (*event).refund,
	"refund.created":        (*event).refund,
	"refund.updated":        (*event).refund,
	"refund.failed":         (*event).refund,

	"charge.dispute.created":          (*event).disputed,
	"charge.dispute.funds_withdrawn":  (*event).disputed,
	"charge.dispute.funds_reinstated": (*event).disputed,
	"charge.dispute.closed":           (*event).disputed,

	"radar.early_fraud_warning.created": (*event).warned,

	"payment_method.automatically_updated": (*event).cardUpdated,
	"payment_method.updated":               (*event).cardUpdated,
}

// EventTypes are the types of event that Webhook acts on, for the endpoint's
// settings at Stripe.
func EventTypes() []string { return slices.Sorted(maps.Keys(translations)) }

var errUnreadable = errors.New("its object cannot be read")

func (e *event) translate() ([]billing.GatewayEvent, error) {
	t, known := translations[e.Type]
	if !known {
		return nil, nil
	}
	return t(e)
}

// read decodes the event's object; its text stays out of the error.
func (e *event) read(object any) error {
	if json.Unmarshal(e.Data.Object, object) != nil {
		return errUnreadable
	}
	return nil
}

func (e *event) become(kind billing.GatewayEventKind) billing.GatewayEvent {
	return billing.GatewayEvent{ID: e.ID, Kind: kind, At: time.Unix(e.Created, 0).UTC()}
}

// payment tells definite outcomes: what is still processing or unconfirmed is
// left to its next event.
func (e *event) payment() ([]billing.GatewayEvent, error) {
	var p paymentIntent
	if err := e.read(&p); err != nil || p.ID == "" {
		return nil, errUnreadable
	}
	amount, err := amountOf(p.Amount, p.Currency)
	if err != nil {
		return nil, nil // nothing that we charge
	}
	ev := e.become(billing.EventCharge)
	ev.Key, ev.Ref = p.Metadata[metaKey], p.ID
	c := billing.GatewayCharge{Key: ev.Key, Amount: amount}
	ev.Result = outcome(&p, &c)
	if ev.Result.Outcome != billing.OutcomeSucceeded && ev.Result.Outcome != billing.OutcomeDeclined {
		return nil, nil
	}
	ev.Amount = amount
	return []billing.GatewayEvent{ev}, nil
}

func (e *event) refund() ([]billing.GatewayEvent, error) {
	var r refund
	if err := e.read(&r); err != nil || r.ID == "" {
		return nil, errUnreadable
	}
	return e.refunds(e.ID, r)
}

// refunded is an older way to tell of refunds, with the charge around them; newer
// API versions leave them out and tell each on its own.
func (e *event) refunded() ([]billing.GatewayEvent, error) {
	var c charge
	if err := e.read(&c); err != nil || c.ID == "" {
		return nil, errUnreadable
	}
	var all []billing.GatewayEvent
	for _, r := range c.Refunds.Data {
		if r.Payment.ID == "" {
			r.Payment = c.Payment
		}
		evs, err := e.refunds(e.ID+"/"+r.ID, r)
		if err != nil {
			return nil, err
		}
		all = append(all, evs...)
	}
	return all, nil
}

func (e *event) refunds(id string, r refund) ([]billing.GatewayEvent, error) {
	amount, err := amountOf(r.Amount, r.Currency)
	if err != nil || r.Payment.ID == "" {
		return nil, nil // of something that was not paid by a PaymentIntent of ours
	}
	ev := e.become(billing.EventRefund)
	ev.ID, ev.Ref, ev.Amount = id, r.Payment.ID, amount
	ev.Key, ev.RefundKey, ev.RefundRef = r.Metadata[metaAttempt], r.Metadata[metaKey], r.ID
	ev.Result = r.standing()
	return []billing.GatewayEvent{ev}, nil
}

func (e *event) disputed() ([]billing.GatewayEvent, error) {
	var d dispute
	if err := e.read(&d); err != nil || d.ID == "" {
		return nil, errUnreadable
	}
	amount, err := amountOf(d.Amount, d.Currency)
	if err != nil || d.Payment.ID == "" {
		return nil, nil
	}
	ev := e.become(billing.EventDisputeOpened)
	ev.Ref, ev.DisputeRef, ev.DisputeReason, ev.Amount = d.Payment.ID, d.ID, d.Reason, amount
	switch e.Type {
	case "charge.dispute.funds_withdrawn":
		ev.Kind = billing.EventDisputeWithdrawn
		err = d.moved(&ev, -1)
	case "charge.dispute.funds_reinstated":
		ev.Kind = billing.EventDisputeReinstated
		err = d.moved(&ev, +1)
	case "charge.dispute.closed":
		ev.Kind = billing.EventDisputeClosed
		ev.Result = d.end()
	}
	if err != nil {
		return nil, err
	}
	return []billing.GatewayEvent{ev}, nil
}

// moved fills in what was taken (sign -1) or came back (+1). Stripe books it in
// the account's own currency; where that is not the charge's, the disputed amount
// stands, and the fee keeps its own currency.
func (d *dispute) moved(ev *billing.GatewayEvent, sign int64) error {
	for _, m := range d.Movements {
		if m.Amount*sign <= 0 {
			continue
		}
		amount, err := amountOf(m.Amount, m.Currency)
		if err != nil {
			return err
		}
		if amount.Unit == ev.Amount.Unit {
			ev.Amount = amount
		}
		if m.Fee*sign < 0 { // a fee is what the account loses
			ev.Fee, err = amountOf(m.Fee, m.Currency)
		}
		return err
	}
	return nil
}

func (d *dispute) end() billing.GatewayResult {
	r := billing.GatewayResult{Ref: d.ID, Code: d.Status}
	switch d.Status {
	case "won", "warning_closed", "prevented": // nothing was taken for good
		r.Outcome = billing.OutcomeSucceeded
	case "lost":
		r.Outcome, r.Class, r.Message = billing.OutcomeDeclined, billing.DeclineHard, "the dispute was lost"
	}
	return r
}

func (e *event) warned() ([]billing.GatewayEvent, error) {
	var w fraudWarning
	if err := e.read(&w); err != nil || w.ID == "" {
		return nil, errUnreadable
	}
	if w.Payment.ID == "" {
		return nil, nil
	}
	ev := e.become(billing.EventFraudWarning)
	ev.Ref, ev.DisputeRef, ev.DisputeReason = w.Payment.ID, w.ID, w.FraudType
	return []billing.GatewayEvent{ev}, nil
}

func (e *event) cardUpdated() ([]billing.GatewayEvent, error) {
	var m paymentMethod
	if err := e.read(&m); err != nil || m.ID == "" {
		return nil, errUnreadable
	}
	facts := cardFacts(m.Card)
	if facts == nil {
		return nil, nil // a bank account, a wallet
	}
	ev := e.become(billing.EventCardUpdated)
	ev.Token, ev.Card = billing.Secret(m.ID), *facts
	if m.Customer != nil {
		ev.Card.Customer = m.Customer.ID
	}
	return []billing.GatewayEvent{ev}, nil
}
