package billing

import (
	"context"
	"errors"
)

// GetLowBalance is the policy of an owner in the actor's scope; one that was
// never configured is NewLowBalance. Errors: NotFound.
func (e *Engine) GetLowBalance(ctx context.Context, o OwnerID) (LowBalance, error) {
	var p LowBalance
	err := e.view(ctx, func(r Reader) error {
		j, err := r.OwnerPolicy(o)
		if err == nil && !ActorFrom(ctx).Sees(&j.Owner) {
			err = NotFound
		}
		if err != nil {
			return wrongOwner(o, err)
		}
		p = j.Policy
		if !j.Configured {
			p = NewLowBalance(o)
		}
		return nil
	})
	return p, err
}

// wrongOwner gives an unknown owner and one out of scope the same answer.
func wrongOwner(o OwnerID, err error) error {
	if errors.Is(err, NotFound) {
		return Errorf(NotFound, o.Field(), "there is no %s in your scope", o)
	}
	return err
}

// SetLowBalanceParams changes a policy; what is not given stays.
type SetLowBalanceParams struct {
	Owner OwnerID
	// Threshold, millionths of the owner's currency; null switches off.
	Threshold     Change[int64]
	NotifyByEmail Change[bool]
	ChargeCard    Change[bool]
	ChargeAmount  Change[int64] // >= 0, whole minor units
	// Card null is the owner's primary card.
	Card Change[CardID]
	// The billing run's three are ignored for customers.
	BRChargeCard   Change[bool]
	BRChargeAmount Change[int64] // null is the plan's price
	BRCard         Change[CardID]
	// RetryCount (0 to MaxReminders) and RetryInterval (hours, >= 1; null is
	// the default) are the notification_retry_* of newer switches.
	RetryCount    Change[int64]
	RetryInterval Change[int64]
	// imported: a card that was deleted may be named, as the export says it was.
	imported bool
}

// MaxReminders bounds notification_retry_count, MaxReminderHours the interval.
const (
	MaxReminders     = 100
	MaxReminderHours = 24 * 366
)

// MaxCharge bounds a charge amount: a billion units, in millionths.
const MaxCharge = 1_000_000_000 * Micro

// empty reports whether no field was given.
func (p *SetLowBalanceParams) empty() bool {
	return !(p.Threshold.Given || p.NotifyByEmail.Given || p.ChargeCard.Given || p.ChargeAmount.Given ||
		p.Card.Given || p.BRChargeCard.Given || p.BRChargeAmount.Given || p.BRCard.Given ||
		p.RetryCount.Given || p.RetryInterval.Given)
}

// SetLowBalance changes a policy and judges the owner in the same transaction.
// A refused call changes nothing. Errors: Missing, Invalid, NotFound.
func (e *Engine) SetLowBalance(ctx context.Context, p SetLowBalanceParams) error {
	if p.empty() {
		return Errorf(Missing, "threshold", "give at least one field to change")
	}
	return e.updateOwners(ctx, []OwnerID{p.Owner}, func(u *unitOfWork) error {
		j, err := u.judged(p.Owner)
		if err != nil {
			return err
		}
		before := j.Policy
		if err := u.setLowBalance(&j, p, MandateAsserted, true); err != nil {
			return err
		}
		return u.audit(AuditUpdate, j.Owner.Top, auditOwner("low_balance", p.Owner), policyChanges(&before, &j.Policy))
	})
}

// policyChanges are the terms that a save changed; what the judgement made of the
// state is in the decision history. A suspension that the save ended is told.
func policyChanges(from, to *LowBalance) *auditInfo {
	i := newAudit()
	i.money("threshold", from.Threshold, to.Threshold)
	i.flag("notify_by_email", from.NotifyByEmail, to.NotifyByEmail)
	i.flag("charge_card", from.ChargeCard, to.ChargeCard)
	i.money("charge_amount", &from.ChargeAmount, &to.ChargeAmount)
	auditNumber(i, "i_debit_credit_card", from.Card, to.Card)
	i.flag("br_charge_card", from.BRChargeCard, to.BRChargeCard)
	i.money("br_charge_amount", from.BRChargeAmount, to.BRChargeAmount)
	auditNumber(i, "br_i_debit_credit_card", from.BRCard, to.BRCard)
	var was, is NotificationRetry
	if from.Retry != nil {
		was = *from.Retry
	}
	if to.Retry != nil {
		is = *to.Retry
	}
	auditNumber(i, "notification_retry_count", &was.Count, &is.Count)
	auditNumber(i, "notification_retry_interval", was.Interval, is.Interval)
	if i.empty() {
		return i
	}
	i.change("suspended", string(from.State.Suspended), string(to.State.Suspended))
	return i.change("br_suspended", string(from.State.BRSuspended), string(to.State.BRSuspended))
}

