package billing

import (
	"context"
	"errors"
	"time"
)

// ServicePlan is a plan that the actor may know: root's are everybody's, a
// customer's are those of who sees that customer. Errors: NotFound.
func (e *Engine) ServicePlan(ctx context.Context, id PlanID) (p Plan, err error) {
	err = e.view(ctx, func(r Reader) error {
		if p, err = r.Plan(id); err != nil || p.Customer == 0 {
			return err
		}
		o, err := r.Owner(p.Customer)
		if a := ActorFrom(ctx); err == nil && !a.Sees(&o) {
			return NotFound
		}
		return err
	})
	if err == nil && ActorFrom(ctx).Customer == 0 {
		err = NotFound // nobody sees nothing
	}
	if errors.Is(err, NotFound) {
		return Plan{}, Errorf(NotFound, "i_billing_plan", "there is no plan %d in your scope", id)
	}
	return p, err
}

// MinutePlans lists an account's minute plans and what is left of them, by id. Minutes
// are counted by the switch: what was used is what an import told. Errors: NotFound.
func (e *Engine) MinutePlans(ctx context.Context, account OwnerID) (all []AccountMinutes, err error) {
	err = e.view(ctx, func(r Reader) error {
		o, err := r.Owner(account)
		if a := ActorFrom(ctx); err == nil && !a.Sees(&o) {
			err = NotFound
		}
		if err != nil {
			return wrongOwner(account, err)
		}
		all, err = accountMinutes(r, account)
		return err
	})
	return all, err
}

// BillAccount bills what is due of one account now, as a billing run would: keyed by
// account and period, so that again, or a run beside it, does nothing. An account
// whose next period is still to come has nothing due. Errors: NotFound, Conflict for
// one that has no plan or is held.
func (e *Engine) BillAccount(ctx context.Context, account OwnerID) error {
	return e.update(ctx, func(u *unitOfWork) error {
		j, err := u.judged(account)
		if err != nil {
			return err
		}
		before, err := u.tx.AccountPlan(account)
		if errors.Is(err, NotFound) {
			return Errorf(Conflict, account.Field(), "%s has no plan", account)
		}
		if err != nil {
			return err
		}
		waited := Decision{Reason: ReasonNotLow}
		if j.OpenPeriods {
			if waited, err = u.billWaitingOwner(account); err != nil {
				return err
			}
		}
		// What was paid just now may have put the plan in force again.
		ap, err := u.tx.AccountPlan(account)
		if err != nil {
			return err
		}
		d, err := u.billAccount(ap)
		if err != nil {
			return err
		}
		if d.Reason == ReasonHeld {
			return Errorf(Conflict, account.Field(), "%s is held until golive", account)
		}
		after, err := u.tx.AccountPlan(account)
		if err != nil {
			return err
		}
		moved := !after.NextAt.Equal(before.NextAt)
		if !moved && waited.Reason != ReasonPosted && waited.Charge == nil {
			return nil
		}
		info := newAudit()
		if moved {
			info.change("next_billing_time", before.NextAt.UTC().Format(time.RFC3339), after.NextAt.UTC().Format(time.RFC3339)).set("outcome", string(d.Reason))
		} else {
			info.set("outcome", string(waited.Reason))
		}
		return u.audit(AuditBilling, j.Owner.Top, auditOwner("accounts", account), info)
	})
}

// plan reads a plan for an account; one that is chosen must be known to the actor, as
// ServicePlan says.
func (u *unitOfWork) plan(id PlanID, chosen bool) (Plan, error) {
	p, err := u.tx.Plan(id)
	if err == nil && chosen && p.Customer != 0 {
		var o Owner
		if o, err = u.tx.Owner(p.Customer); err == nil && !u.actor.Sees(&o) {
			err = NotFound
		}
	}
	if errors.Is(err, NotFound) {
		return p, Errorf(NotFound, "i_billing_plan", "there is no plan %d", id)
	}
	return p, err
}
