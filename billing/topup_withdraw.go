package billing

// cancelOnce withdraws a top-up that is not a rule's own.
func (u *unitOfWork) cancelOnce(t *BalanceTopup) error {
	switch {
	case t.State == TopupCancelled:
		return nil
	case t.Rule != 0:
		return Errorf(Conflict, "status", "of a recurring top-up all that is to come is cancelled, not one execution")
	case t.State != TopupCreated:
		return Errorf(Conflict, "status", "nothing more of this top-up was to come")
	}
	withdrawn, err := u.withdraw(t)
	switch {
	case err != nil:
		return err
	case !withdrawn:
		return Errorf(Conflict, "status", "the card is being charged, or may have been")
	}
	if err := u.topupEvent(EventCancel, t); err != nil {
		return err
	}
	return u.audit(AuditUpdate, t.Top, auditKey("topups", "id", int64(t.ID)), newAudit().change("state", string(TopupCreated), string(t.State)))
}

// withdrawExecution withdraws the newest execution of a rule that its client ends; t is the
// top-up that stands for the rule. What may have been sent stays.
func (u *unitOfWork) withdrawExecution(t *BalanceTopup) error {
	latest, err := u.tx.LatestExecution(t.ID)
	if err != nil {
		return err
	}
	if latest.ID == t.ID {
		_, err := u.withdraw(t) // its event is the rule's
		return err
	}
	if withdrawn, err := u.withdraw(&latest); err != nil || !withdrawn {
		return err
	}
	return u.topupEvent(EventCancel, &latest)
}

// withdraw ends a top-up whose charge has nothing under way at the gateway: it was never
// sent, or what was sent is known not to have been taken. A worker that has the charge made
// it submitted under the owner's lock, so the state tells; a lease may be a wait only.
func (u *unitOfWork) withdraw(t *BalanceTopup) (bool, error) {
	if t.State != TopupCreated || t.Charge == 0 {
		return false, nil
	}
	c, err := u.tx.Charge(t.Charge)
	if err != nil || c.State != ChargeCreated {
		return false, err
	}
	t.State, t.SettledAt, t.Reason = TopupCancelled, u.now, string(ReasonOff)
	if err := u.tx.SetBalanceTopup(t); err != nil {
		return false, err
	}
	j, err := judgedOf(u.tx, t.Owner)
	if err != nil {
		return false, err
	}
	return true, u.cancel(&j, &c, string(ReasonOff))
}
