package billing

import "time"

// LowBalanceFacts is all that the low-balance decision depends on. Card,
// Mandate, Levy and History need to be loaded only when WantsCharge.
type LowBalanceFacts struct {
	Now     time.Time
	Trigger Trigger
	Owner   OwnerID
	Top     OwnerID
	Unit    Unit
	// Available is nil for an unlimited credit limit.
	Available *int64
	Policy    LowBalance
	Standing  Standing
	// OpenCharge: an automatic charge of the owner is open, for any purpose.
	OpenCharge bool
	Card       CardChoice
	Mandate    MandateID // 0: none
	Tax, Fee   int64     // on top of the charge amount
	History    []AutomaticCharge
	Limits     Limits
}

// Standing is what may hold an owner back.
type Standing struct {
	Blocked Block // the owner's own
	Above   Block // of the customers above it
	Held    bool
	// Expired: the account's lifetime is over; a payment by hand may renew it.
	Expired bool
}

// CardChoice is the card a policy leads to, or why there is none.
type CardChoice struct {
	Card   *Card
	Reason Reason // ReasonCharge when Card may be charged
	Detail string
	FreeAt time.Time // when ReasonNetworkLimit ends
}

// Low reports whether available is strictly below the threshold.
func (f *LowBalanceFacts) Low() bool {
	return f.Policy.Threshold != nil && f.Available != nil && *f.Available < *f.Policy.Threshold
}

// WantsCharge reports whether the decision depends on card, mandate and history.
func (f *LowBalanceFacts) WantsCharge() bool {
	return f.Low() && f.Policy.ChargeCard && !f.OpenCharge &&
		f.Trigger != TriggerCredit && f.Trigger != TriggerCorrection
}

// mailGap is the least time between two low-balance mails of one owner that
// did not come back to the threshold in between.
const mailGap = 24 * time.Hour

// DecideLowBalance is the one low-balance rule: for debits, saves, the sweep,
// dry runs and the table of thresholds alike. It is pure.
func DecideLowBalance(f *LowBalanceFacts) Decision {
	d := Decision{
		Owner: f.Owner, Top: f.Top, At: f.Now, Trigger: f.Trigger, Purpose: PurposeLowBalance,
		Available: f.Available, Threshold: f.Policy.Threshold, Unit: f.Unit,
		Low: f.Low(), State: f.Policy.State,
	}
	switch {
	case !d.Low:
		decideNotLow(f, &d)
	case f.Trigger == TriggerCorrection && d.State.Below:
		// It was low before: what was planned for it stays.
		d.Reason, d.NextAt = d.State.Reason, d.State.JudgeAt
	case f.Trigger == TriggerCredit:
		crossing(&d)
		d.State.Armed = true
		d.Reason, d.NextAt = ReasonRearmed, f.Now
		if !f.Policy.Active() {
			d.Reason, d.NextAt = ReasonOff, time.Time{}
		}
	case !f.Policy.Active():
		crossing(&d)
		d.Reason = ReasonOff
	default:
		crossing(&d)
		decideLow(f, &d)
	}
	d.State.Reason, d.State.JudgeAt = d.Reason, d.NextAt
	return d
}

func decideNotLow(f *LowBalanceFacts, d *Decision) {
	switch {
	case f.Policy.Threshold == nil:
		d.Reason = ReasonThresholdOff
	case f.Available == nil:
		d.Reason = ReasonUnlimited
	default:
		d.Reason = ReasonNotLow
	}
	d.State.Below, d.State.Armed, d.State.Back, d.State.Reminders = false, true, true, 0
}

// crossing opens an episode when the last judgement was not below.
func crossing(d *Decision) {
	if !d.State.Below {
		d.State.Below = true
		d.State.Episode++
		d.State.Reminders = 0
	}
}

func decideLow(f *LowBalanceFacts, d *Decision) {
	reason, detail, next := chargeLow(f, d)
	if d.Charge != nil {
		// Its result is the mail: receipt or decline.
		d.Reason = ReasonCharge
		d.State.Armed = false
		d.State.Charges++
		return
	}
	if reason == ReasonOpenCharge {
		// Settling judges again; until then nothing is said.
		d.Reason, d.Detail = reason, detail
		return
	}
	if f.Trigger == TriggerSettled {
		// The charge's own notice was the mail; it re-armed like any credit.
		d.Reason, d.Detail, d.NextAt = reason, detail, next
		if !f.Policy.ChargeCard {
			d.Reason = ReasonRearmed
		}
		if d.NextAt.IsZero() && f.Policy.NotifyByEmail {
			d.NextAt = f.Now
		}
		return
	}
	mail, mailNext := mailLow(f, d)
	d.NextAt = earliest(next, mailNext)
	switch {
	case f.Policy.ChargeCard:
		d.Reason, d.Detail = reason, detail
	default:
		d.Reason = mail
	}
}

