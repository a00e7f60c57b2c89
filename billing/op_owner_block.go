package billing

import "context"

// BlockOwner sets or lifts an operator's block of an owner below the acting
// customer; other causes stay as they are. A customer's block holds its
// accounts. To do it again changes nothing. Errors: NotFound.
func (e *Engine) BlockOwner(ctx context.Context, o OwnerID, blocked bool) error {
	return e.update(ctx, func(u *unitOfWork) error {
		j, err := u.below(o)
		if err != nil {
			return err
		}
		causes := j.Owner.Blocked &^ BlockOperator
		if blocked {
			causes |= BlockOperator
		}
		if causes == j.Owner.Blocked {
			return nil
		}
		if err := u.setBlocked(&j.Owner, causes); err != nil || blocked {
			return err
		}
		// What the block held back is looked at again.
		return u.tx.JudgeWithin(o, u.now)
	})
}
