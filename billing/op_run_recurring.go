package billing

import (
	"context"
	"errors"
	"time"
)

// RunRecurring executes the rules whose period has started; mine as in RunLowBalance. A
// rule and its period are the key: a run may be repeated at will. Of several missed
// periods only the latest is executed, unless the setting missed-periods says otherwise.
func (e *Engine) RunRecurring(ctx context.Context, p RunParams) (run Run, mine bool, err error) {
	if p.DryRun {
		return e.dryRun(ctx, JobRecurring, p, e.dryRecurring)
	}
	return e.runJob(ctx, JobRecurring, p, e.topUpRecurring)
}

func (e *Engine) topUpRecurring(ctx context.Context, run *Run, p RunParams) error {
	return e.dueRules(ctx, func(due []TopupRule) error {
		owners := make([]OwnerID, len(due))
		for i := range due {
			owners[i] = due[i].Owner
		}
		_, err := e.each(ctx, run, p, owners, true, func(u *unitOfWork, i int) (Decision, error) { return u.execute(due[i].ID) })
		return err
	})
}

// dryRecurring is topUpRecurring, each rule in a transaction that is always undone.
func (e *Engine) dryRecurring(ctx context.Context, run *Run, p RunParams) error {
	return e.dueRules(ctx, func(due []TopupRule) error {
		for _, r := range due {
			e.dryOne(ctx, run, p, func(u *unitOfWork) (Decision, error) { return u.execute(r.ID) })
		}
		return nil
	})
}

// dueRules hands over the rules that are due, a page at a time, each once.
func (e *Engine) dueRules(ctx context.Context, fn func([]TopupRule) error) error {
	var afterAt time.Time
	var after TopupID
	for {
		var due []TopupRule
		err := e.view(ctx, func(r Reader) (err error) {
			due, err = r.DueTopupRules(now(ctx), afterAt, after, page)
			return err
		})
		if err != nil || len(due) == 0 {
			return err
		}
		last := due[len(due)-1]
		afterAt, after = last.NextAt, last.ID
		if err := fn(due); err != nil {
			return err
		}
	}
}

// execute decides about a due rule and carries it out: a charge, a failed execution, or
// waiting.
func (u *unitOfWork) execute(id TopupID) (Decision, error) {
	r, err := u.tx.TopupRule(id)
	if err != nil {
		return Decision{}, err
	}
	none := Decision{Owner: r.Owner, Top: r.Top, At: u.now, Trigger: TriggerRecurring, Purpose: PurposeRecurring, Run: u.run, Reason: ReasonNotDue}
	if r.State != RuleActive || r.Suspended != "" || r.NextAt.After(u.now) {
		return none, nil
	}
	j, err := judgedOf(u.tx, r.Owner)
	if err != nil {
		return none, err
	}
	loc := u.e.zone(j.Owner.TimeZone)
	n, missed := u.periodToRun(&r, loc)
	if missed {
		none.Reason, none.Unit, none.Detail = ReasonMissedPeriod, r.Unit, PeriodDate(r.PeriodStart(n, loc), loc)
		r.plan(n+1, loc)
		r.Reason = "" // why that one waited
		if err := u.setRule(&r); err != nil {
			return none, err
		}
		return none, u.keep(&none)
	}
	if n < r.Next { // not yet: a line was moved, or the zone changed
		r.plan(r.Next, loc)
		return none, u.setRule(&r)
	}
	f, err := u.recurringFacts(&j, &r)
	if err != nil {
		return none, err
	}
	d, fails := DecideRecurring(f)
	d.Run, d.Actor = u.run, u.actor.Name()
	if d.Charge == nil && !fails {
		if r.Reason == d.Reason {
			return d, nil
		}
		r.Reason = d.Reason
		if err := u.setRule(&r); err != nil {
			return d, err
		}
		return d, u.keep(&d)
	}
	return d, u.executeNow(&j, &r, n, &d, loc)
}

