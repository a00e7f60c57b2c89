package billing_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"topupd/billing"
)

// postOffice carries the bank's events to the engine: twice, late and out of
// order. A nil one carries nothing.
type postOffice struct {
	// take hands one event over.
	take func(billing.GatewayEvent) error
	// rng draws delays and copies; only ever used under mu.
	mu   sync.Mutex
	rng  *rand.Rand
	sent int
	bag  []delivery
	// lost lists events that nobody took in three days.
	lost []string
}

// delivery is one copy of an event on its way.
type delivery struct {
	at    time.Time
	ev    billing.GatewayEvent
	tries int
}

// delays of an event: at once, and so late that its charge has long gone on.
var eventDelays = []time.Duration{0, 0, time.Second, time.Minute, 2 * time.Hour, 30 * time.Hour}

// redelivery is how long the bank waits before it tells again, and how often it does.
const (
	redelivery = time.Hour
	maxTries   = 72
)

// tellCharge tells what became of a payment. The bank holds its lock.
func (o *postOffice) tellCharge(p *payment, r billing.GatewayResult) {
	if o == nil {
		return
	}
	o.tell(p, billing.GatewayEvent{Kind: billing.EventCharge, Result: r, Amount: p.first.Amount})
}

// tell puts an event on its way, in one to three copies. Now and then the same
// fact is told by a second event with an id of its own.
func (o *postOffice) tell(p *payment, ev billing.GatewayEvent) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	ev.At, ev.Key, ev.Ref = time.Now(), p.first.Key, p.ref
	switch drop := o.rng.IntN(4); {
	case drop == 0:
		ev.Ref = ""
	case drop == 1 && ev.Kind == billing.EventCharge:
		ev.Key = "" // its reference alone, which may not be known yet
	}
	p.told = p.told || ev.Kind == billing.EventCharge && ev.Key != ""
	events := 1
	if ev.Kind == billing.EventCharge && o.rng.IntN(4) == 0 {
		events = 2
	}
	for range events {
		o.sent++
		ev.ID = fmt.Sprintf("evt_%d", o.sent)
		for range 1 + o.rng.IntN(3) {
			o.bag = append(o.bag, delivery{at: time.Now().Add(eventDelays[o.rng.IntN(len(eventDelays))]), ev: ev})
		}
	}
}

// deliverNow hands over at once what is on its way about a payment.
func (o *postOffice) deliverNow(p *payment) {
	if o == nil {
		return
	}
	o.hand(func(d delivery) bool { return d.ev.Key == p.first.Key || d.ev.Ref == p.ref })
}

// deliver hands over what is due.
func (o *postOffice) deliver() {
	if o == nil {
		return
	}
	o.hand(func(d delivery) bool { return !d.at.After(time.Now()) })
}

func (o *postOffice) hand(due func(delivery) bool) {
	o.mu.Lock()
	var now, rest []delivery
	for _, d := range o.bag {
		if due(d) {
			now = append(now, d)
		} else {
			rest = append(rest, d)
		}
	}
	o.bag = rest
	o.rng.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
	o.mu.Unlock()
	for _, d := range now {
		err := o.take(d.ev)
		if err == nil {
			continue
		}
		d.tries++
		d.at = time.Now().Add(redelivery)
		o.mu.Lock()
		if d.tries < maxTries {
			o.bag = append(o.bag, d)
		} else {
			o.lost = append(o.lost, fmt.Sprintf("%s %s of %s: %v", d.ev.ID, d.ev.Kind, d.ev.Key, err))
		}
		o.mu.Unlock()
	}
}

// bankRefund is money that the bank gave back.
type bankRefund struct {
	of      *payment
	ref     string
	key     string // ours; empty for one made by hand
	amount  billing.Amount
	bounced bool
}

// giveBack moves money and tells of it. The bank holds its lock.
func (b *bank) giveBack(p *payment, key string, amount billing.Amount) *bankRefund {
	r := &bankRefund{of: p, key: key, ref: fmt.Sprintf("re_%s_%d", p.ref, len(b.gaveBack)), amount: amount}
	p.refunded += amount.Micros
	b.gaveBack = append(b.gaveBack, r)
	b.tellRefund(r, billing.GatewayResult{Outcome: billing.OutcomeSucceeded, Ref: r.ref})
	return r
}

func (b *bank) tellRefund(r *bankRefund, res billing.GatewayResult) {
	b.post.tell(r.of, billing.GatewayEvent{
		Kind: billing.EventRefund, RefundKey: r.key, RefundRef: r.ref, Result: res, Amount: r.amount,
	})
}

// takeBack is a person at the bank who gives money back, without asking us.
func (b *bank) takeBack(p *payment, micros int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.kept() >= micros {
		b.giveBack(p, "", billing.Money(micros, p.first.Amount.Unit))
	}
}

// bounce is a refund that the card's bank sends back, days after it was made.
func (b *bank) bounce(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.gaveBack) == 0 {
		return
	}
	r := b.gaveBack[n%len(b.gaveBack)]
	if r.bounced {
		return
	}
	r.bounced = true
	r.of.refunded -= r.amount.Micros
	b.tellRefund(r, billing.GatewayResult{Outcome: billing.OutcomeDeclined, Ref: r.ref, Code: "lost_or_stolen_card"})
}

// warn is an issuer that suspects fraud.
func (b *bank) warn(p *payment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.state == captured {
		b.post.tell(p, billing.GatewayEvent{Kind: billing.EventFraudWarning})
	}
}

// dispute is a cardholder who wants the money back: withdrawn, and reinstated
// when the operator wins.
func (b *bank) dispute(p *payment, won bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.kept() != p.first.Amount.Micros || p.withdrawn > 0 {
		return
	}
	ev := billing.GatewayEvent{DisputeRef: "dp_" + p.ref, DisputeReason: "fraudulent", Amount: p.first.Amount}
	of := func(kind billing.GatewayEventKind) billing.GatewayEvent { ev.Kind = kind; return ev }
	b.post.tell(p, of(billing.EventDisputeOpened))
	p.withdrawn = p.first.Amount.Micros
	b.post.tell(p, of(billing.EventDisputeWithdrawn))
	if won {
		p.reinstated = p.first.Amount.Micros
		b.post.tell(p, of(billing.EventDisputeReinstated))
	}
	closed := of(billing.EventDisputeClosed)
	closed.Result.Outcome = billing.OutcomeDeclined
	if won {
		closed.Result.Outcome = billing.OutcomeSucceeded
	}
	b.post.tell(p, closed)
}

// confirm is a customer who confirms a payment that his bank had stopped.
func (b *bank) confirm(p *payment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.state != refused || p.verdict != authenticate || p.muted {
		return
	}
	p.state, p.verdict, p.at, p.byHand = captured, approve, time.Now(), true
	b.post.tellCharge(p, b.result(p))
}
