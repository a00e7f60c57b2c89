package billing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

var zeroTime time.Time

// unitOfWork is one transaction of the engine: the Tx, who acts, its clock, and what
// the observer is told once it is committed.
type unitOfWork struct {
	e     *Engine
	tx    Tx
	actor Actor
	now   time.Time
	real  time.Time
	run   RunID
	// told is kept until the commit; dropped when the transaction runs again.
	told []func(Observer)
	// mails are the notices that were queued, as a dry run shows them.
	mails  []Decision
	work   bool // charges or notices became due
	events bool // deliveries of events became due
	// quiet: what this does is told to no subscription.
	quiet   bool
	watched watching
	// turned are the charges that entered a state, for the calls that wait for them.
	turned []ChargeID
	// outcomes are those by hand that have their outcome, for calls on other servers.
	outcomes []ChargeID
}

// update runs fn in a transaction and, once it is durable, tells the observer
// and wakes the workers. fn may run more than once.
func (e *Engine) update(ctx context.Context, fn func(*unitOfWork) error) error {
	return e.transact(ctx, nil, 0, fn)
}

// updateOwners is update for a function about owners; see Store.UpdateOwners. One that is
// about nobody's row runs alone.
func (e *Engine) updateOwners(ctx context.Context, owners []OwnerID, fn func(*unitOfWork) error) error {
	return e.updateRun(ctx, 0, owners, fn)
}

// updateRun is updateOwners within a run; nil owners are everybody.
func (e *Engine) updateRun(ctx context.Context, run RunID, owners []OwnerID, fn func(*unitOfWork) error) error {
	if slices.Contains(owners, 0) {
		owners = nil
	}
	return e.transact(ctx, owners, run, fn)
}

// transact runs fn alone, or beside those of other owners when owners are named.
func (e *Engine) transact(ctx context.Context, owners []OwnerID, run RunID, fn func(*unitOfWork) error) error {
	if outer := e.joined(ctx); outer != nil {
		return outer.join(ctx, run, fn)
	}
	var last *unitOfWork
	work := func(tx Tx) error {
		u := &unitOfWork{e: e, tx: tx, actor: ActorFrom(ctx), now: now(ctx), real: realNow(), run: run}
		last = u
		return fn(u)
	}
	var err error
	if owners == nil {
		err = e.store.Update(ctx, work)
	} else {
		err = e.store.UpdateOwners(ctx, owners, work)
	}
	if err != nil {
		return err
	}
	for _, tell := range last.told {
		tell(e.observer)
	}
	e.waiting.tell(last.turned)
	for _, id := range last.outcomes {
		e.store.Tell(topicPaid + strconv.FormatInt(int64(id), 10))
	}
	if last.work {
		e.kick()
		e.store.Tell(topicWork)
	}
	if last.events {
		e.kickEvents()
		e.store.Tell(topicEvents)
	}
	return nil
}

// view runs fn on one consistent snapshot.
func (e *Engine) view(ctx context.Context, fn func(Reader) error) error {
	if outer := e.joined(ctx); outer != nil {
		return fn(outer.tx)
	}
	return e.store.View(ctx, fn)
}

type joinKey struct{}

// joined is the unit of work of this engine that a context carries, which what is
// called with it joins.
func (e *Engine) joined(ctx context.Context) *unitOfWork {
	if u, ok := ctx.Value(joinKey{}).(*unitOfWork); ok && u.e == e {
		return u
	}
	return nil
}

// Joined reports whether what is called with a context is part of a transaction that is
// still to be committed: an error undoes it.
func (e *Engine) Joined(ctx context.Context) bool { return e.joined(ctx) != nil }

// join runs fn inside the transaction of u. Its error undoes what it did and nothing
// else, as in a transaction of its own; what the observer is told waits for the commit.
func (u *unitOfWork) join(ctx context.Context, run RunID, fn func(*unitOfWork) error) error {
	part := &unitOfWork{e: u.e, tx: u.tx, actor: ActorFrom(ctx), now: now(ctx), real: realNow(), run: run}
	if err := u.tx.Part(func() error { return fn(part) }); err != nil {
		return err
	}
	u.told = append(u.told, part.told...)
	u.turned = append(u.turned, part.turned...)
	u.outcomes = append(u.outcomes, part.outcomes...)
	u.work = u.work || part.work
	u.events = u.events || part.events
	return nil
}

func (u *unitOfWork) tell(f func(Observer)) { u.told = append(u.told, f) }

