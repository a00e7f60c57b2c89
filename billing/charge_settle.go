package billing

import (
	"context"
	"fmt"
	"time"
)

// settle records a gateway's answer. It is idempotent: an attempt that was
// settled meanwhile (by a lookup, a webhook, another process) stays as it is.
func (e *Engine) settle(ctx context.Context, s *sending, res GatewayResult) error {
	return e.updateOwners(ctx, []OwnerID{s.charge.Owner}, func(u *unitOfWork) error {
		if res.Trouble == TroubleLimited {
			if err := u.limited(s.charge.Gateway, res.RetryAfter); err != nil {
				return err
			}
		}
		c, err := u.tx.Charge(s.charge.ID)
		if err != nil {
			return err
		}
		a, err := u.attemptN(c.ID, s.n)
		if err != nil {
			return err
		}
		definite := res.Outcome == OutcomeSucceeded || res.Outcome == OutcomeDeclined
		if !definite && !c.LeaseUntil.Equal(s.charge.LeaseUntil) {
			return nil // its lease was over, and somebody else is on it
		}
		return u.answered(&c, &a, res, s.lookup)
	})
}

// answered records what a gateway said of an attempt, whoever heard it: the call
// itself, a lookup (asked), or a webhook, which may come late, twice and out of order.
func (u *unitOfWork) answered(c *Charge, a *Attempt, res GatewayResult, asked bool) error {
	if c.Run != 0 {
		u.run = c.Run
	}
	if a.Ref == "" {
		a.Ref = res.Ref
	}
	if err := u.learnCard(c, res.Card); err != nil {
		return err
	}
	if res.Card != nil && res.Card.Fingerprint != "" {
		a.Print = c.Gateway + ":" + res.Card.Fingerprint
	}
	if res.Outcome == OutcomeSucceeded {
		return u.captured(c, a)
	}
	awaited := a.State != AttemptSucceeded && a.State != AttemptDeclined
	switch {
	case a.State == AttemptSucceeded && a.Code == codeResolved && res.Outcome == OutcomeDeclined:
		return u.resolvedWrongly(c, a, res)
	case !awaited:
		return nil
	case !c.Open() || a.N != c.Attempt:
		// The charge went on without it; only the record is completed.
		if res.Outcome != OutcomeDeclined {
			return nil
		}
		a.settle(AttemptDeclined, u.now)
		a.Class, a.Code = res.Class, res.Code
		return u.tx.SetAttempt(a)
	case res.Outcome == OutcomeDeclined:
		return u.declined(c, a, res)
	case a.State == AttemptNotSent:
		return nil // it is sent again, whatever a late answer did not know
	case res.Outcome == OutcomeNotAttempted:
		return u.notSent(c, a, res, asked)
	default:
		return u.unknown(c, a, res)
	}
}

// codeCapturedTwice marks an attempt that was captured beside the one that is booked.
const codeCapturedTwice = "captured_twice"

// captured books a capture exactly once, also one that comes after the charge had
// ended otherwise: money that moved is credited.
func (u *unitOfWork) captured(c *Charge, a *Attempt) error {
	switch {
	case a.State == AttemptSucceeded:
		return nil
	case c.Posting != 0:
		// Two attempts of one charge were captured: the second is no credit that
		// anybody wanted, and a person gives it back.
		a.settle(AttemptSucceeded, u.now)
		a.Code = codeCapturedTwice
		if err := u.tx.SetAttempt(a); err != nil {
			return err
		}
		return u.alarm(AlarmCapturedTwice, causeOf("charge", int64(c.ID), int64(a.N)), c.Top,
			fmt.Sprintf("charge %d of %s was captured twice", c.ID, c.Owner),
			fmt.Sprintf("The gateway %s captured attempt %d (%s) beside one that is booked. Refund it there: it is not credited here.",
				c.Gateway, a.N, a.Ref))
	case !c.Open():
		err := u.alarm(AlarmLateCapture, causeOf("charge", int64(c.ID)), c.Top,
			fmt.Sprintf("charge %d of %s was captured after it had ended as %s", c.ID, c.Owner, c.State),
			fmt.Sprintf("The gateway %s says that it captured %s. It is credited now.", c.Gateway, Money(c.Gross, c.Unit)))
		if err != nil {
			return err
		}
	}
	return u.succeeded(c, a)
}

// told is a gateway's answer in a line for people.
func told(res GatewayResult) string {
	if res.Message == "" {
		return res.Code
	}
	return res.Code + ": " + res.Message
}

// history keeps what became of a charge beside the decisions that led to it.
func (u *unitOfWork) history(c *Charge, r Reason, detail string) error {
	return u.keep(&Decision{
		Owner: c.Owner, Top: c.Top, At: u.now, Trigger: TriggerSettled, Purpose: c.Purpose, Run: u.run,
		Actor: u.actor.Name(), Unit: c.Unit, Reason: r, Detail: detail, Made: c.ID,
	})
}