// chargeLow fills d.Charge, or says why not and when a cap frees.
func chargeLow(f *LowBalanceFacts, d *Decision) (Reason, string, time.Time) {
	none := time.Time{}
	p := &f.Policy
	switch {
	case !p.ChargeCard:
		return ReasonOff, "", none
	case f.OpenCharge && !f.Standing.holds(): // a period's charge waits for the end of a hold
		return ReasonOpenCharge, "", none
	case f.Trigger == TriggerCorrection, f.Trigger == TriggerSweep && p.State.Reason == ReasonCorrection:
		// A sweep does not make up for what a correction must not do.
		return ReasonCorrection, "", none
	}
	if r, detail := f.Standing.hold(); r != ReasonCharge {
		return r, detail, none
	}
	switch {
	case p.State.Suspended == NeedsCustomer:
		return ReasonNeedsCustomer, "", none
	case p.State.Suspended == SuspendedCardGone:
		return ReasonCardGone, "", none
	case p.State.Suspended != "":
		return ReasonSuspended, string(p.State.Suspended), none
	case p.ChargeAmount == 0:
		return ReasonNoAmount, "", none
	case f.Card.Reason == ReasonCardUnusable:
		// Its gateway may be set up again, which no row tells.
		return f.Card.Reason, f.Card.Detail, f.Now.Add(time.Hour)
	case f.Card.Reason != ReasonCharge:
		return f.Card.Reason, f.Card.Detail, f.Card.FreeAt
	case f.Mandate == 0:
		return ReasonNoMandate, "", none
	}
	plan := &ChargePlan{Card: *f.Card.Card, Mandate: f.Mandate, Credit: p.ChargeAmount, Tax: f.Tax, Fee: f.Fee}
	if r, free := f.Limits.check(f.Now, plan.Gross(), f.History); r != ReasonCharge {
		return r, "", free
	}
	d.Charge = plan
	return ReasonCharge, "", none
}

// hold says whether a block or hold keeps automatic charges away. The owner's
// own block for billing does not: a success lifts it.
func (s Standing) hold() (Reason, string) {
	switch {
	case s.Held:
		return ReasonHeld, ""
	case s.Blocked&^BlockBilling != 0:
		return ReasonBlocked, (s.Blocked &^ BlockBilling).String()
	case s.Above != 0:
		return ReasonCustomerBlock, s.Above.String()
	case s.Expired:
		return ReasonExpired, ""
	}
	return ReasonCharge, ""
}

// holds reports whether no automatic charge is made.
func (s Standing) holds() bool {
	r, _ := s.hold()
	return r != ReasonCharge
}

// mailLow decides on a low-balance mail: one per crossing, at most one in 24
// hours unless it was back at the threshold, reminders when asked for.
func mailLow(f *LowBalanceFacts, d *Decision) (Reason, time.Time) {
	s := &d.State
	if !f.Policy.NotifyByEmail {
		return ReasonOff, time.Time{}
	}
	if f.Standing.Held {
		return ReasonHeld, time.Time{}
	}
	if s.Armed {
		if free := s.MailedAt.Add(mailGap); !s.MailedAt.IsZero() && !s.Back && free.After(f.Now) {
			return ReasonMailLater, free
		}
		d.Notice = NoticeLowBalance
		s.Armed, s.Back, s.MailedAt, s.Reminders = false, false, f.Now, 0
		return ReasonMail, f.Policy.reminderAt(*s)
	}
	due := f.Policy.reminderAt(*s)
	if due.IsZero() || due.After(f.Now) {
		return ReasonMailed, due
	}
	d.Notice = NoticeReminder
	s.Reminders++
	s.MailedAt = f.Now
	return ReasonMail, f.Policy.reminderAt(*s)
}

// reminderAt is when the next reminder is due; zero when none is.
func (p *LowBalance) reminderAt(s LowBalanceState) time.Time {
	if p.Retry == nil || s.Reminders >= p.Retry.Count || s.MailedAt.IsZero() {
		return time.Time{}
	}
	gap := DefaultReminderInterval
	if p.Retry.Interval != nil {
		gap = time.Duration(*p.Retry.Interval) * time.Hour
	}
	return s.MailedAt.Add(gap)
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
