package billing

import (
	"fmt"
	"strings"
	"time"
)

// isTopup reports whether a charge pays for a top-up.
func (c *Charge) isTopup() bool { return strings.HasPrefix(c.Cause, "topup:") }

// topupEvent tells subscribers of a top-up as it is now.
func (u *unitOfWork) topupEvent(kind EventKind, t *BalanceTopup) error {
	owner, err := u.tx.Owner(t.Owner)
	if err != nil {
		return err
	}
	hubs, err := u.listeners(EventType{ResourceTopup, kind}, &owner)
	if err != nil || len(hubs) == 0 {
		return err
	}
	told := toldTopup{BalanceTopup: t}
	if t.Rule != 0 {
		r, err := u.tx.TopupRule(t.Rule)
		if err != nil {
			return err
		}
		told.RuleState = r.State
	}
	return u.announce(EventType{ResourceTopup, kind}, &owner, int64(t.ID), told, hubs)
}

// topupPaid closes a top-up in the transaction that credits it, right after the posting.
func (u *unitOfWork) topupPaid(c *Charge) error {
	if !c.isTopup() {
		return nil
	}
	t, err := u.tx.BalanceTopupByCharge(c.ID)
	if err != nil {
		return err
	}
	b, err := u.tx.Bucket(c.Owner, c.Unit)
	if err != nil {
		return err
	}
	before := b.Balance - c.Credit
	// A later period is counted when it fails; a first one, and one that was cancelled, is not.
	counted := t.State == TopupFailed && c.Purpose.Automatic() && !u.e.set.FailedTopupsAgain
	t.credited(c.Posting, before, u.now)
	if err := u.tx.SetBalanceTopup(&t); err != nil {
		return err
	}
	if err := u.topupEvent(EventStatus, &t); err != nil || t.Rule == 0 {
		return err
	}
	r, err := u.tx.TopupRule(t.Rule)
	if err != nil {
		return err
	}
	r.Failures = 0
	if !counted {
		r.executed()
	}
	return u.ruleMoved(&r)
}

// ruleMoved stores a rule after an execution was settled.
func (u *unitOfWork) ruleMoved(r *TopupRule) error {
	if err := u.setRule(r); err != nil || r.State != RuleFinished {
		return err
	}
	return u.consentEnds(r.Owner)
}

// topupNotPaid closes a top-up whose charge ended without money. attempt is its last
// decline, nil if it was cancelled before that.
func (u *unitOfWork) topupNotPaid(j *Judged, c *Charge, attempt *Attempt, cardReplaced bool) error {
	if !c.isTopup() {
		return nil
	}
	t, err := u.tx.BalanceTopupByCharge(c.ID)
	if err != nil || t.State != TopupCreated {
		return err
	}
	told := EventFailure
	t.State, t.SettledAt, t.Reason = TopupFailed, u.now, c.Reason
	if attempt == nil && c.Purpose.Automatic() && !cardsFault(Reason(c.Reason)) {
		t.State, told = TopupCancelled, EventCancel
	}
	if err := u.tx.SetBalanceTopup(&t); err != nil {
		return err
	}
	if err := u.topupEvent(told, &t); err != nil || t.Rule == 0 {
		return err
	}
	r, err := u.tx.TopupRule(t.Rule)
	if err != nil {
		return err
	}
	switch {
	case t.State == TopupCancelled:
		return nil // it counts neither as done nor as failed
	case !c.Purpose.Automatic():
		// A rule starts with a paid period: its client is told of the decline.
		if r.State != RuleActive {
			return nil
		}
		return u.endRule(&r, RuleFailed)
	}
	class := DeclineSoft
	if attempt != nil && !cardReplaced {
		class = attempt.Class
	}
	return u.executionFailed(j, &r, class, noticeFacts{Charge: c, Attempt: attempt})
}

// cardsFault reports whether a charge was cancelled because of the card: the period failed.
func cardsFault(r Reason) bool {
	switch r {
	case ReasonNoCard, ReasonCardGone, ReasonCardUnusable, ReasonCardExpired, "card_changed":
		return true
	}
	return false
}

// executionFailed counts a failed execution, and suspends the rule after three in a row, or
// at once where the card must not be tried again.
func (u *unitOfWork) executionFailed(j *Judged, r *TopupRule, class DeclineClass, f noticeFacts) error {
	r.Failures++
	if !u.e.set.FailedTopupsAgain {
		r.executed()
	}
	why := Suspension("")
	switch {
	case r.State != RuleActive:
	case class == DeclineHard:
		why = SuspendedHard
	case class == DeclineAuthentication:
		why = NeedsCustomer
	case r.Failures >= ruleFailures:
		why = SuspendedDeclined
	}
	if why == "" {
		return u.ruleMoved(r)
	}
	return u.suspendRule(j, r, why, f)
}