// judged reads an owner for a change, in the actor's scope.
func (u *unitOfWork) judged(o OwnerID) (Judged, error) {
	j, err := judgedOf(u.tx, o)
	if err == nil && !u.actor.Sees(&j.Owner) {
		err = NotFound
	}
	if err != nil {
		return j, wrongOwner(o, err)
	}
	return j, nil
}

// owner reads an owner in the actor's scope.
func (u *unitOfWork) owner(id OwnerID) (Owner, error) {
	o, err := u.tx.Owner(id)
	if err == nil && !u.actor.Sees(&o) {
		err = NotFound
	}
	return o, err
}

// judgedOf reads an owner; one that was never configured has the policy that
// it would start with.
func judgedOf(r Reader, o OwnerID) (Judged, error) {
	j, err := r.Judged(o)
	if err == nil && !j.Configured {
		j.Policy = NewLowBalance(o)
	}
	return j, err
}

// decideLowBalance gathers the facts and decides; it changes nothing.
func (u *unitOfWork) decideLowBalance(j *Judged, t Trigger) (Decision, error) {
	f, err := u.e.lowBalanceFacts(u.tx, j, t, u.now)
	if err != nil {
		return Decision{}, err
	}
	d := DecideLowBalance(f)
	d.Run, d.Actor = u.run, u.actor.Name()
	return d, nil
}

// judge decides about an owner and carries the decision out.
func (u *unitOfWork) judge(j *Judged, t Trigger) (Decision, error) {
	before := j.Policy.State
	d, err := u.decideLowBalance(j, t)
	if err != nil {
		return d, err
	}
	if j.Configured && (d.State != before || t == TriggerSettled) {
		if err := u.tx.PutLowBalanceState(j.Owner.ID, d.State); err != nil {
			return d, err
		}
	}
	j.Policy.State = d.State
	return d, u.apply(j, &d, before)
}

// apply makes the charge and the notice that were decided and keeps what a
// person would ask about. The state is stored by the caller.
func (u *unitOfWork) apply(j *Judged, d *Decision, before LowBalanceState) error {
	if d.Charge != nil {
		cause := causeOf("low_balance", int64(d.Owner), d.State.Charges)
		c, err := u.createCharge(j, d, cause, "")
		if err != nil {
			return err
		}
		d.Made = c.ID
	}
	if d.Notice != "" {
		cause := causeOf(string(d.Notice), int64(d.Owner), d.State.Episode, d.At.UnixMicro())
		if err := u.notice(j, d.Notice, cause, noticeFacts{Threshold: d.Threshold}); err != nil {
			return err
		}
	}
	if d.Charge == nil && d.Notice == "" && (!d.Reason.AskedAbout() || d.Reason == before.Reason) {
		return nil
	}
	return u.keep(d)
}

func (u *unitOfWork) keep(d *Decision) error {
	if err := u.tx.KeepDecision(d); err != nil {
		return err
	}
	kept := *d
	u.tell(func(o Observer) { o.Decided(kept) })
	return nil
}

// createCharge prepares a charge: its amounts, card and cause are frozen here.
func (u *unitOfWork) createCharge(j *Judged, d *Decision, cause, period string) (*Charge, error) {
	c := &Charge{
		Owner: j.Owner.ID, Top: j.Owner.Top, Purpose: d.Purpose, Cause: cause,
		Card: d.Charge.Card.ID, Gateway: d.Charge.Card.Gateway, Mandate: d.Charge.Mandate,
		Unit: j.Owner.Currency, Credit: d.Charge.Credit, Tax: d.Charge.Tax, Fee: d.Charge.Fee, Gross: d.Charge.Gross(),
		State: ChargeCreated, Attempt: 1, DueAt: u.now, Period: period, Run: u.run, CreatedAt: u.now,
	}
	if err := u.tx.CreateCharge(c); err != nil {
		return nil, err
	}
	j.OpenCharge = c.ID
	u.chargeMoved(*c, "")
	return c, u.countCharges(c)
}

// manyCharges automatic charges of one owner in an hour are an alarm: a runaway
// is noticed within the hour, not at the end of the month.
const manyCharges = 3

