package billing

import (
	"context"
	"time"
)

// settle records a gateway's answer. It is idempotent: an attempt that was
// settled meanwhile (by a lookup, a webhook, another process) stays as it is.
func (e *Engine) settle(ctx context.Context, s *sending, res GatewayResult) error {
	return e.update(ctx, func(u *unitOfWork) error {
		c, err := u.tx.Charge(s.charge.ID)
		if err != nil {
			return err
		}
		u.run = c.Run
		a, err := u.attempt(&c)
		if err != nil {
			return err
		}
		if res.Outcome == OutcomeSucceeded && !c.Open() && c.State != ChargeSucceeded {
			late := Errorf(Internal, "charge", "charge %d is %s, and its gateway says that it captured: look at it there", c.ID, c.State)
			u.tell(func(o Observer) { o.Failed("a capture is not booked", late) })
		}
		if !c.Open() || a.N != s.n || (a.State != AttemptSubmitted && a.State != AttemptUnknown) {
			return nil
		}
		if res.Ref != "" {
			a.Ref = res.Ref
		}
		switch res.Outcome {
		case OutcomeSucceeded:
			return u.succeeded(&c, &a)
		case OutcomeDeclined:
			return u.declined(&c, &a, res)
		case OutcomeNotAttempted:
			return u.notSent(&c, &a, res)
		default:
			return u.unknown(&c, &a, res)
		}
	})
}

// succeeded books the capture: the state and the posting commit together (C4).
func (u *unitOfWork) succeeded(c *Charge, a *Attempt) error {
	a.State, a.SettledAt = AttemptSucceeded, u.now
	if err := u.tx.SetAttempt(a); err != nil {
		return err
	}
	post := Posting{
		Top: c.Top, Kind: PostCharge, Cause: causeOf("charge", int64(c.ID)), Charge: c.ID,
		Actor: u.actor.Name(), BookedAt: u.real, EffectiveAt: u.now,
		Entries: []Entry{
			{Owner: c.Owner, Unit: c.Unit, Micros: c.Credit},
			{Account: CashAccount(c.Gateway), Unit: c.Unit, Micros: -c.Gross},
		},
	}
	if c.Tax != 0 {
		post.Entries = append(post.Entries, Entry{Account: AccountTax, Unit: c.Unit, Micros: c.Tax})
	}
	if c.Fee != 0 {
		post.Entries = append(post.Entries, Entry{Account: AccountFee, Unit: c.Unit, Micros: c.Fee})
	}
	if err := u.post(&post); err != nil {
		return err
	}
	c.Posting = post.ID
	if err := u.end(c, AttemptSucceeded, EndNone, ""); err != nil {
		return err
	}
	j, err := judgedOf(u.tx, c.Owner)
	if err != nil {
		return err
	}
	if err := u.paid(&j, c); err != nil {
		return err
	}
	return u.afterSettled(&j, c)
}

// paid is what a success changes beside the balance: suspension and block end,
// the receipt goes out.
func (u *unitOfWork) paid(j *Judged, c *Charge) error {
	if err := u.resume(j); err != nil {
		return err
	}
	if _, err := u.payOpenPeriods(j); err != nil {
		return err
	}
	if err := u.unblock(j); err != nil {
		return err
	}
	u.mailed(j)
	return u.notice(j, NoticeReceipt, causeOf("receipt", int64(c.ID)), noticeFacts{Charge: c})
}

// resume ends suspensions: a successful payment did.
func (u *unitOfWork) resume(j *Judged) error {
	s := &j.Policy.State
	if !j.Configured || (s.Suspended == "" && s.BRSuspended == "") {
		return nil
	}
	s.Suspended, s.BRSuspended = "", ""
	return u.tx.PutLowBalanceState(j.Owner.ID, *s)
}

// declined follows the retry plan: soft declines are tried again, hard ones put
// the card aside, and the customer is asked where the issuer wants that.
func (u *unitOfWork) declined(c *Charge, a *Attempt, res GatewayResult) error {
	a.State, a.SettledAt = AttemptDeclined, u.now
	a.Class, a.Code, a.Message = res.Class, res.Code, res.Message
	if a.Class == DeclineNone {
		a.Class = DeclineSoft
	}
	if err := u.tx.SetAttempt(a); err != nil {
		return err
	}
	j, err := judgedOf(u.tx, c.Owner)
	if err != nil {
		return err
	}
	wait, again := RetryAfter(c.Purpose, a.N)
	if a.Class == DeclineSoft && again {
		return u.retryLater(&j, c, a, u.now.Add(wait))
	}
	if err := u.end(c, AttemptDeclined, EndGivenUp, a.Code); err != nil {
		return err
	}
	j.OpenCharge = 0
	if a.Class == DeclineHard {
		if err := u.putAside(c.Card, a.Code); err != nil {
			return err
		}
	}
	if err := u.suspend(&j, c, a); err != nil {
		return err
	}
	return u.afterSettled(&j, c)
}

