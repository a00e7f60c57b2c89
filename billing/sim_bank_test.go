package billing_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"topupd/billing"
)

// fault is how one call to the bank goes wrong.
type fault uint8

const (
	honest       fault = iota
	slow               // answers late, but in time
	silentAfter        // time-out, the money moved
	silentBefore       // time-out, nothing moved
	cutAfter           // the connection broke, the money moved
	cutBefore          // the connection broke, nothing moved
	lateEffect         // the connection broke, the money moves later
	failed             // the bank's own fault: nothing was sent
	limited            // 429
	eventFirst         // the event is told before the call is answered
	mute               // never a word about this payment again, the money moved
	faults             // how many there are
)

var faultNames = [faults]string{
	"honest", "slow", "silentAfter", "silentBefore", "cutAfter", "cutBefore", "lateEffect", "failed", "limited", "eventFirst", "mute",
}

func (f fault) String() string { return faultNames[f] }

// verdict is what the issuer says to a payment that reaches it.
type verdict uint8

const (
	approve verdict = iota
	soft
	hard
	authenticate
)

// call names one call to the bank by where it stands in a charge's life, so
// that a plan of faults does not depend on keys, threads or the clock.
type call struct {
	kind   string // "charge", "lookup", "prepare"
	charge billing.ChargeID
	n      int // the how-manieth payment of its charge, from 1
	nth    int // the how-manieth call of this kind for that payment, from 1
}

// paymentState is where one payment is at the bank.
type paymentState uint8

const (
	nowhere  paymentState = iota // never arrived, or made and not confirmed
	underWay                     // sent, will arrive
	captured
	refused
)

// payment is one key at the bank: the bank answers a key it knows as before.
type payment struct {
	ref      string
	first    billing.GatewayCharge // as it came first
	n        int
	state    paymentState
	prepared bool
	muted    bool
	// inFlight counts the calls about it that were not answered yet.
	inFlight int
	verdict  verdict
	seen     time.Time // first heard of
	arrives  time.Time // of one under way
	at       time.Time // captured or refused
	calls    map[string]int
	// Taken back by hand at the bank, and by disputes.
	refunded, withdrawn, reinstated int64
	// told: an event that names it by its key is on its way.
	told bool
	// byHand: the customer confirmed it after it was refused.
	byHand bool
}

// kept is what the operator has of a payment.
func (p *payment) kept() int64 {
	if p.state != captured {
		return 0
	}
	return p.first.Amount.Micros - p.refunded - p.withdrawn + p.reinstated
}

// known is the reference of a payment that was made.
func (p *payment) known() string {
	if p.prepared {
		return p.ref
	}
	return ""
}

// bank is a gateway with a memory: its list of payments is what money really
// moved. It checks what it is promised (C1 to C3).
type bank struct {
	name string
	// plan and issuer decide each call; nil is honest and approve.
	plan   func(call) fault
	issuer func(charge billing.ChargeID, n int, token billing.Secret) verdict
	// committed looks into the database for what a call promises to have there.
	committed func(kind string, c billing.GatewayCharge) error
	// replays: a lookup sends a key that never arrived again.
	replays bool

	mu       sync.Mutex
	calm     bool // no faults any more, except to those who were muted
	payments map[string]*payment
	list     []*payment
	perPlace map[billing.ChargeID]int
	refunds  map[string]billing.GatewayResult
	// refundCalls counts the calls of each refund.
	refundCalls map[string]int
	gaveBack    []*bankRefund
	twoStep     bool // somebody made a payment in two steps
	wrong       []string
	post        *postOffice // nil: no events
}

var _ billing.Gateway = (*bank)(nil)

const bankName = "bank"

func newBank() *bank {
	return &bank{
		name: bankName, payments: map[string]*payment{}, perPlace: map[billing.ChargeID]int{},
		refunds: map[string]billing.GatewayResult{}, refundCalls: map[string]int{},
	}
}

func (b *bank) Name() string { return b.name }

func (b *bank) Traits() billing.GatewayTraits { return billing.GatewayTraits{} }

