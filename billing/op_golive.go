package billing

import "context"

// Golive ends a hold for a customer and all below it; it returns how many
// owners changed. Their next judgement may charge and mail.
func (e *Engine) Golive(ctx context.Context, customer OwnerID) (n int64, err error) {
	err = e.update(ctx, func(u *unitOfWork) error {
		j, err := u.judged(customer)
		if err != nil {
			return err
		}
		if n, err = u.tx.SetHeld(customer, false, u.now); err != nil {
			return err
		}
		if n > 0 {
			if err := u.audit(AuditGolive, j.Owner.Top, auditOwner("customers", customer), newAudit().count("released", n)); err != nil {
				return err
			}
		}
		return u.tx.JudgeWithin(customer, u.now)
	})
	return n, err
}
