package hook

import (
	"encoding/json"
	"time"

	"topupd/billing"
)

// event is the body of what a bridge tells on its own. It has "event" where
// requests have "type".
type event struct {
	Event string `json:"event"`
	At    string `json:"at"` // RFC 3339; absent is the message's timestamp
	Key   string `json:"key"`
	verdict
	Outcome       string `json:"outcome"`
	RefundKey     string `json:"refund_key"`
	RefundRef     string `json:"refund_ref"`
	DisputeRef    string `json:"dispute_ref"`
	DisputeReason string `json:"dispute_reason"`
	Amount        string `json:"amount"`
	Currency      string `json:"currency"`
	Fee           string `json:"fee"`
	FeeCurrency   string `json:"fee_currency"` // absent is currency
	Token         string `json:"token"`
}

// needs are the members without which an event of a kind cannot be acted on.
type needs struct {
	payment bool // key or ref
	refund  bool // refund_key or refund_ref
	dispute bool // dispute_ref
	amount  bool
	token   bool
	outcome map[string]billing.Outcome
}

var (
	paidOrNot = map[string]billing.Outcome{"succeeded": billing.OutcomeSucceeded, "declined": billing.OutcomeDeclined}
	wonOrLost = map[string]billing.Outcome{"won": billing.OutcomeSucceeded, "lost": billing.OutcomeDeclined}
)

var eventNeeds = map[billing.GatewayEventKind]needs{
	billing.EventCharge:            {payment: true, outcome: paidOrNot},
	billing.EventRefund:            {payment: true, refund: true, amount: true, outcome: paidOrNot},
	billing.EventDisputeOpened:     {payment: true, dispute: true, amount: true},
	billing.EventDisputeWithdrawn:  {payment: true, dispute: true, amount: true},
	billing.EventDisputeReinstated: {payment: true, dispute: true, amount: true},
	billing.EventDisputeClosed:     {payment: true, dispute: true, outcome: wonOrLost},
	billing.EventFraudWarning:      {payment: true},
	billing.EventCardUpdated:       {token: true},
}

// decodeEvent reads a genuine message; known is false for kinds that are not.
// Errors: malformedEvent.
func decodeEvent(id string, sent time.Time, body []byte, wordsFor func(billing.Secret) words) (e billing.GatewayEvent, known bool, err error) {
	bad := func(why string) (billing.GatewayEvent, bool, error) {
		return billing.GatewayEvent{}, false, &malformedEvent{why}
	}
	badJSON := func(err error) (billing.GatewayEvent, bool, error) {
		return bad("is not the JSON that it should be: " + wordsFor("").clean(err.Error(), maxMessage/2))
	}
	// The kind first: what a later kind has beside it may have any type.
	var named struct {
		Event billing.GatewayEventKind `json:"event"`
	}
	if err := json.Unmarshal(body, &named); err != nil {
		return badJSON(err)
	}
	if named.Event == "" {
		return bad(`has no member "event"`)
	}
	need, known := eventNeeds[named.Event]
	if !known {
		return billing.GatewayEvent{}, false, nil
	}
	var in event
	if err := json.Unmarshal(body, &in); err != nil {
		return badJSON(err)
	}
	if why := in.lacks(need); why != "" {
		return bad(in.Event + " " + why)
	}
	words := wordsFor(billing.Secret(in.Token))
	e = billing.GatewayEvent{
		ID: id, Kind: named.Event, At: sent, Key: in.Key, Ref: words.hide(in.Ref),
		RefundKey: in.RefundKey, RefundRef: words.hide(in.RefundRef),
		DisputeRef: words.hide(in.DisputeRef), DisputeReason: words.clean(in.DisputeReason, maxCode),
		Token: billing.Secret(in.Token),
	}
	if in.At != "" {
		if e.At, err = time.Parse(time.RFC3339, in.At); err != nil {
			return bad(in.Event + " has an at that is no RFC 3339 time")
		}
		e.At = e.At.UTC()
	}
	if why := in.money(&e); why != "" {
		return bad(in.Event + " " + why)
	}
	return in.told(e, need, words), true, nil
}

// lacks is what is missing or too long; empty if nothing.
func (in *event) lacks(need needs) string {
	for _, s := range []string{in.Key, in.Ref, in.RefundKey, in.RefundRef, in.DisputeRef} {
		if len(s) > maxRef {
			return "has a key or reference of more than 255 bytes"
		}
	}
	_, classKnown := classOf(in.Class)
	_, outcomeKnown := need.outcome[in.Outcome]
	switch {
	case need.payment && in.Key == "" && in.Ref == "":
		return "names no payment: key or ref"
	case need.refund && in.RefundKey == "" && in.RefundRef == "":
		return "names no refund: refund_key or refund_ref"
	case need.dispute && in.DisputeRef == "":
		return "names no dispute: dispute_ref"
	case need.amount && in.Amount == "":
		return "has no amount"
	case need.token && in.Token == "":
		return "has no token"
	case need.outcome != nil && !outcomeKnown:
		return "has no outcome that it can have"
	case in.Event == string(billing.EventCharge) && in.Outcome == "succeeded" && in.Ref == "":
		return "is a success without ref"
	case !classKnown:
		return "has a class that is none of soft, hard, authentication_required"
	}
	return ""
}

// money reads amount and fee, both positive.
func (in *event) money(e *billing.GatewayEvent) string {
	feeCurrency := in.FeeCurrency
	if feeCurrency == "" {
		feeCurrency = in.Currency
	}
	for _, m := range []struct {
		name, text, currency string
		to                   *billing.Amount
	}{{"amount", in.Amount, in.Currency, &e.Amount}, {"fee", in.Fee, feeCurrency, &e.Fee}} {
		if m.text == "" {
			continue
		}
		currency, known := billing.LookupCurrency(m.currency)
		micros, err := billing.ParseMicros(m.text)
		if !known || err != nil || micros <= 0 {
			return "has no positive " + m.name + " in a known currency"
		}
		// A fee may be parts of a cent; what moved on a card may not.
		if m.to == &e.Amount && !currency.Whole(micros) {
			return "has an amount that its currency cannot have"
		}
		*m.to = billing.Money(micros, currency.Code)
	}
	return ""
}

// told adds what the event says of the payment.
func (in *event) told(e billing.GatewayEvent, need needs, words words) billing.GatewayEvent {
	e.Result = in.result(words)
	if e.Result.Card != nil {
		e.Card = *e.Result.Card
	}
	e.Result.Outcome = need.outcome[in.Outcome]
	class, _ := classOf(in.Class)
	switch {
	case e.Result.Outcome != billing.OutcomeDeclined:
	case e.Kind == billing.EventCharge:
		e.Result = declined(callCharge, e.Result, class)
	case e.Kind == billing.EventRefund:
		e.Result = declined(callRefund, e.Result, class)
	}
	return e
}
