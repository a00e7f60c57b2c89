package billing

import (
	"context"
	"errors"
	"slices"
	"time"
)

// RunParams says how a job is run.
type RunParams struct {
	// Key is the firing's (N1): the business date or the scheduled minute;
	// empty for runs by hand and at start, which close no night.
	Key string
	// Trigger is "schedule", "start" or "command".
	Trigger string
	// DryRun decides and changes nothing; Each is told of every decision.
	DryRun bool
	// Each is called for each decision of a dry run; may be nil.
	Each func(Decision)
	// Progress is called with the number of owners judged so far; may be nil.
	Progress func(int64)
}

// runLease is how long a run may be silent before another process continues it.
const runLease = 2 * time.Minute

// batch is how many owners share one transaction of a run.
const batch = 100

// RunLowBalance is the sweep: it judges every owner whose time has come. mine
// is false when the firing ran before, or when another process is on it: then
// the run has no FinishedAt.
func (e *Engine) RunLowBalance(ctx context.Context, p RunParams) (run Run, mine bool, err error) {
	if p.DryRun {
		return e.dryRun(ctx, JobLowBalance, p, e.dryLowBalance)
	}
	return e.runJob(ctx, JobLowBalance, p, e.sweepLowBalance)
}

// RunBilling bills every account whose period is due; mine as in RunLowBalance.
func (e *Engine) RunBilling(ctx context.Context, p RunParams) (run Run, mine bool, err error) {
	if p.DryRun {
		return e.dryRun(ctx, JobBilling, p, e.dryBilling)
	}
	return e.runJob(ctx, JobBilling, p, e.billDue)
}

// pass is one job's work over what is due; it adds to the tally.
type pass func(ctx context.Context, run *Run, p RunParams) error

func (e *Engine) runJob(ctx context.Context, job Job, p RunParams, work pass) (Run, bool, error) {
	ctx = asJob(ctx, job)
	run, mine, err := e.openRun(ctx, job, p)
	if err != nil || !mine {
		return run, false, err
	}
	workErr := work(ctx, &run, p)
	closeCtx := context.WithoutCancel(ctx)
	err = e.update(closeCtx, func(u *unitOfWork) error {
		run.LeaseUntil, run.Error = zeroTime, ""
		if workErr != nil {
			run.Error = ErrorCode(workErr).String()
		} else {
			run.FinishedAt = u.real
		}
		return u.tx.SetRun(&run)
	})
	ended := run
	e.observer.RunEnded(ended)
	return run, true, errors.Join(workErr, err)
}

// openRun inserts the firing's row; the unique key lets one process win, and
// another continue a run whose process died (N1).
func (e *Engine) openRun(ctx context.Context, job Job, p RunParams) (run Run, mine bool, err error) {
	err = e.update(ctx, func(u *unitOfWork) error {
		mine = true
		run = Run{Job: job, Key: p.Key, Trigger: p.Trigger, AsOf: asOf(ctx), StartedAt: u.real, LeaseUntil: u.real.Add(runLease)}
		if p.Key == "" {
			return u.tx.CreateRun(&run)
		}
		earlier, err := u.tx.RunByKey(job, p.Key)
		switch {
		case errors.Is(err, NotFound):
			return u.tx.CreateRun(&run)
		case err != nil:
			return err
		}
		run = earlier
		if !run.FinishedAt.IsZero() || run.LeaseUntil.After(u.real) {
			mine = false
			return nil
		}
		run.LeaseUntil = u.real.Add(runLease)
		return u.tx.SetRun(&run)
	})
	if errors.Is(err, Exists) {
		return run, false, nil // another process was faster
	}
	return run, mine, err
}

// step is what a run does about the i-th of its owners.
type step func(u *unitOfWork, i int) (Decision, error)

