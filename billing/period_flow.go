package billing

import (
	"errors"
	"time"
)

// billAccount gives an account the periods that are due and starts the
// current one. (account, period) is the key, so a night that ran half, or
// twice, continues where it stopped.
func (u *unitOfWork) billAccount(ap AccountPlan) (Decision, error) {
	j, err := judgedOf(u.tx, ap.Owner)
	if err != nil {
		return Decision{}, err
	}
	d := Decision{Owner: ap.Owner, Top: ap.Top, At: u.now, Trigger: TriggerBilling, Purpose: PurposeBillingRun, Unit: j.Owner.Currency, Run: u.run}
	standing, err := u.e.standing(u.tx, &j.Owner, u.now)
	if err != nil {
		return d, err
	}
	if standing.Held {
		d.Reason = ReasonHeld
		return d, nil
	}
	plan, err := u.tx.Plan(ap.Plan)
	if err != nil {
		return d, err
	}
	loc := u.e.zone(ap.TimeZone, j.Owner.TimeZone)
	due := DuePeriods(ap.NextAt, u.now, plan.Cycle, ap.AnchorDay, loc)
	if len(due) == 0 {
		d.Reason = ReasonNotLow
		return d, nil
	}
	last := due[len(due)-1]
	ap.NextAt = NextPeriod(last, plan.Cycle, ap.AnchorDay, loc)
	if err := u.tx.PutAccountPlan(&ap); err != nil {
		return d, err
	}
	for i, start := range due {
		p := newPeriod(&j, &plan, start, loc, u)
		err := u.tx.CreatePeriod(&p)
		if errors.Is(err, Exists) {
			d.Reason = ReasonBilled
			continue
		}
		if err != nil {
			return d, err
		}
		if d, err = u.openPeriod(&j, p, i == len(due)-1); err != nil {
			return d, err
		}
	}
	return d, nil
}

func newPeriod(j *Judged, plan *Plan, start time.Time, loc *time.Location, u *unitOfWork) Period {
	return Period{
		Owner: j.Owner.ID, Top: j.Owner.Top, Date: PeriodDate(start, loc), Plan: plan.ID, Price: plan.Price,
		Unit: plan.Currency, Prepaid: plan.Prepaid, OnFailure: plan.OnFailure, State: PeriodDue,
		Run: u.run, StartAt: start, CreatedAt: u.now,
	}
}

// openPeriod starts a new period: of several missed ones only the current is
// billed, unless the setting says otherwise; the card is taken for the current
// one only.
func (u *unitOfWork) openPeriod(j *Judged, p Period, current bool) (Decision, error) {
	missed := u.e.set.MissedPeriods
	late := u.now.Sub(p.StartAt) >= 24*time.Hour
	switch {
	case missed == MissedNone && late, !current && missed != MissedAll:
		p.State, p.Reason, p.SettledAt = PeriodSkipped, string(ReasonMissedPeriod), u.now
		d := Decision{
			Owner: p.Owner, Top: p.Top, At: u.now, Trigger: TriggerBilling, Purpose: PurposeBillingRun,
			Unit: p.Unit, Run: u.run, Reason: ReasonMissedPeriod, Detail: p.Date,
		}
		if err := u.tx.SetPeriod(&p); err != nil {
			return d, err
		}
		return d, u.keep(&d)
	case !current:
		return u.pricePeriod(j, &p)
	default:
		return u.startPeriod(j, &p)
	}
}

// startPeriod makes the period's card charge if one is asked for and possible;
// otherwise it goes on to the price.
func (u *unitOfWork) startPeriod(j *Judged, p *Period) (Decision, error) {
	f, err := u.billingFacts(j, p)
	if err != nil {
		return Decision{}, err
	}
	d := DecideBillingCharge(f)
	d.Run, d.Actor = u.run, u.actor.Name()
	switch {
	case d.Charge != nil:
		c, err := u.createCharge(j, &d, periodCause("billing", p), p.Date)
		if errors.Is(err, Exists) && ErrorField(err) == "cause" {
			return u.pricePeriod(j, p) // the card was taken for this period before
		}
		if err != nil {
			return d, err
		}
		d.Made = c.ID
		p.State, p.Charge = PeriodCharging, c.ID
		if err := u.tx.SetPeriod(p); err != nil {
			return d, err
		}
		return d, u.keep(&d)
	case d.Reason == ReasonOpenCharge:
		// It waits: settling the open charge starts it, and each run looks again.
		p.Reason = string(d.Reason)
		if err := u.tx.SetPeriod(p); err != nil {
			return d, err
		}
		j.OpenPeriods = true
		return d, u.keep(&d)
	}
	if d.Reason.AskedAbout() {
		if err := u.keep(&d); err != nil {
			return d, err
		}
	}
	skipped := d
	d, err = u.pricePeriod(j, p)
	if skipped.Reason.AskedAbout() {
		// Why the card was not taken says more than that the price was posted.
		d.Reason, d.Detail = skipped.Reason, skipped.Detail
	}
	return d, err
}