func (u *unitOfWork) countCharges(c *Charge) error {
	if !c.Purpose.Automatic() {
		return nil
	}
	recent, err := u.tx.AutomaticSince(c.Owner, u.now.Add(-time.Hour))
	if err != nil || len(recent) < manyCharges {
		return err
	}
	return u.alarm(AlarmManyCharges, causeOf("owner", int64(c.Owner), u.now.Unix()/3600), c.Top,
		fmt.Sprintf("%s had %d automatic charges in an hour", c.Owner, len(recent)),
		fmt.Sprintf("The newest is charge %d of %s. `topupd charges why` shows what led to each.", c.ID, Money(c.Gross, c.Unit)))
}

func (u *unitOfWork) chargeMoved(c Charge, outcome string) {
	u.work = true
	u.turned = append(u.turned, c.ID)
	if !c.Purpose.Automatic() && c.State.Result() != PaymentPending {
		u.outcomes = append(u.outcomes, c.ID)
	}
	u.tell(func(o Observer) { o.ChargeMoved(c, outcome) })
}

// lowBalanceFacts loads what the decision depends on; card, mandate and
// history only when a charge is in question.
func (e *Engine) lowBalanceFacts(r Reader, j *Judged, t Trigger, now time.Time) (*LowBalanceFacts, error) {
	f := &LowBalanceFacts{
		Now: now, Trigger: t, Owner: j.Owner.ID, Top: j.Owner.Top, Unit: j.Owner.Currency,
		Available: j.Available(), Policy: j.Policy, OpenCharge: j.OpenCharge != 0, Limits: e.set.Limits,
	}
	if !f.Low() {
		return f, nil
	}
	var err error
	if f.Standing, err = e.standing(r, &j.Owner, now); err != nil || !f.WantsCharge() {
		return f, err
	}
	credit := Money(j.Policy.ChargeAmount, j.Owner.Currency)
	f.Tax, f.Fee = e.levies.Levy(j.Owner.ID, credit)
	if f.Card, err = e.chooseCard(r, j.Owner.ID, j.Policy.Card, now); err != nil {
		return nil, err
	}
	if f.Card, err = e.takes(r, f.Card, j, credit.Micros, f.Tax, f.Fee, now); err != nil {
		return nil, err
	}
	if f.Mandate, err = mandateOf(r, j.Owner.ID, PurposeLowBalance); err != nil {
		return nil, err
	}
	f.History, err = r.AutomaticSince(j.Owner.ID, e.set.Limits.since(now))
	return f, err
}

func (e *Engine) standing(r Reader, o *Owner, now time.Time) (Standing, error) {
	above, held, err := r.Above(*o)
	return Standing{Blocked: o.Blocked, Above: above, Held: o.Held || held, Expired: o.Expired(now)}, err
}

func mandateOf(r Reader, o OwnerID, p Purpose) (MandateID, error) {
	m, err := r.ActiveMandate(o, p)
	if errors.Is(err, NotFound) {
		return 0, nil
	}
	return m.ID, err
}

// chooseCard is the card that a policy leads to. A named card that is gone is
// never replaced by another; null is the owner's own primary card.
func (e *Engine) chooseCard(r Reader, o OwnerID, named *CardID, now time.Time) (CardChoice, error) {
	if named != nil {
		c, err := r.Card(*named)
		if err != nil && !errors.Is(err, NotFound) {
			return CardChoice{}, err
		}
		if err != nil || c.Owner != o || c.State != CardUsable {
			return CardChoice{Reason: ReasonCardGone, Detail: c.Aside}, nil
		}
		return e.usable(c, now), nil
	}
	cards, err := r.CardsOf(o)
	if err != nil {
		return CardChoice{}, err
	}
	for i := range cards {
		if cards[i].Primary && cards[i].State != CardDeleted {
			return e.usable(cards[i], now), nil
		}
	}
	return CardChoice{Reason: ReasonNoCard}, nil
}

func (e *Engine) usable(c Card, now time.Time) CardChoice {
	g, listed := e.gateways[c.Gateway]
	switch {
	case c.State != CardUsable:
		return CardChoice{Reason: ReasonCardUnusable, Detail: "put aside: " + c.Aside}
	case len(c.Token) == 0:
		return CardChoice{Reason: ReasonCardUnusable, Detail: "it has no token"}
	case !listed:
		return CardChoice{Reason: ReasonCardUnusable, Detail: "gateway " + c.Gateway + " is not set up"}
	case !g.Traits().RenewsCards && c.ExpiredAt(now):
		return CardChoice{Reason: ReasonCardExpired, Detail: c.Label()}
	}
	return CardChoice{Card: &c, Reason: ReasonCharge}
}