func (b *bank) Chargeable(a billing.Amount) error {
	if c, ok := billing.LookupCurrency(string(a.Unit)); !ok || a.Micros <= 0 || !c.Whole(a.Micros) {
		return billing.Errorf(billing.Invalid, "amount", "not chargeable")
	}
	return nil
}

// twoStepBank is a bank whose payments are made first and captured later.
type twoStepBank struct{ *bank }

var _ billing.Preparer = twoStepBank{}

var (
	bankSilent  = billing.GatewayResult{Outcome: billing.OutcomeUnknown, Code: "no_answer", Trouble: billing.TroubleFault}
	bankFailed  = billing.GatewayResult{Outcome: billing.OutcomeNotAttempted, Code: "internal_error", Trouble: billing.TroubleFault}
	bankLimited = billing.GatewayResult{Outcome: billing.OutcomeNotAttempted, Code: "rate_limit", Trouble: billing.TroubleLimited}
)

// unsure is an answer that says nothing about the payment.
func unsure(r billing.GatewayResult) billing.GatewayResult {
	r.Outcome = billing.OutcomeUnknown
	return r
}

// Charge does what the plan says. The capture comes before the wait: a request
// that was sent is not undone by a caller who stops listening.
func (b *bank) Charge(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	p, f := b.enter(ctx, "charge", c)
	defer b.leave(p)
	switch f {
	case failed:
		return b.refuse(p, bankFailed)
	case limited:
		return b.refuse(p, bankLimited)
	case silentBefore:
		<-ctx.Done()
		return bankSilent
	case cutBefore:
		return bankSilent
	case slow:
		if !lateInTime(ctx) {
			return bankSilent
		}
	case lateEffect:
		b.later(p, 90*time.Second)
		return bankSilent
	}
	first := b.arrive(p)
	effect(ctx)
	switch f {
	case silentAfter, mute:
		<-ctx.Done()
		return bankSilent
	case cutAfter:
		return bankSilent
	case eventFirst:
		if first {
			b.post.deliverNow(p)
		}
	}
	return b.answer(p)
}

// Lookup tells what became of a payment. A payment that is under way is not
// known; one that never arrived cannot arrive any more.
func (b *bank) Lookup(ctx context.Context, c billing.GatewayCharge) billing.GatewayResult {
	p, f := b.enter(ctx, "lookup", c)
	defer b.leave(p)
	switch f {
	case failed:
		return unsure(bankFailed)
	case limited:
		return unsure(bankLimited)
	case silentAfter, silentBefore, mute:
		<-ctx.Done()
		return bankSilent
	case cutAfter, cutBefore, lateEffect:
		return bankSilent
	case slow:
		if !lateInTime(ctx) {
			return bankSilent
		}
	}
	if b.replays && b.is(p, nowhere) && !b.madeInTwoSteps(p) {
		b.arrive(p)
		effect(ctx)
	}
	return b.answer(p)
}

// Prepare makes a payment that captures nothing yet.
func (b twoStepBank) Prepare(ctx context.Context, c billing.GatewayCharge) (string, billing.GatewayResult) {
	p, f := b.enter(ctx, "prepare", c)
	defer b.leave(p)
	switch f {
	case failed, cutBefore, lateEffect, mute:
		return "", bankFailed
	case limited:
		return "", bankLimited
	case silentBefore:
		<-ctx.Done()
		return "", unsent(bankSilent)
	}
	b.mu.Lock()
	p.prepared, b.twoStep = true, true
	b.mu.Unlock()
	effect(ctx)
	switch f {
	case silentAfter:
		<-ctx.Done()
		return "", unsent(bankSilent)
	case cutAfter:
		return "", unsent(bankSilent)
	}
	return p.ref, billing.GatewayResult{}
}

func unsent(r billing.GatewayResult) billing.GatewayResult {
	r.Outcome = billing.OutcomeNotAttempted
	return r
}

// Refund gives back once for a key.
func (b *bank) Refund(ctx context.Context, r billing.GatewayRefund) billing.GatewayResult {
	f := b.refundFault(r)
	switch f {
	case failed:
		return bankFailed
	case limited:
		return bankLimited
	case silentBefore:
		<-ctx.Done()
		return bankSilent
	case cutBefore:
		return bankSilent
	}
	res := b.refund(r)
	effect(ctx)
	switch f {
	case silentAfter:
		<-ctx.Done()
		return bankSilent
	case cutAfter, lateEffect: // pending
		return bankSilent
	}
	return res
}