// suspendRule stops a rule until a payment, a new card or a person lets it go on, and
// tells its owner.
func (u *unitOfWork) suspendRule(j *Judged, r *TopupRule, why Suspension, f noticeFacts) error {
	info := newAudit().change("suspended", string(r.Suspended), string(why))
	r.Suspended, r.Reason = why, ""
	if err := u.setRule(r); err != nil {
		return err
	}
	if err := u.audit(AuditUpdate, r.Top, auditKey("topup_rules", "id", int64(r.ID)), info); err != nil {
		return err
	}
	// The periods that follow leave no decision: this one says why they are not charged.
	d := Decision{
		Owner: r.Owner, Top: r.Top, At: u.now, Trigger: TriggerRecurring, Purpose: PurposeRecurring, Run: u.run, Actor: u.actor.Name(),
		Available: j.Available(), Unit: r.Unit, Reason: ReasonSuspended, Detail: fmt.Sprintf("top-up %d: %s", r.ID, why), Notice: NoticeRule,
	}
	if why == NeedsCustomer {
		d.Reason, d.Detail = ReasonNeedsCustomer, fmt.Sprintf("top-up %d", r.ID)
	}
	if err := u.keep(&d); err != nil {
		return err
	}
	f.Rule = r
	return u.notice(j, NoticeRule, causeOf("topup_rule", int64(r.ID), r.Done, r.Next), f)
}

// endRulesOf ends the rules that name a card which was deleted: they would never be charged
// again, and another card cannot be named for them. Their owner is told.
func (u *unitOfWork) endRulesOf(j *Judged, card *Card) error {
	rules, err := u.tx.TopupRulesOf(card.Owner)
	if err != nil {
		return err
	}
	for i := range rules {
		r := &rules[i]
		if r.State != RuleActive || r.Card == nil || *r.Card != card.ID {
			continue
		}
		t, err := u.tx.BalanceTopup(r.ID)
		if err == nil {
			err = u.cancelRule(&t, r, ReasonCardGone)
		}
		if err != nil {
			return err
		}
		s, err := u.e.standing(u.tx, &j.Owner, u.now)
		if err != nil {
			return err
		}
		if s.Held {
			continue // it is told of nothing
		}
		if err := u.notice(j, NoticeRule, causeOf("topup_rule_card", int64(r.ID)), noticeFacts{Rule: r, Card: card}); err != nil {
			return err
		}
	}
	return nil
}

// resumeRules lets suspended rules of an owner go on, with the next period that is to come.
func (u *unitOfWork) resumeRules(o *Owner) error {
	rules, err := u.tx.SuspendedRules(o.ID)
	if err != nil {
		return err
	}
	loc := u.e.zone(o.TimeZone)
	for i := range rules {
		r := &rules[i]
		info := newAudit().change("suspended", string(r.Suspended), "")
		r.Suspended, r.Failures = "", 0
		if n := r.due(u.now, loc) + 1; n > r.Next {
			r.plan(n, loc)
		}
		if err := u.setRule(r); err != nil {
			return err
		}
		if err := u.audit(AuditUpdate, r.Top, auditKey("topup_rules", "id", int64(r.ID)), info); err != nil {
			return err
		}
	}
	return nil
}

// recurringRetry is the wait before the try that follows attempt n of a rule's charge.
func (u *unitOfWork) recurringRetry(c *Charge, n int) (wait time.Duration, again bool, err error) {
	_, r, err := u.ruleOf(c)
	if err != nil {
		return 0, false, err
	}
	plan := r.Period.retries()
	if r.State != RuleActive || n > len(plan) {
		return 0, false, nil
	}
	return plan[n-1], true, nil
}

// ruleStillWanted is the last look at an execution whose rule goes on: its card is still
// the one that would be chosen.
func (u *unitOfWork) ruleStillWanted(j *Judged, c *Charge) (string, error) {
	_, r, err := u.ruleOf(c)
	if err != nil {
		return "", err
	}
	return u.cardStillNamed(j.Owner.ID, r.Card, c.Card)
}

// ruleOf is the execution that a charge pays for, and its rule.
func (u *unitOfWork) ruleOf(c *Charge) (t BalanceTopup, r TopupRule, err error) {
	if t, err = u.tx.BalanceTopupByCharge(c.ID); err == nil {
		r, err = u.tx.TopupRule(t.Rule)
	}
	return t, r, err
}