// succeeded books the capture: the state and the posting commit together (C4).
func (u *unitOfWork) succeeded(c *Charge, a *Attempt) error {
	a.settle(AttemptSucceeded, u.now)
	a.Code, a.Advice = "", ""
	if err := u.tx.SetAttempt(a); err != nil {
		return err
	}
	post := Posting{
		Top: c.Top, Kind: PostCharge, Cause: causeOf("charge", int64(c.ID)), Charge: c.ID,
		Actor: u.actor.Name(), BookedAt: u.real, EffectiveAt: u.now,
		Entries: c.entries(c.Gross, 0, 1),
	}
	if err := u.post(&post); err != nil {
		return err
	}
	c.Posting = post.ID
	if err := u.end(c, AttemptSucceeded, EndNone, ""); err != nil {
		return err
	}
	if err := u.topupPaid(c); err != nil {
		return err
	}
	if err := u.history(c, ReasonCharged, Money(c.Gross, c.Unit).String()); err != nil {
		return err
	}
	if c.Purpose == PurposeProfile {
		if err := u.expectedPaid(c); err != nil {
			return err
		}
	}
	j, err := judgedOf(u.tx, c.Owner)
	if err != nil {
		return err
	}
	spent, err := u.paid(&j, c)
	if err != nil {
		return err
	}
	if !c.Purpose.Automatic() {
		return u.judgeByHand(&j, spent)
	}
	return u.afterSettled(&j, c)
}

// judgeByHand judges after a payment by hand as after any other credit, which by
// itself neither mails nor charges; a plan's price that it paid for may.
func (u *unitOfWork) judgeByHand(j *Judged, spent bool) error {
	t := TriggerCredit
	if spent {
		t = TriggerUsage
	}
	_, err := u.judge(j, t)
	return err
}

// paid is what a success changes beside the balance: suspension and block end,
// the receipt goes out. spent reports whether a waiting plan's price was posted.
func (u *unitOfWork) paid(j *Judged, c *Charge) (spent bool, err error) {
	if err := u.resumed(j); err != nil {
		return false, err
	}
	if err := u.payment(j); err != nil {
		return false, err
	}
	wereOpen := j.OpenPeriods
	if spent, err = u.payOpenPeriods(j); err != nil {
		return spent, err
	}
	if err := u.restartBilling(j, wereOpen); err != nil {
		return spent, err
	}
	if err := u.unblock(j); err != nil {
		return spent, err
	}
	if c.Purpose.Automatic() {
		u.mailed(j) // a receipt by hand says nothing of a low balance
	}
	return spent, u.notice(j, NoticeReceipt, causeOf("receipt", int64(c.ID)), noticeFacts{Charge: c})
}

// resume ends suspensions: a successful payment did.
func (u *unitOfWork) resume(j *Judged) error {
	if err := u.suspendTopup(j.Owner.ID, ""); err != nil {
		return err
	}
	if err := u.resumeRules(&j.Owner); err != nil {
		return err
	}
	s := &j.Policy.State
	if !j.Configured || (s.Suspended == "" && s.BRSuspended == "") {
		return nil
	}
	s.Suspended, s.BRSuspended = "", ""
	return u.tx.PutLowBalanceState(j.Owner.ID, *s)
}

// resumed is resume where nobody's row tells it.
func (u *unitOfWork) resumed(j *Judged) error {
	was := j.Policy.State
	if err := u.resume(j); err != nil {
		return err
	}
	return u.auditSuspension(j, was, nil)
}