// each takes a step for every owner in batches of one transaction; when a batch fails
// its owners go one by one, so that one bad row spoils nothing but itself. beside says
// that a step changes only what is its owner's.
func (e *Engine) each(ctx context.Context, run *Run, p RunParams, owners []OwnerID, beside bool, one step) (failed []int, err error) {
	for from := 0; from < len(owners); from += batch {
		to := min(from+batch, len(owners))
		var declared []OwnerID
		if beside {
			declared = owners[from:to]
		}
		var tally Tally
		err := e.updateRun(ctx, run.ID, declared, func(u *unitOfWork) error {
			tally = Tally{}
			for i := from; i < to; i++ {
				d, err := one(u, i)
				if err != nil {
					return err
				}
				tally.count(d)
			}
			run.LeaseUntil = u.real.Add(runLease)
			return u.tx.SetRun(run)
		})
		if err == nil {
			run.Tally.add(tally)
		} else if ctx.Err() != nil || errors.Is(err, Busy) {
			return failed, err
		} else {
			failed = append(failed, e.oneByOne(ctx, run, owners, from, to, beside, one)...)
		}
		if p.Progress != nil {
			p.Progress(run.Tally.Decided)
		}
	}
	return failed, nil
}

func (e *Engine) oneByOne(ctx context.Context, run *Run, owners []OwnerID, from, to int, beside bool, one step) (failed []int) {
	for i := from; i < to; i++ {
		var d Decision
		var declared []OwnerID
		if beside {
			declared = owners[i : i+1]
		}
		err := e.updateRun(ctx, run.ID, declared, func(u *unitOfWork) (err error) {
			d, err = one(u, i)
			return err
		})
		if err != nil {
			failed = append(failed, i)
			run.Tally.Decided++
			run.Tally.Failed++
			e.observer.Failed("an owner could not be judged", err)
			continue
		}
		run.Tally.count(d)
	}
	return failed
}

// count adds one decision.
func (t *Tally) count(d Decision) {
	t.Decided++
	if d.Topup != nil && d.Topup.Amount > 0 {
		t.Expected++
	}
	switch {
	case d.Charge != nil:
		t.Charges++
		return
	case d.Notice != "":
		t.Mails++
	}
	switch d.Reason {
	case ReasonPosted:
		t.Posted++
		return
	case ReasonMail, ReasonExpected:
		return // what was asked for was done
	}
	if t.Skipped == nil {
		t.Skipped = map[Reason]int64{}
	}
	t.Skipped[d.Reason]++
}

func (t *Tally) add(o Tally) {
	t.Decided += o.Decided
	t.Charges += o.Charges
	t.Mails += o.Mails
	t.Posted += o.Posted
	t.Expected += o.Expected
	t.Failed += o.Failed
	for r, n := range o.Skipped {
		if t.Skipped == nil {
			t.Skipped = map[Reason]int64{}
		}
		t.Skipped[r] += n
	}
}

const page = 1000

func (e *Engine) sweepLowBalance(ctx context.Context, run *Run, p RunParams) error {
	for {
		var due []OwnerID
		err := e.view(ctx, func(r Reader) (err error) {
			due, err = r.DueJudgements(now(ctx), page)
			return err
		})
		if err != nil || len(due) == 0 {
			return err
		}
		failed, err := e.each(ctx, run, p, due, true, func(u *unitOfWork, i int) (Decision, error) {
			j, err := judgedOf(u.tx, due[i])
			if err != nil {
				return Decision{}, err
			}
			return u.judge(&j, TriggerSweep)
		})
		if err != nil {
			return err
		}
		for _, i := range failed {
			if err := e.judgeLater(ctx, due[i]); err != nil {
				return err
			}
		}
	}
}

// judgeLater keeps an owner that could not be judged from coming up at once again.
func (e *Engine) judgeLater(ctx context.Context, o OwnerID) error {
	return e.updateOwners(ctx, []OwnerID{o}, func(u *unitOfWork) error {
		j, err := u.tx.OwnerPolicy(o)
		if err != nil {
			return err
		}
		s := j.Policy.State
		s.JudgeAt = u.now.Add(15 * time.Minute)
		return u.tx.PutLowBalanceState(o, s)
	})
}