func (u *unitOfWork) billingFacts(j *Judged, p *Period) (*BillingFacts, error) {
	f := &BillingFacts{
		Now: u.now, Owner: j.Owner.ID, Top: j.Owner.Top, Unit: j.Owner.Currency, Available: j.Available(),
		Period: *p, Policy: j.Policy, OpenCharge: j.OpenCharge != 0, Limits: u.e.set.Limits,
	}
	if !j.Policy.BRChargeCard {
		return f, nil
	}
	if cur, ok := LookupCurrency(string(j.Owner.Currency)); ok && f.Policy.BRChargeAmount == nil {
		// A computed amount rounds up to whole minor units (DESIGN section 3).
		up, err := cur.RoundUp(p.Price)
		if err != nil {
			return nil, err
		}
		f.Policy.BRChargeAmount = &up
	}
	var err error
	if f.Standing, err = u.e.standing(u.tx, &j.Owner, u.now); err != nil {
		return nil, err
	}
	f.Tax, f.Fee = u.e.levies.Levy(j.Owner.ID, Money(f.Amount(), j.Owner.Currency))
	if f.Card, err = u.e.chooseCard(u.tx, j.Owner.ID, j.Policy.BRCard, u.now); err != nil {
		return nil, err
	}
	if f.Card, err = u.e.takes(u.tx, f.Card, j, f.Amount(), f.Tax, f.Fee, u.now); err != nil {
		return nil, err
	}
	if f.Mandate, err = mandateOf(u.tx, j.Owner.ID, PurposeBillingRun); err != nil {
		return nil, err
	}
	f.History, err = u.tx.AutomaticSince(j.Owner.ID, u.e.set.Limits.since(u.now))
	return f, err
}

func periodCause(kind string, p *Period) string {
	return causeOf(kind, int64(p.Owner)) + ":" + p.Date
}

// pricePeriod posts the plan's price, or lets the plan's on_failure decide.
func (u *unitOfWork) pricePeriod(j *Judged, p *Period) (Decision, error) {
	d := Decision{
		Owner: p.Owner, Top: p.Top, At: u.now, Trigger: TriggerBilling, Purpose: PurposeBillingRun,
		Available: j.Available(), Unit: p.Unit, Run: u.run, Actor: u.actor.Name(), Detail: p.Date,
	}
	answer := DecidePrice(*p, j.Available())
	if answer == PricePost {
		d.Reason = ReasonPosted
		if err := u.postPrice(j, p); err != nil {
			return d, err
		}
		return d, u.keep(&d)
	}
	first := p.State != PeriodUnpaid
	p.State, p.Reason = PeriodUnpaid, string(ReasonNotCovered)
	if err := u.tx.SetPeriod(p); err != nil {
		return d, err
	}
	j.OpenPeriods = true
	d.Reason = ReasonNotCovered
	if !first {
		return d, nil
	}
	if err := u.notCovered(j, p, answer); err != nil {
		return d, err
	}
	return d, u.keep(&d)
}

func (u *unitOfWork) notCovered(j *Judged, p *Period, answer PriceAnswer) error {
	if answer == PriceSuspendPlan {
		return u.suspendPlan(p.Owner, true)
	}
	if p.Charge != 0 {
		// Its own charge paid an older period: who pays is not blocked.
		c, err := u.tx.Charge(p.Charge)
		if err != nil || c.State == ChargeSucceeded {
			return err
		}
	}
	if j.Owner.Blocked&BlockBilling == 0 {
		if err := u.setBlocked(&j.Owner, j.Owner.Blocked|BlockBilling); err != nil {
			return err
		}
	}
	return u.notice(j, NoticeBlocked, periodCause("blocked", p), noticeFacts{Period: p})
}