// declined follows the retry plan: soft declines are tried again, hard ones put
// the card aside, and the customer is asked where the issuer wants that.
func (u *unitOfWork) declined(c *Charge, a *Attempt, res GatewayResult) error {
	replaced, err := u.tokenReplaced(c, a)
	if err != nil {
		return err
	}
	a.settle(AttemptDeclined, u.now)
	a.Class, a.Code, a.Advice, a.Message = res.Class, res.Code, res.Advice, res.Message
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
	at, again, err := u.nextTry(c, a)
	if err != nil {
		return err
	}
	if again {
		return u.retryLater(&j, c, a, at)
	}
	if err := u.end(c, AttemptDeclined, EndGivenUp, a.Code); err != nil {
		return err
	}
	if err := u.history(c, ReasonDeclined, a.Code+", given up"); err != nil {
		return err
	}
	if a.Class == DeclineHard && !replaced {
		if err := u.putAside(c.Card, a.Code); err != nil {
			return err
		}
	}
	if err := u.topupNotPaid(&j, c, a, replaced); err != nil {
		return err
	}
	if !c.Purpose.Automatic() {
		// No plan follows and nothing is suspended: a person may pay again.
		return u.notice(&j, NoticeDeclined, causeOf("declined", int64(c.ID)), noticeFacts{Charge: c, Attempt: a})
	}
	j.OpenCharge = 0
	if !replaced && c.Purpose != PurposeRecurring { // a rule has a count of its own
		if err := u.suspend(&j, c, a); err != nil {
			return err
		}
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
	if err := u.history(c, ReasonDeclined, a.Code+", tried again "+at.Format(time.RFC3339)); err != nil {
		return err
	}
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

// nextTry is when a declined charge is tried again by its plan; not before the
// card network allows it, and not at all when that is beyond the plan.
func (u *unitOfWork) nextTry(c *Charge, a *Attempt) (at time.Time, again bool, err error) {
	wait, again := RetryAfter(c.Purpose, a.N)
	if c.Purpose == PurposeRecurring && a.Class == DeclineSoft {
		if wait, again, err = u.recurringRetry(c, a.N); err != nil {
			return at, false, err
		}
	}
	if a.Class != DeclineSoft || !again {
		return at, false, nil
	}
	at = u.now.Add(wait)
	card, err := u.tx.Card(c.Card)
	if err != nil {
		return at, false, err
	}
	tries, err := u.tx.DeclinedTries(a.Print, u.now.Add(-networkWindow), networkTries)
	if err != nil {
		return at, false, err
	}
	return at, !networkFree(card.Brand, tries, c.Unit, c.Gross, u.now).After(at), nil
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
	if c.Purpose == PurposeProfile {
		if err := u.suspendTopup(c.Owner, why); err != nil {
			return err
		}
	}
	s, was := &j.Policy.State, j.Policy.State
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
	if err := u.auditSuspension(j, was, c); err != nil {
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
// the same key, uncounted. What a lookup found never to have arrived goes at once:
// asking took its time already.
func (u *unitOfWork) notSent(c *Charge, a *Attempt, res GatewayResult, asked bool) error {
	a.State = AttemptNotSent
	a.Code, a.Message = res.Code, res.Message
	kept := res.Code == CodePaused
	if a.Lookups == 0 && !kept {
		if err := u.history(c, ReasonNotAttempted, told(res)); err != nil {
			return err
		}
	}
	wait := res.RetryAfter
	switch {
	case kept:
		wait = pausedWait
	case !asked:
		// Also after a 429: one payment that is always refused must not take the
		// turns of all others.
		wait = max(wait, askAfter(a.Lookups))
		a.Lookups++
	}
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
	if a.Lookups == 0 {
		if err := u.history(c, ReasonUnknown, told(res)); err != nil {
			return err
		}
	}
	wait := askAfter(a.Lookups)
	a.Lookups++
	if err := u.tx.SetAttempt(a); err != nil {
		return err
	}
	age := u.real.Sub(a.firstAt())
	how := EndNone
	u.askLater(c, wait)
	_, listed := u.e.gateways[c.Gateway]
	if age >= unresolvedAfter && (!listed || a.Lookups > len(askAgain)) { // asked, not only waited: the server may have stood still
		how, c.DueAt, c.LeaseUntil = EndUnresolved, zeroTime, zeroTime
		c.Reason = "the gateway did not tell the outcome in three days"
	}
	c.State, _ = ChargeStateOf(AttemptUnknown, how)
	u.chargeMoved(*c, OutcomeUnknown.String())
	if err := u.tx.SetCharge(c); err != nil {
		return err
	}
	if age >= unknownAlarm {
		err := u.alarm(AlarmUnknown, causeOf("charge", int64(c.ID), int64(a.N)), c.Top,
			fmt.Sprintf("the outcome of charge %d of %s is not known", c.ID, c.Owner),
			fmt.Sprintf("%s by the gateway %s, sent %s, key %s. It is asked about for three days and never sent under another key.",
				Money(c.Gross, c.Unit), c.Gateway, a.SubmittedAt.Format(time.RFC3339), a.Key))
		if err != nil {
			return err
		}
	}
	if how == EndNone {
		return nil
	}
	if err := u.unresolved(c, a); err != nil {
		return err
	}
	// A person will find out about the money; the plan's price does not wait.
	j, err := judgedOf(u.tx, c.Owner)
	if err != nil {
		return err
	}
	return u.afterAnswer(&j, c)
}

func (u *unitOfWork) unresolved(c *Charge, a *Attempt) error {
	if err := u.history(c, ReasonUnresolved, a.Key); err != nil {
		return err
	}
	return u.alarm(AlarmUnresolved, causeOf("charge", int64(c.ID), int64(a.N)), c.Top,
		fmt.Sprintf("charge %d of %s needs a person", c.ID, c.Owner),
		fmt.Sprintf("For three days the gateway %s did not tell whether it captured %s (key %s). Look there, then say\n"+
			"`topupd charges resolve %d --captured` or `--not-captured`, with --reference and --reason.\n"+
			"Until then the owner's automatic charges wait.", c.Gateway, Money(c.Gross, c.Unit), a.Key, c.ID))
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