func (e *Engine) billDue(ctx context.Context, run *Run, p RunParams) error {
	defer func() {
		if err := e.warnExpiring(ctx, run); err != nil && ctx.Err() == nil {
			e.observer.Failed("owners of expiring cards could not be told", err)
		}
	}()
	if err := e.billWaiting(ctx, run, p); err != nil {
		return err
	}
	var afterAt time.Time
	var after OwnerID
	for {
		var due []AccountPlan
		err := e.view(ctx, func(r Reader) (err error) {
			due, err = r.DueAccounts(now(ctx), afterAt, after, page)
			return err
		})
		if err != nil || len(due) == 0 {
			return err
		}
		owners := make([]OwnerID, len(due))
		for i := range due {
			owners[i] = due[i].Owner
		}
		_, err = e.each(ctx, run, p, owners, true, func(u *unitOfWork, i int) (Decision, error) {
			ap, err := u.tx.AccountPlan(owners[i])
			if err != nil {
				return Decision{}, err
			}
			return u.billAccount(ap)
		})
		if err != nil {
			return err
		}
		last := due[len(due)-1]
		afterAt, after = last.NextAt, last.Owner
	}
}

// billWaiting goes on with periods that an earlier run left waiting for another
// charge, or that were not covered: a safety net beside the credit that pays them.
func (e *Engine) billWaiting(ctx context.Context, run *Run, p RunParams) error {
	return e.waitingOwners(ctx, func(owners []OwnerID) error {
		_, err := e.each(ctx, run, p, owners, true, func(u *unitOfWork, i int) (Decision, error) {
			return u.billWaitingOwner(owners[i])
		})
		return err
	})
}

// waitingOwners hands over the owners that have a period due or unpaid, a page
// at a time.
func (e *Engine) waitingOwners(ctx context.Context, fn func([]OwnerID) error) error {
	var after OwnerID
	for {
		var owners []OwnerID
		err := e.view(ctx, func(r Reader) (err error) {
			owners, err = r.WaitingPeriods(after, page)
			return err
		})
		if err != nil || len(owners) == 0 {
			return err
		}
		if err := fn(owners); err != nil {
			return err
		}
		after = owners[len(owners)-1]
	}
}

func (u *unitOfWork) billWaitingOwner(o OwnerID) (Decision, error) {
	j, err := judgedOf(u.tx, o)
	if err != nil {
		return Decision{}, err
	}
	d := Decision{Owner: o, Reason: ReasonOpenCharge}
	if j.OpenCharge != 0 {
		return d, nil
	}
	d.Reason = ReasonNotCovered
	paid, err := u.payOpenPeriods(&j)
	if err != nil {
		return d, err
	}
	if paid {
		d.Reason = ReasonPosted
	}
	open, err := u.tx.OpenPeriods(o)
	if err != nil {
		return d, err
	}
	if started, err := u.startDue(&j, open); err != nil || started.Reason != "" {
		return started, err
	}
	return d, nil
}

// Fire runs a job for a scheduled firing, or at start with an empty key. It
// returns nil once the firing is done, whoever did it; Busy while another
// process is on it.
func (e *Engine) Fire(ctx context.Context, job Job, key string) error {
	p := RunParams{Key: key, Trigger: "schedule"}
	if key == "" {
		p.Trigger = "start"
	}
	var run Run
	var mine bool
	var err error
	switch job {
	case JobLowBalance:
		run, mine, err = e.RunLowBalance(ctx, p)
	case JobBilling:
		run, mine, err = e.RunBilling(ctx, p)
	case JobProfiles:
		run, mine, err = e.RunProfiles(ctx, p)
	case JobRecurring:
		run, mine, err = e.RunRecurring(ctx, p)
	default:
		return Errorf(Internal, "job", "there is no job %s", job)
	}
	if err == nil && !mine && run.FinishedAt.IsZero() {
		return Errorf(Busy, "", "another process is running %s %s", job, key)
	}
	return err
}