func (b *bank) refundFault(r billing.GatewayRefund) fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refundCalls[r.Key]++
	if b.plan == nil || b.calm {
		return honest
	}
	return b.plan(call{"refund", r.ChargeID, 1, b.refundCalls[r.Key]})
}

func (b *bank) refund(r billing.GatewayRefund) billing.GatewayResult {
	b.mu.Lock()
	defer b.mu.Unlock()
	if done, ok := b.refunds[r.Key]; ok {
		return done
	}
	res := billing.GatewayResult{Outcome: billing.OutcomeDeclined, Class: billing.DeclineHard, Code: "charge_already_refunded"}
	p := b.payments[r.ChargeKey]
	if p == nil || r.ChargeRef != "" && p.ref != r.ChargeRef {
		b.wrong = append(b.wrong, fmt.Sprintf("refund %s is of no payment: key %s, reference %s", r.Key, r.ChargeKey, r.ChargeRef))
	} else if p.kept() >= r.Amount.Micros {
		res = billing.GatewayResult{Outcome: billing.OutcomeSucceeded, Ref: b.giveBack(p, r.Key, r.Amount).ref}
	}
	b.refunds[r.Key] = res
	return res
}

// enter finds the payment of a key, holds the caller to its promises, and asks
// the plan.
func (b *bank) enter(ctx context.Context, kind string, c billing.GatewayCharge) (*payment, fault) {
	if b.committed != nil {
		b.accuse(b.committed(kind, c))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p, known := b.payments[c.Key]
	if !known {
		p = b.open(c)
	}
	b.promised(ctx, kind, p, c)
	p.inFlight++
	p.calls[kind]++
	f := honest
	if b.plan != nil && !b.calm {
		f = b.plan(call{kind, c.ChargeID, p.n, p.calls[kind]})
	}
	if f == mute && kind == "charge" {
		p.muted = true
	}
	if p.muted && kind == "lookup" {
		f = mute
	}
	return p, f
}

func (b *bank) leave(p *payment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p.inFlight--
}

// open starts a payment for a key that was never seen.
func (b *bank) open(c billing.GatewayCharge) *payment {
	for _, earlier := range b.list {
		if earlier.first.ChargeID != c.ChargeID || earlier.state == refused {
			continue
		}
		b.wrong = append(b.wrong, fmt.Sprintf("C3: charge %d came with the new key %s, and %s was not declined", c.ChargeID, c.Key, earlier.first.Key))
	}
	b.perPlace[c.ChargeID]++
	p := &payment{ref: "pay_" + c.Key, first: c, n: b.perPlace[c.ChargeID], seen: time.Now(), calls: map[string]int{}}
	b.payments[c.Key] = p
	b.list = append(b.list, p)
	return p
}

// promised checks a call against the port's promises.
func (b *bank) promised(ctx context.Context, kind string, p *payment, c billing.GatewayCharge) {
	if _, ok := ctx.Deadline(); !ok {
		b.wrong = append(b.wrong, kind+": a call without a deadline")
	}
	if p.inFlight > 0 {
		// No time-out is as long as a lease: also a dead process's call is over.
		b.wrong = append(b.wrong, fmt.Sprintf("a %s of %s came while another call about it was under way", kind, c.Key))
	}
	same := p.first
	same.GatewayRef, same.SubmittedAt = c.GatewayRef, c.SubmittedAt // learned on the way
	if same != c {
		// Secrets do not print: which one differs is told by name.
		b.wrong = append(b.wrong, fmt.Sprintf("C1: the key %s came again with other contents: %+v, first %+v, same token %t",
			c.Key, c, p.first, c.Token == p.first.Token))
	}
	if c.GatewayRef != "" && c.GatewayRef != p.ref {
		b.wrong = append(b.wrong, fmt.Sprintf("the key %s came with the reference %s, it has %s", c.Key, c.GatewayRef, p.ref))
	}
	if kind == "charge" && b.twoStep && (c.GatewayRef == "" || !p.prepared) {
		b.wrong = append(b.wrong, fmt.Sprintf("the key %s was captured without being made first", c.Key))
	}
}

// refuse is the bank's own fault: certainly nothing was sent, unless an
// earlier call was.
func (b *bank) refuse(p *payment, r billing.GatewayResult) billing.GatewayResult {
	if b.is(p, nowhere) {
		return r
	}
	return unsure(r)
}

func (b *bank) is(p *payment, s paymentState) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ripen(p)
	return p.state == s
}

