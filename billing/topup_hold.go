package billing

import "time"

// A block or a hold makes a period wait, also one whose charge was made before: the charge
// stays as it is and is looked at again, and is sent once when nothing holds it any more.
// It gives way to the next period as a run does that comes too late.

// holdLook is how often a charge that waits is looked at.
const holdLook = time.Minute

// periodStands is why the charge of an execution is not sent now, empty if it may be; waits
// says that it is only held.
func (u *unitOfWork) periodStands(j *Judged, c *Charge) (reason string, waits bool, err error) {
	t, r, err := u.ruleOf(c)
	if err != nil {
		return "", false, err
	}
	if r.State != RuleActive || r.Suspended != "" {
		return string(ReasonOff), false, nil
	}
	s, err := u.e.standing(u.tx, &j.Owner, u.now)
	if err != nil {
		return "", false, err
	}
	why, _ := s.hold()
	switch {
	case why == ReasonCharge && !waited(c):
		return "", false, nil
	case u.e.missed(&r, t.Period, u.now, u.e.zone(j.Owner.TimeZone)):
		return string(ReasonMissedPeriod), false, nil
	case why == ReasonCharge:
		return "", false, nil
	}
	return string(why), true, nil
}

// missed reports whether a run would not make up a period any more: periodToRun for one
// whose charge was made.
func (e *Engine) missed(r *TopupRule, n int64, now time.Time, loc *time.Location) bool {
	if e.set.MissedPeriods == MissedAll {
		return false
	}
	return r.due(now, loc) > n || e.late(r, n, now, loc)
}

// late reports whether a period that is not made up began a day ago.
func (e *Engine) late(r *TopupRule, n int64, now time.Time, loc *time.Location) bool {
	return e.set.MissedPeriods == MissedNone && now.Sub(r.PeriodStart(n, loc)) >= 24*time.Hour
}

// waited reports whether a charge that was not sent was held until now: Reason says by what.
func waited(c *Charge) bool {
	switch Reason(c.Reason) {
	case ReasonHeld, ReasonBlocked, ReasonCustomerBlock, ReasonExpired:
		return true
	}
	return false
}

// notWanted cancels a charge that the last look found no longer needed, or lets it wait.
func (u *unitOfWork) notWanted(l *look, c *Charge) error {
	if !l.waits {
		return u.cancel(&l.j, c, l.reason)
	}
	told := c.Reason == l.reason
	c.State, c.Reason = ChargeCreated, l.reason
	u.askLater(c, holdLook)
	if err := u.tx.SetCharge(c); err != nil || told {
		return err
	}
	u.chargeMoved(*c, "")
	err := u.keep(&Decision{
		Owner: c.Owner, Top: c.Top, At: u.now, Trigger: TriggerRecurring, Purpose: c.Purpose, Run: u.run, Actor: u.actor.Name(),
		Available: l.j.Available(), Unit: c.Unit, Reason: Reason(l.reason), Detail: "its charge waits", Made: c.ID,
	})
	if err != nil {
		return err
	}
	l.j.OpenCharge = 0 // nothing else is charged meanwhile, and no price waits for it
	return u.startWaitingPeriods(&l.j)
}