func (u *unitOfWork) retryLater(j *Judged, c *Charge, a *Attempt, at time.Time) error {
	c.State, _ = ChargeStateOf(AttemptDeclined, EndNone)
	c.Attempt, c.DueAt, c.LeaseUntil = a.N+1, at, zeroTime
	if err := u.tx.SetCharge(c); err != nil {
		return err
	}
	u.chargeMoved(*c, OutcomeDeclined.String())
	if a.N == 1 {
		if err := u.mailedNow(j); err != nil {
			return err
		}
		err := u.notice(j, NoticeDeclined, causeOf("declined", int64(c.ID)), noticeFacts{Charge: c, Attempt: a, RetryAt: at})
		if err != nil {
			return err
		}
	}
	return u.afterAnswer(j, c)
}

func (u *unitOfWork) putAside(id CardID, code string) error {
	card, err := u.tx.Card(id)
	if err != nil || card.State != CardUsable {
		return err
	}
	card.State, card.Aside, card.UpdatedAt = CardAside, code, u.now
	return u.tx.PutCard(&card)
}

// suspend stops further automatic charges for the charge's purpose and says so.
func (u *unitOfWork) suspend(j *Judged, c *Charge, a *Attempt) error {
	why, kind := SuspendedDeclined, NoticeSuspended
	switch a.Class {
	case DeclineHard:
		why = SuspendedHard
	case DeclineAuthentication:
		why, kind = NeedsCustomer, NoticeNeedsYou
	}
	s := &j.Policy.State
	switch {
	case !j.Configured:
	case c.Purpose == PurposeLowBalance:
		s.Suspended = why
	case c.Purpose == PurposeBillingRun:
		s.BRSuspended = why
	}
	if err := u.mailedNow(j); err != nil {
		return err
	}
	return u.notice(j, kind, causeOf(string(kind), int64(c.ID)), noticeFacts{Charge: c, Attempt: a})
}

// mailed notes that the owner was mailed about its low balance: receipt and
// decline are that mail.
func (u *unitOfWork) mailed(j *Judged) {
	j.Policy.State.MailedAt, j.Policy.State.Back = u.now, false
}

// mailedNow is mailed, stored.
func (u *unitOfWork) mailedNow(j *Judged) error {
	u.mailed(j)
	if !j.Configured {
		return nil
	}
	return u.tx.PutLowBalanceState(j.Owner.ID, j.Policy.State)
}

// notSent is a gateway's fault, not a decline: the same attempt goes again with
// the same key, uncounted.
func (u *unitOfWork) notSent(c *Charge, a *Attempt, res GatewayResult) error {
	a.State = AttemptNotSent
	a.Code, a.Message = res.Code, res.Message
	wait := askAfter(a.Lookups)
	a.Lookups++
	if err := u.tx.SetAttempt(a); err != nil {
		return err
	}
	c.State, _ = ChargeStateOf(AttemptNotSent, EndNone)
	u.askLater(c, wait)
	u.chargeMoved(*c, OutcomeNotAttempted.String())
	return u.tx.SetCharge(c)
}

// unknown waits and asks again; after unresolvedAfter it is for a person. It is
// never charged again by itself (C3).
func (u *unitOfWork) unknown(c *Charge, a *Attempt, res GatewayResult) error {
	a.State = AttemptUnknown
	a.Code, a.Message = res.Code, res.Message
	wait := askAfter(a.Lookups)
	a.Lookups++
	if err := u.tx.SetAttempt(a); err != nil {
		return err
	}
	age := u.real.Sub(a.SubmittedAt)
	how := EndNone
	u.askLater(c, wait)
	if age >= unresolvedAfter {
		how, c.DueAt, c.LeaseUntil = EndUnresolved, zeroTime, zeroTime
		c.Reason = "the gateway did not tell the outcome in three days"
	}
	c.State, _ = ChargeStateOf(AttemptUnknown, how)
	if age >= unknownAlarm {
		late := *c
		u.tell(func(o Observer) { o.ChargeMoved(late, "unknown_alarm") })
	}
	u.chargeMoved(*c, OutcomeUnknown.String())
	if err := u.tx.SetCharge(c); err != nil || how == EndNone {
		return err
	}
	// A person will find out about the money; the plan's price does not wait.
	j, err := judgedOf(u.tx, c.Owner)
	if err != nil {
		return err
	}
	return u.afterAnswer(&j, c)
}

// askLater leaves a charge to be asked about, or sent again, after a wait. The
// gateway lives by the real clock whatever moment a run judges by, so the wait
// is a lease.
func (u *unitOfWork) askLater(c *Charge, wait time.Duration) {
	c.DueAt = u.now
	if u.real.Before(u.now) {
		c.DueAt = u.real
	}
	c.LeaseUntil = u.real.Add(wait)
}

// afterAnswer lets a billing period go on once its charge has a first definite
// answer; the charge itself may still be tried again.
func (u *unitOfWork) afterAnswer(j *Judged, c *Charge) error {
	if c.Purpose != PurposeBillingRun {
		return nil
	}
	return u.priceAfterCharge(j, c)
}

// afterSettled follows a charge that is not open any more: waiting periods go
// on, and the low-balance rule judges what is left to do. What was paid on the
// way may have opened the next charge already.
func (u *unitOfWork) afterSettled(j *Judged, c *Charge) error {
	if err := u.afterAnswer(j, c); err != nil {
		return err
	}
	if err := u.startWaitingPeriods(j); err != nil {
		return err
	}
	if c.State == ChargeSucceeded {
		j.Policy.State.Armed = true
	}
	_, err := u.judge(j, TriggerSettled)
	return err
}
