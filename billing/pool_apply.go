package billing

import (
	"context"
	"errors"
	"time"
)

// poolAgain is the wait after each fault while a top-up was applied; then it is given up.
var poolAgain = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 5 * time.Minute, 30 * time.Minute}

// refusal is an answer of the rules, as opposed to a fault of ours.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func refused(err error) error {
	switch ErrorCode(err) {
	case Internal, Busy:
		return err
	}
	return refusal{err}
}

// topUpPool applies one due request: its posting and its state commit together, so it is
// applied once by however many workers, and one that dies leaves it open and due.
func (e *Engine) topUpPool(ctx context.Context, id PoolTopUpID) error {
	err := e.update(ctx, func(u *unitOfWork) error {
		t, due, err := u.duePoolTopUp(id)
		if err != nil || !due {
			return err
		}
		return u.grantPool(&t)
	})
	if err == nil || errors.Is(err, Busy) || ctx.Err() != nil {
		return err // what is busy is due still
	}
	var no refusal
	if errors.As(err, &no) {
		return e.update(ctx, func(u *unitOfWork) error {
			t, due, err := u.duePoolTopUp(id)
			if err != nil || !due {
				return err
			}
			return u.finishPool(&t, PoolTopUpFailure, no.Error())
		})
	}
	return errors.Join(err, e.update(context.WithoutCancel(ctx), func(u *unitOfWork) error {
		t, due, err := u.duePoolTopUp(id)
		if err != nil || !due {
			return err
		}
		if t.Tries++; t.Tries > len(poolAgain) {
			return u.finishPool(&t, PoolTopUpFault, "a fault, given up")
		}
		t.DueAt = u.now.Add(poolAgain[t.Tries-1])
		return u.tx.SetPoolTopUp(&t)
	}))
}

func (u *unitOfWork) duePoolTopUp(id PoolTopUpID) (t PoolTopUp, due bool, err error) {
	t, err = u.tx.PoolTopUp(id)
	return t, err == nil && t.State == PoolTopUpOpen && !t.DueAt.After(u.now), err
}

func (u *unitOfWork) finishPool(t *PoolTopUp, s PoolTopUpState, reason string) error {
	t.State, t.Reason, t.DueAt, t.FinishedAt = s, reason, zeroTime, u.real
	return u.tx.SetPoolTopUp(t)
}

// grantPool has the two effects of a top-up: what it costs, taken from the customer's
// money as usage is, and the allowances.
func (u *unitOfWork) grantPool(t *PoolTopUp) error {
	j, err := judgedOf(u.tx, t.Customer)
	if err != nil {
		return err
	}
	if !j.Owner.DeletedAt.IsZero() {
		return refused(Errorf(NotFound, "i_customer", "%s was deleted", t.Customer))
	}
	plan, balances, err := u.topUpPlan(&j.Owner, t.Offer)
	if err != nil {
		return refused(err)
	}
	if t.Currency != j.Owner.Currency {
		return refused(Errorf(WrongCurrency, "currency", "%s is kept in %s", j.Owner.ID, j.Owner.Currency))
	}
	if err := t.expiry(&plan, u.now); err != nil {
		return refused(err)
	}
	// What expired before is not made to live again by a later date.
	if err := u.lapsePool(&j, &plan, balances); err != nil {
		return err
	}
	post := Posting{
		Top: t.Top, Kind: PostPoolTopUp, Cause: "pool_topup:" + string(t.ID), Actor: t.Login, BookedAt: u.real, EffectiveAt: u.now,
	}
	if t.Charge != 0 {
		post.Entries = append(post.Entries,
			Entry{Owner: t.Customer, Unit: t.Currency, Micros: -t.Charge},
			Entry{Account: AccountRevenue, Unit: t.Currency, Micros: t.Charge})
	}
	for _, g := range t.grants() {
		if _, err := allowanceOf(balances, g.Unit); err != nil {
			return refused(err)
		}
		post.Entries = append(post.Entries, poolEntries(&plan, g.Unit, g.Micros, AccountAllowance)...)
	}
	if err := u.post(&post); err != nil {
		if errors.Is(err, Overflow) {
			return refused(Errorf(Overflow, "value", "the allowance or its cost is beyond what can be kept"))
		}
		return err
	}
	plan.Lapsed, plan.UpdatedAt = false, u.now
	if !t.ExpiresAt.IsZero() {
		plan.ExpiresAt = t.ExpiresAt
	}
	if err := u.tx.PutPoolPlan(&plan); err != nil {
		return err
	}
	for _, g := range t.grants() {
		b, _ := allowanceOf(balances, g.Unit)
		b.Left += g.Micros
		b.Total = max(b.Left, 0)
		if err := u.judgeAllowance(&j, &plan, b); err != nil {
			return err
		}
	}
	t.Posting = post.ID
	if err := u.finishPool(t, PoolTopUpSuccess, ""); err != nil || t.Charge == 0 {
		return err
	}
	return u.moved(&j, -t.Charge)
}

// poolEntries are the two legs of an allowance's movement.
func poolEntries(p *PoolPlan, unit Unit, micros int64, account string) []Entry {
	bucket := p.Offer.bucket(unit)
	return []Entry{{Owner: p.Customer, Unit: bucket, Micros: micros}, {Account: account, Unit: bucket, Micros: -micros}}
}

// judgeAllowance stores an allowance after it moved. Reaching the line is told once;
// coming back above it arms the notice again. Who is held is told nothing yet.
func (u *unitOfWork) judgeAllowance(j *Judged, plan *PoolPlan, b *PoolBalance) error {
	at, on := b.lowAt()
	low := on && b.Left <= at
	if low && !b.Low {
		s, err := u.e.standing(u.tx, &j.Owner, u.now)
		if err != nil {
			return err
		}
		if s.Held {
			return u.tx.PutPoolBalance(b)
		}
		b.Episodes++
		cause := causeOf("low_allowance:"+string(b.Unit), int64(b.Offer), b.Episodes)
		if err := u.notice(j, NoticeLowPool, cause, noticeFacts{Pool: plan, Allowance: b}); err != nil {
			return err
		}
	}
	b.Low = low
	return u.tx.PutPoolBalance(b)
}