// setLowBalance is SetLowBalance inside a transaction; import saves without judging.
func (u *unitOfWork) setLowBalance(j *Judged, p SetLowBalanceParams, consent string, judge bool) error {
	before := j.Policy
	if err := u.applyChanges(j, p); err != nil {
		return err
	}
	liftSuspension(&before, &j.Policy)
	if err := u.mandates(j, &before, consent); err != nil {
		return err
	}
	if !judge {
		u.leaveToSweep(j)
		return u.putPolicy(j, &before)
	}
	d, err := u.decideLowBalance(j, TriggerSave)
	if err != nil {
		return err
	}
	j.Policy.State = d.State
	if err := u.putPolicy(j, &before); err != nil {
		return err
	}
	return u.apply(j, &d, before.State)
}

// putPolicy stores a policy that was saved; what panels do most changes no index.
func (u *unitOfWork) putPolicy(j *Judged, before *LowBalance) error {
	if j.Configured && j.Policy.State == before.State {
		return u.tx.PutLowBalanceTerms(&j.Policy)
	}
	return u.tx.PutLowBalance(&j.Policy)
}

// leaveToSweep lets the next sweep decide about an owner that is low; one that
// is not needs no sweep.
func (u *unitOfWork) leaveToSweep(j *Judged) {
	f := LowBalanceFacts{Now: u.now, Policy: j.Policy, Available: j.Available()}
	switch {
	case !f.Low():
		j.Policy.State = DecideLowBalance(&f).State
	case j.Policy.Active():
		j.Policy.State.JudgeAt = u.now
	default:
		j.Policy.State.JudgeAt = zeroTime
	}
}

func (u *unitOfWork) applyChanges(j *Judged, p SetLowBalanceParams) (err error) {
	lb := &j.Policy
	if p.Threshold.Given {
		lb.Threshold = p.Threshold.Value
	}
	if err := setFlag(&lb.NotifyByEmail, p.NotifyByEmail, "notify_by_email"); err != nil {
		return err
	}
	if err := setFlag(&lb.ChargeCard, p.ChargeCard, "charge_card"); err != nil {
		return err
	}
	if p.ChargeAmount.Given {
		if lb.ChargeAmount, err = chargeable(p.ChargeAmount, j.Owner.Currency, "charge_amount"); err != nil {
			return err
		}
	}
	if lb.Card, err = u.ownCard(&p, lb.Card, p.Card, "i_debit_credit_card"); err != nil {
		return err
	}
	if j.Owner.ID.IsAccount() {
		if err := u.applyBillingChanges(j, p); err != nil {
			return err
		}
	}
	return applyRetry(lb, p)
}

func (u *unitOfWork) applyBillingChanges(j *Judged, p SetLowBalanceParams) (err error) {
	lb := &j.Policy
	if err := setFlag(&lb.BRChargeCard, p.BRChargeCard, "br_charge_card"); err != nil {
		return err
	}
	if p.BRChargeAmount.Given {
		lb.BRChargeAmount = nil
		if p.BRChargeAmount.Value != nil {
			v, err := chargeable(p.BRChargeAmount, j.Owner.Currency, "br_charge_amount")
			if err != nil {
				return err
			}
			lb.BRChargeAmount = &v
		}
	}
	lb.BRCard, err = u.ownCard(&p, lb.BRCard, p.BRCard, "br_i_debit_credit_card")
	return err
}

func applyRetry(lb *LowBalance, p SetLowBalanceParams) error {
	if !p.RetryCount.Given && !p.RetryInterval.Given {
		return nil
	}
	retry := NotificationRetry{}
	if lb.Retry != nil {
		retry = *lb.Retry
	}
	if p.RetryCount.Given {
		n, err := p.RetryCount.required("notification_retry_count")
		if err != nil || n < 0 || n > MaxReminders {
			return Errorf(Invalid, "notification_retry_count", "0 to %d reminders", MaxReminders)
		}
		retry.Count = n
	}
	if p.RetryInterval.Given {
		if h := p.RetryInterval.Value; h != nil && (*h < 1 || *h > MaxReminderHours) {
			return Errorf(Invalid, "notification_retry_interval", "1 to %d hours, or null", MaxReminderHours)
		}
		retry.Interval = p.RetryInterval.Value
	}
	lb.Retry = &retry
	return nil
}