func (u *unitOfWork) suspendPlan(o OwnerID, suspended bool) error {
	ap, err := u.tx.AccountPlan(o)
	if err != nil || ap.Suspended == suspended {
		return err
	}
	ap.Suspended = suspended
	if err := u.tx.PutAccountPlan(&ap); err != nil {
		return err
	}
	return u.audit(AuditUpdate, ap.Top, auditOwner("accounts", o), newAudit().flag("billing_plan_suspended", !suspended, suspended))
}

// postPrice books the service charge, and judges: a plan price is usage.
func (u *unitOfWork) postPrice(j *Judged, p *Period) error {
	if p.Price != 0 {
		post := Posting{
			Top: p.Top, Kind: PostServiceCharge, Cause: periodCause("service_charge", p), Notes: "Plan period " + p.Date,
			Actor: u.actor.Name(), BookedAt: u.real, EffectiveAt: u.now,
			Entries: []Entry{
				{Owner: p.Owner, Unit: p.Unit, Micros: -p.Price},
				{Account: AccountRevenue, Unit: p.Unit, Micros: p.Price},
			},
		}
		if err := u.post(&post); err != nil {
			return err
		}
		p.Posting = post.ID
		j.Bucket.Balance -= p.Price
	}
	p.State, p.Reason, p.SettledAt = PeriodPosted, "", u.now
	if err := u.tx.SetPeriod(p); err != nil {
		return err
	}
	_, err := u.judge(j, TriggerUsage)
	return err
}

// payOpenPeriods tries again to post what was not covered, oldest first: each
// later credit does. It reports whether a price was posted.
func (u *unitOfWork) payOpenPeriods(j *Judged) (paid bool, err error) {
	if !j.OpenPeriods {
		return false, nil
	}
	open, err := u.tx.OpenPeriods(j.Owner.ID)
	if err != nil {
		return false, err
	}
	left := len(open)
	for i := range open {
		p := &open[i]
		if p.State != PeriodUnpaid {
			continue
		}
		if DecidePrice(*p, j.Available()) != PricePost {
			break
		}
		if err := u.postPrice(j, p); err != nil {
			return paid, err
		}
		paid = true
		left--
	}
	j.OpenPeriods = left > 0
	if !paid || left > 0 {
		return paid, nil
	}
	if err := u.suspendPlan(j.Owner.ID, false); err != nil {
		return paid, err
	}
	return paid, u.unblock(j)
}

// unblock lifts a block for billing.
func (u *unitOfWork) unblock(j *Judged) error {
	if j.Owner.Blocked&BlockBilling == 0 {
		return nil
	}
	if err := u.setBlocked(&j.Owner, j.Owner.Blocked&^BlockBilling); err != nil {
		return err
	}
	return u.notice(j, NoticeUnblocked, causeOf("unblocked", int64(j.Owner.ID), u.now.UnixMicro()), noticeFacts{})
}

// priceAfterCharge goes on to the price once the period's charge has its first
// definite answer, or was cancelled.
func (u *unitOfWork) priceAfterCharge(j *Judged, c *Charge) error {
	p, err := u.tx.Period(c.Owner, c.Period)
	if err != nil || p.State != PeriodCharging {
		return err
	}
	_, err = u.pricePeriod(j, &p)
	return err
}

// startWaitingPeriods starts the periods that waited for another open charge.
func (u *unitOfWork) startWaitingPeriods(j *Judged) error {
	if !j.OpenPeriods || j.OpenCharge != 0 {
		return nil
	}
	open, err := u.tx.OpenPeriods(j.Owner.ID)
	if err != nil {
		return err
	}
	_, err = u.startDue(j, open)
	return err
}

// startDue starts the newest period that waits, with its card charge; the older
// ones go on to their price: the card is taken once, not for each of them.
func (u *unitOfWork) startDue(j *Judged, open []Period) (d Decision, err error) {
	var due []*Period
	for i := range open {
		if open[i].State == PeriodDue {
			due = append(due, &open[i])
		}
	}
	for i, p := range due {
		if j.OpenCharge != 0 {
			return d, nil
		}
		if i < len(due)-1 {
			d, err = u.pricePeriod(j, p)
		} else {
			d, err = u.startPeriod(j, p)
		}
		if err != nil {
			return d, err
		}
	}
	return d, nil
}

// zone is the first named zone that exists, else the setting's.
func (e *Engine) zone(names ...string) *time.Location {
	for _, n := range names {
		if n == "" {
			continue
		}
		if loc, err := time.LoadLocation(n); err == nil {
			return loc
		}
	}
	return e.set.Location
}
