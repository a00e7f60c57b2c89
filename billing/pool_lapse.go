package billing

import (
	"context"
	"time"
)

// lapsePool posts what is left of a pool whose last day is over, once for each expiry.
// What was used beyond the allowance stays: it is no remainder.
func (u *unitOfWork) lapsePool(j *Judged, plan *PoolPlan, balances []PoolBalance) error {
	if plan.Lapsed || !plan.Expired(u.now) {
		return nil
	}
	plan.Lapsed, plan.UpdatedAt = true, u.now
	plan.Lapses++
	if err := u.tx.PutPoolPlan(plan); err != nil {
		return err
	}
	post := Posting{
		Top: plan.Top, Kind: PostPoolExpiry, Cause: causeOf("pool_expiry", int64(plan.Offer), plan.Lapses), Actor: u.actor.Name(),
		BookedAt: u.real, EffectiveAt: plan.ExpiresAt,
	}
	for _, b := range balances {
		if b.Left > 0 {
			post.Entries = append(post.Entries, poolEntries(plan, b.Unit, -b.Left, AccountBreakage)...)
		}
	}
	if len(post.Entries) == 0 {
		return nil
	}
	if err := u.post(&post); err != nil {
		return err
	}
	for i := range balances {
		b := &balances[i]
		if b.Left <= 0 {
			continue
		}
		b.Left = 0
		if err := u.judgeAllowance(j, plan, b); err != nil {
			return err
		}
	}
	return nil
}

// poolBatch bounds what one transaction of the upkeep does.
const poolBatch = 100

// poolUpkeep posts what expired and drops requests that nobody can ask after any more,
// a batch at a time; more says that there is more of it.
func (e *Engine) poolUpkeep(ctx context.Context) (more bool, err error) {
	var expired []OfferID
	var old []PoolTopUpID
	err = e.view(ctx, func(r Reader) (err error) {
		if expired, err = r.DuePools(now(ctx), poolBatch); err == nil {
			old, err = r.OldPoolTopUps(realNow().Add(-PoolTopUpKept), poolBatch)
		}
		return err
	})
	if err != nil || len(expired)+len(old) == 0 {
		return false, err
	}
	err = e.update(ctx, func(u *unitOfWork) error {
		for _, offer := range expired {
			if err := u.expirePool(offer); err != nil {
				return err
			}
		}
		for _, id := range old {
			// Another process may have been faster.
			if err := u.tx.DropPoolTopUp(id); err != nil && ErrorCode(err) != NotFound {
				return err
			}
		}
		return nil
	})
	return len(expired) == poolBatch || len(old) == poolBatch, err
}

func (u *unitOfWork) expirePool(offer OfferID) error {
	plan, balances, err := u.pool(offer)
	if err != nil {
		return err
	}
	j, err := judgedOf(u.tx, plan.Customer)
	if err != nil {
		return err
	}
	return u.lapsePool(&j, &plan, balances)
}

func (u *unitOfWork) pool(offer OfferID) (plan PoolPlan, balances []PoolBalance, err error) {
	if plan, err = u.tx.PoolPlan(offer); err == nil {
		balances, err = u.tx.PoolBalances(offer)
	}
	return plan, balances, err
}

// poolUpkeepEvery spares the worker's loop two look-ups at each turn.
const poolUpkeepEvery = time.Second

// keepPools runs the upkeep when it is time. What goes wrong in it keeps no charge waiting.
func (e *Engine) keepPools(ctx context.Context, f *flight) {
	if time.Since(f.pools) < poolUpkeepEvery {
		return
	}
	f.pools = time.Now()
	for {
		more, err := e.poolUpkeep(ctx)
		if err != nil && ctx.Err() == nil {
			e.observer.Failed("pool plans could not be seen to", err)
		}
		if err != nil || !more || ctx.Err() != nil {
			return
		}
	}
}