func setFlag(dst *bool, c Change[bool], field string) (err error) {
	if c.Given {
		*dst, err = c.required(field)
	}
	return err
}

// chargeable checks an amount that a card will be charged: not negative, whole
// minor units of the currency (DESIGN section 3).
func chargeable(c Change[int64], unit Unit, field string) (int64, error) {
	v, err := c.required(field)
	if err != nil {
		return 0, err
	}
	if v < 0 || v > MaxCharge {
		return 0, Errorf(Invalid, field, "%s is 0 to %s", field, FormatMicros(MaxCharge))
	}
	if cur, ok := LookupCurrency(string(unit)); ok && !cur.Whole(v) {
		return 0, Errorf(Invalid, field, "%s has at most %d decimals in %s", field, cur.Digits, unit)
	}
	return v, nil
}

// ownCard resolves a change of card: null is the primary card, a number must
// be a card of the owner that was not deleted. The one that is named already is
// no change, deleted or not: panels send the whole form back.
func (u *unitOfWork) ownCard(p *SetLowBalanceParams, old *CardID, c Change[CardID], field string) (*CardID, error) {
	if !c.Given || sameCard(old, c.Value) {
		return old, nil
	}
	if c.Value == nil {
		return nil, nil
	}
	o := p.Owner
	card, err := u.tx.Card(*c.Value)
	if errors.Is(err, NotFound) || (err == nil && (card.Owner != o || card.State == CardDeleted && !p.imported)) {
		return nil, Errorf(NotFound, field, "%s has no card %d", o, *c.Value)
	}
	return c.Value, err
}

// liftSuspension ends a suspension when what failed was changed: the amount,
// the card, or charge_card switched on again. Saving the same form again is no
// change (DESIGN section 5).
func liftSuspension(before, after *LowBalance) {
	if after.ChargeAmount != before.ChargeAmount || !sameCard(before.Card, after.Card) ||
		(after.ChargeCard && !before.ChargeCard) {
		after.State.Suspended = ""
	}
	if !equal(before.BRChargeAmount, after.BRChargeAmount) || !sameCard(before.BRCard, after.BRCard) ||
		(after.BRChargeCard && !before.BRChargeCard) {
		after.State.BRSuspended = ""
	}
}

func sameCard(a, b *CardID) bool { return equal(a, b) }

func equal[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// mandates records the consent that a saved policy asserts, or its end.
func (u *unitOfWork) mandates(j *Judged, before *LowBalance, consent string) error {
	after := &j.Policy
	err := u.mandate(j, PurposeLowBalance, consent, mandateTerms{after.ChargeCard && after.ChargeAmount > 0, after.Card, &after.ChargeAmount},
		mandateTerms{before.ChargeCard && before.ChargeAmount > 0, before.Card, &before.ChargeAmount})
	if err != nil || !j.Owner.ID.IsAccount() {
		return err
	}
	return u.mandate(j, PurposeBillingRun, consent, mandateTerms{after.BRChargeCard, after.BRCard, after.BRChargeAmount},
		mandateTerms{before.BRChargeCard, before.BRCard, before.BRChargeAmount})
}

type mandateTerms struct {
	on     bool
	card   *CardID
	amount *int64
}

func (u *unitOfWork) mandate(j *Judged, p Purpose, consent string, after, before mandateTerms) error {
	switch {
	case !after.on && !before.on:
		return nil
	case !after.on:
		return u.tx.RevokeMandates(j.Owner.ID, p, u.now)
	case before.on && sameCard(before.card, after.card) && equal(before.amount, after.amount):
		return nil
	}
	m := Mandate{
		Owner: j.Owner.ID, Top: j.Owner.Top, Purpose: p, Text: consent, At: u.now,
		Actor: u.actor.Name(), Address: u.actor.Address,
	}
	if after.card != nil {
		m.Card = *after.card
	}
	if after.amount != nil {
		m.Amount = *after.amount
	}
	return u.tx.PutMandate(&m)
}
