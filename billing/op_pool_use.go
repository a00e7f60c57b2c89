package billing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// UseAllowanceParams reports what was used of a pool plan.
type UseAllowanceParams struct {
	Offer OfferID
	Used  Allowance // above 0
	// IdempotencyKey makes the same call again a repeat: answered, not booked.
	IdempotencyKey string
}

// UsedAllowance is what was booked, and what is left.
type UsedAllowance struct {
	Posting  PostingID
	Left     Amount
	Repeated bool
}

// UseAllowance books usage and judges the allowance in the same transaction. It is never
// refused for lack of allowance: the usage has happened. Errors: NotFound (offer,
// balance), Invalid, KeyReused, Overflow.
func (e *Engine) UseAllowance(ctx context.Context, p UseAllowanceParams) (done UsedAllowance, err error) {
	switch {
	case p.Used.Micros <= 0:
		return done, Errorf(Invalid, "value", "what was used is above 0")
	case len(p.IdempotencyKey) > maxKey:
		return done, Errorf(Invalid, "idempotency_key", "at most %d characters", maxKey)
	}
	used, err := p.Used.Kept()
	if err != nil {
		return done, err
	}
	err = e.update(ctx, func(u *unitOfWork) (err error) {
		done, err = u.useAllowance(p, used)
		return err
	})
	return done, err
}

func (u *unitOfWork) useAllowance(p UseAllowanceParams, used Amount) (done UsedAllowance, err error) {
	plan, balances, err := u.pool(p.Offer)
	var j Judged
	if err == nil {
		j, err = u.judged(plan.Customer)
	}
	if errors.Is(err, NotFound) {
		return done, Errorf(NotFound, "offer", "there is no pool plan %d in your scope", p.Offer)
	}
	if err != nil {
		return done, err
	}
	b, err := allowanceOf(balances, used.Unit)
	if err != nil {
		return done, err
	}
	post := Posting{
		Top: plan.Top, Kind: PostAllowanceUse, Cause: "call:" + newCause(), Actor: u.actor.Name(), BookedAt: u.real, EffectiveAt: u.now,
		Entries: poolEntries(&plan, used.Unit, -used.Micros, AccountUsage),
	}
	if p.IdempotencyKey != "" {
		h := sha256.Sum256(fmt.Appendf(nil, "allowance|%d|%s|%d", p.Offer, used.Unit, used.Micros))
		post.Cause, post.Input = keyCause(u.actor, p.IdempotencyKey), hex.EncodeToString(h[:16])
		earlier, err := u.tx.PostingByCause(post.Cause)
		switch {
		case err == nil && earlier.Input != post.Input:
			return done, keyReused()
		case err == nil:
			return UsedAllowance{Posting: earlier.ID, Left: Money(b.Left, b.Unit), Repeated: true}, nil
		case !errors.Is(err, NotFound):
			return done, err
		}
		if _, _, err := paidByKey(u.tx, post.Cause, post.Input); err != nil {
			return done, err
		}
	}
	if err := u.lapsePool(&j, &plan, balances); err != nil {
		return done, err
	}
	if err := u.post(&post); err != nil {
		return done, err
	}
	from := b.Left
	b.Left -= used.Micros
	if err := u.judgeAllowance(&j, &plan, b); err != nil {
		return done, err
	}
	info := newAudit().change(string(b.Unit), FormatMicros(from), FormatMicros(b.Left))
	return UsedAllowance{Posting: post.ID, Left: Money(b.Left, b.Unit)},
		u.audit(AuditPool, plan.Top, auditKey("use", "offer", int64(p.Offer)), info)
}