// errDryRun undoes what a dry run did: the same code decides, and nothing stays.
var errDryRun = errors.New("dry run")

// dryRun decides with the run's own code and changes nothing.
func (e *Engine) dryRun(ctx context.Context, job Job, p RunParams, work pass) (Run, bool, error) {
	run := Run{Job: job, Trigger: p.Trigger, AsOf: asOf(ctx), StartedAt: realNow()}
	err := work(ctx, &run, p)
	run.FinishedAt = realNow()
	return run, true, err
}

func (e *Engine) dryLowBalance(ctx context.Context, run *Run, p RunParams) error {
	return e.view(ctx, func(r Reader) error {
		due, err := r.DueJudgements(now(ctx), 1<<30)
		if err != nil {
			return err
		}
		for _, o := range due {
			j, err := judgedOf(r, o)
			if err != nil {
				return err
			}
			f, err := e.lowBalanceFacts(r, &j, TriggerSweep, now(ctx))
			if err != nil {
				return err
			}
			run.dry(DecideLowBalance(f), p)
		}
		return nil
	})
}

func (r *Run) dry(d Decision, p RunParams) {
	r.Tally.count(d)
	if p.Each != nil {
		p.Each(d)
	}
	if p.Progress != nil && r.Tally.Decided%page == 0 {
		p.Progress(r.Tally.Decided)
	}
}

// dryOne decides about one owner in a transaction that is always undone.
func (e *Engine) dryOne(ctx context.Context, run *Run, p RunParams, one func(*unitOfWork) (Decision, error)) {
	var d Decision
	var mails []Decision
	err := e.update(ctx, func(u *unitOfWork) (err error) {
		if d, err = one(u); err != nil {
			return err
		}
		mails = u.mails
		return errDryRun
	})
	if !errors.Is(err, errDryRun) {
		run.Tally.Decided++
		run.Tally.Failed++
		e.observer.Failed("an owner could not be judged", err)
		return
	}
	run.dry(d, p)
	// The decision's own mail was shown with it.
	run.dryMails(slices.DeleteFunc(mails, func(m Decision) bool { return m.Notice == d.Notice }), p)
}

// dryMails shows mails that go out beside what was decided about an owner.
func (r *Run) dryMails(mails []Decision, p RunParams) {
	for _, m := range mails {
		r.Tally.Mails++
		if p.Each != nil {
			p.Each(m)
		}
	}
}

// dryBilling runs each account's billing in a transaction of its own that is
// always undone.
func (e *Engine) dryBilling(ctx context.Context, run *Run, p RunParams) error {
	if err := e.dryDue(ctx, run, p); err != nil {
		return err
	}
	return e.dryExpiring(ctx, run, p)
}

// dryDue is billDue, undone.
func (e *Engine) dryDue(ctx context.Context, run *Run, p RunParams) error {
	if err := e.dryWaiting(ctx, run, p); err != nil {
		return err
	}
	var afterAt time.Time
	var after OwnerID
	for {
		var due []AccountPlan
		err := e.view(ctx, func(r Reader) (err error) {
			due, err = r.DueAccounts(now(ctx), afterAt, after, page)
			return err
		})
		if err != nil || len(due) == 0 {
			return err
		}
		for _, ap := range due {
			e.dryOne(ctx, run, p, func(u *unitOfWork) (Decision, error) { return u.billAccount(ap) })
		}
		last := due[len(due)-1]
		afterAt, after = last.NextAt, last.Owner
	}
}

// dryWaiting is billWaiting, undone.
func (e *Engine) dryWaiting(ctx context.Context, run *Run, p RunParams) error {
	return e.waitingOwners(ctx, func(owners []OwnerID) error {
		for _, o := range owners {
			e.dryOne(ctx, run, p, func(u *unitOfWork) (Decision, error) { return u.billWaitingOwner(o) })
		}
		return nil
	})
}