// periodToRun is the period that is executed now, below Next if there is none; or it is
// missed, and with it all before it.
func (u *unitOfWork) periodToRun(r *TopupRule, loc *time.Location) (n int64, missed bool) {
	last := r.due(u.now, loc)
	switch {
	case last < r.Next:
		return last, false
	case u.e.set.MissedPeriods == MissedAll:
		return r.Next, false
	default:
		return last, u.e.late(r, last, u.now, loc)
	}
}

func (u *unitOfWork) recurringFacts(j *Judged, r *TopupRule) (f *RecurringFacts, err error) {
	f = &RecurringFacts{
		Now: u.now, Owner: r.Owner, Top: r.Top, Rule: *r, OpenCharge: j.OpenCharge != 0, Available: j.Available(), Limits: u.e.set.Limits,
	}
	if f.Standing, err = u.e.standing(u.tx, &j.Owner, u.now); err != nil {
		return nil, err
	}
	if f.OpenExecution, err = u.tx.OpenExecution(r.ID); err != nil {
		return nil, err
	}
	f.Tax, f.Fee = u.e.levies.Levy(r.Owner, Money(r.Amount, r.Unit))
	if f.Card, err = u.e.chooseCard(u.tx, r.Owner, r.Card, u.now); err != nil {
		return nil, err
	}
	if f.Card, err = u.e.takes(u.tx, f.Card, j, r.Amount, f.Tax, f.Fee, u.now); err != nil {
		return nil, err
	}
	if f.Mandate, err = mandateOf(u.tx, r.Owner, PurposeRecurring); err != nil {
		return nil, err
	}
	f.History, err = u.tx.AutomaticSince(r.Owner, u.e.set.Limits.since(u.now))
	return f, err
}

// executeNow makes the execution of period n, with its charge or failed at once, and plans
// the next period.
func (u *unitOfWork) executeNow(j *Judged, r *TopupRule, n int64, d *Decision, loc *time.Location) error {
	t, isNew, err := u.execution(j, r, n)
	if err != nil {
		return err
	}
	r.plan(n+1, loc)
	r.Reason = ""
	if d.Charge != nil {
		c, err := u.createCharge(j, d, topupCause(t.ID), "")
		if err != nil {
			return err
		}
		d.Made, t.Charge = c.ID, c.ID
	} else {
		t.State, t.SettledAt, t.Reason = TopupFailed, u.now, string(d.Reason)
	}
	store := u.tx.SetBalanceTopup
	if isNew {
		store = u.tx.CreateBalanceTopup
	}
	if err := store(&t); err != nil {
		return err
	}
	if isNew {
		if err := u.topupEvent(EventCreate, &t); err != nil {
			return err
		}
	}
	if t.State == TopupFailed {
		if err := u.topupEvent(EventFailure, &t); err != nil {
			return err
		}
	}
	if err := u.keep(d); err != nil {
		return err
	}
	if d.Charge != nil {
		return u.setRule(r)
	}
	return u.executionFailed(j, r, DeclineSoft, noticeFacts{})
}

// execution is a rule's execution of period n: a new one, or the first one of a rule that
// was imported and never executed.
func (u *unitOfWork) execution(j *Judged, r *TopupRule, n int64) (t BalanceTopup, isNew bool, err error) {
	if n == 0 {
		t, err = u.tx.BalanceTopup(r.ID)
		return t, false, err
	}
	first, err := u.tx.BalanceTopup(r.ID)
	if err != nil && !errors.Is(err, NotFound) {
		return t, false, err
	}
	if first.State == TopupCreated && first.Charge == 0 {
		// Its period 0 was missed; the rule's own top-up says so.
		first.State, first.SettledAt, first.Reason = TopupCancelled, u.now, string(ReasonMissedPeriod)
		if err := u.tx.SetBalanceTopup(&first); err != nil {
			return t, false, err
		}
	}
	if t, err = u.newTopup(j, r.Amount); err != nil {
		return t, false, err
	}
	t.Rule, t.Period = r.ID, n
	return t, true, nil
}