// madeInTwoSteps: looking a payment up never confirms it.
func (b *bank) madeInTwoSteps(p *payment) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.twoStep
}

// arrive lets a payment reach the issuer; it says whether it was the first time.
func (b *bank) arrive(p *payment) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ripen(p)
	if p.state != nowhere {
		return false
	}
	b.decide(p, time.Now())
	return true
}

func (b *bank) decide(p *payment, at time.Time) {
	p.at = at
	if b.issuer != nil {
		p.verdict = b.issuer(p.first.ChargeID, p.n, p.first.Token)
	}
	p.state = refused
	if p.verdict == approve {
		p.state = captured
	}
	if !p.muted {
		b.post.tellCharge(p, b.result(p))
	}
}

// later is a payment that was sent and arrives after a while.
func (b *bank) later(p *payment, d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ripen(p)
	if p.state == nowhere {
		p.state, p.arrives = underWay, time.Now().Add(d)
	}
}

// ripen lets a payment under way arrive when its time has come.
func (b *bank) ripen(p *payment) {
	if p.state == underWay && !time.Now().Before(p.arrives) {
		b.decide(p, p.arrives)
	}
}

// ripenAll is time passing at the bank.
func (b *bank) ripenAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.list {
		b.ripen(p)
	}
}

func (b *bank) answer(p *payment) billing.GatewayResult {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ripen(p)
	return b.result(p)
}

func (b *bank) result(p *payment) billing.GatewayResult {
	r := billing.GatewayResult{Ref: p.ref, Outcome: billing.OutcomeDeclined, Card: b.cardOf(p)}
	switch {
	case p.state == nowhere:
		return billing.GatewayResult{Outcome: billing.OutcomeNotAttempted, Code: "no_such_payment", Ref: p.known()}
	case p.state == underWay:
		return bankSilent
	case p.state == captured:
		r.Outcome = billing.OutcomeSucceeded
	case p.verdict == soft:
		r.Class, r.Code = billing.DeclineSoft, "insufficient_funds"
	case p.verdict == hard:
		r.Class, r.Code = billing.DeclineHard, "lost_card"
	default:
		r.Class, r.Code = billing.DeclineAuthentication, "requires_action"
	}
	return r
}

// cardOf tells cards apart by their tokens: one token is one card, whoever
// stored it.
func (b *bank) cardOf(p *payment) *billing.GatewayCard {
	token := p.first.Token.Reveal()
	brand := "Visa"
	if len(token)%2 == 0 {
		brand = "Mastercard"
	}
	return &billing.GatewayCard{Customer: "cus_" + token, Fingerprint: "fp_" + token, Brand: brand, Last4: "4242"}
}

func (b *bank) accuse(err error) {
	if err == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = append(b.wrong, err.Error())
}

// calmDown ends all faults, except that who was muted stays so.
func (b *bank) calmDown() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calm = true
}

// captures lists the payments that took money.
func (b *bank) captures() []*payment {
	return b.those(func(p *payment) bool { return p.state == captured })
}

// stopped lists those that the customer may still confirm.
func (b *bank) stopped() []*payment {
	return b.those(func(p *payment) bool { return p.state == refused && p.verdict == authenticate })
}

func (b *bank) those(which func(*payment) bool) (list []*payment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.list {
		if which(p) {
			list = append(list, p)
		}
	}
	return list
}

// lateInTime waits for half of the time that the context gives; false when it
// ended before that.
func lateInTime(ctx context.Context) bool {
	deadline, _ := ctx.Deadline()
	t := time.NewTimer(time.Until(deadline) / 2)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
