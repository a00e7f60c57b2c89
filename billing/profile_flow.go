package billing

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// topupTerms reads a customer's terms; of one of whom nothing was told, empty ones.
func (u *unitOfWork) topupTerms(o *Owner) (TopupTerms, error) { return topupTermsOf(u.tx, o) }

func topupTermsOf(r Reader, o *Owner) (TopupTerms, error) {
	t := TopupTerms{Owner: o.ID, Top: o.Top}
	if o.ID.IsAccount() {
		return t, nil
	}
	stored, err := r.TopupTerms(o.ID)
	switch {
	case errors.Is(err, NotFound):
		return t, nil
	case err != nil:
		return t, err
	}
	return stored, nil
}

// profileFacts loads what the decision depends on, and no more.
func (e *Engine) profileFacts(r Reader, j *Judged, t *TopupTerms, p *Profile, now time.Time) (*ProfileFacts, error) {
	f := &ProfileFacts{
		Now: now, Today: e.businessDate(now), Owner: j.Owner.ID, Top: j.Owner.Top, Unit: j.Owner.Currency,
		Profile: *p, Terms: *t, OpenCharge: j.OpenCharge != 0, Limits: e.set.Limits,
	}
	if f.First() != ReasonCharge {
		return f, nil
	}
	var err error
	if f.Standing, err = e.standing(r, &j.Owner, now); err != nil {
		return nil, err
	}
	if !e.set.StackExpected {
		if f.OpenExpected, err = r.OpenExpected(j.Owner.ID); err != nil {
			return nil, err
		}
	}
	if f.Last, err = r.LastExpected(j.Owner.ID); err != nil {
		return nil, err
	}
	amount, reason := f.Amount()
	if held, _ := f.waits(); held != ReasonCharge || reason != ReasonCharge || !f.WantsCard() {
		return f, nil
	}
	f.Tax, f.Fee = e.levies.Levy(j.Owner.ID, Money(amount, j.Owner.Currency))
	if f.Card, err = e.collectable(r, j.Owner.ID, now); err != nil {
		return nil, err
	}
	if f.Card, err = e.takes(r, f.Card, j, amount, f.Tax, f.Fee, now); err != nil {
		return nil, err
	}
	if f.Mandate, err = mandateOf(r, j.Owner.ID, PurposeProfile); err != nil {
		return nil, err
	}
	f.History, err = r.AutomaticSince(j.Owner.ID, e.set.Limits.since(now))
	return f, err
}

// businessDate is the calendar day in the instance's zone.
func (e *Engine) businessDate(now time.Time) string { return now.In(e.zone()).Format(time.DateOnly) }

// collectable is the owner's first usable card that may be collected automatically, by
// priority; without one, why the first is not.
func (e *Engine) collectable(r Reader, o OwnerID, now time.Time) (CardChoice, error) {
	cards, err := r.CardsOf(o)
	if err != nil {
		return CardChoice{}, err
	}
	cards = slices.DeleteFunc(cards, func(c Card) bool { return !c.AutoCollect || c.State == CardDeleted })
	slices.SortStableFunc(cards, func(a, b Card) int { return cmp.Compare(a.Priority, b.Priority) })
	best := CardChoice{Reason: ReasonNoCard}
	for i := range cards {
		choice := e.usable(cards[i], now)
		if choice.Reason == ReasonCharge {
			return choice, nil
		}
		if i == 0 {
			best = choice
		}
	}
	return best, nil
}

// topUp decides about one linked customer and carries it out.
func (u *unitOfWork) topUp(o OwnerID) (Decision, error) {
	none := Decision{Owner: o, At: u.now, Trigger: TriggerProfiles, Purpose: PurposeProfile, Run: u.run, Reason: ReasonProfileOff}
	j, err := judgedOf(u.tx, o)
	if err != nil {
		return none, err
	}
	t, err := u.topupTerms(&j.Owner)
	if err != nil || t.Profile == 0 {
		return none, err
	}
	p, err := u.tx.Profile(t.Profile)
	if err != nil {
		return none, err
	}
	f, err := u.e.profileFacts(u.tx, &j, &t, &p, u.now)
	if err != nil {
		return none, err
	}
	d := DecideProfile(f)
	d.Run, d.Actor = u.run, u.actor.Name()
	return d, u.applyTopup(&j, &d)
}

// applyTopup makes the charge, the expected payment and the letter that were decided,
// all in this transaction.
func (u *unitOfWork) applyTopup(j *Judged, d *Decision) error {
	t := d.Topup
	if t.Amount == 0 {
		if !d.Reason.AskedAbout() {
			return nil
		}
		return u.keep(d)
	}
	ep := ExpectedPayment{
		Owner: d.Owner, Top: d.Top, Type: ExpectedTopup, Profile: t.Profile, Date: t.Date, Run: u.run, Amount: t.Amount, Unit: d.Unit,
		Method: t.Method, Reason: t.NotCollected, Revision: 1, CreatedAt: u.now, UpdatedAt: u.now,
	}
	if d.Charge != nil {
		c, err := u.createCharge(j, d, causeOf("profile", int64(d.Owner), int64(t.Profile))+":"+t.Date, "")
		if err != nil {
			return err
		}
		d.Made, ep.Charge, ep.Card = c.ID, c.ID, c.Card
	}
	if err := u.tx.CreateExpectedPayment(&ep); err != nil {
		return err
	}
	// Money does not wait for a letter that cannot be written.
	if err := u.tx.Part(func() error { return u.letter(j, &ep, t.Letter, d.Charge) }); err != nil {
		u.tell(func(o Observer) { o.Failed("a top-up's letter could not be written", err) })
	}
	return u.keep(d)
}

// letter writes the correspondence of a top-up and queues it as a mail.
func (u *unitOfWork) letter(j *Judged, ep *ExpectedPayment, kind LetterTypeID, plan *ChargePlan) error {
	if kind == 0 {
		return nil
	}
	name, err := u.tx.LetterType(kind)
	if err != nil {
		return err
	}
	facts := noticeFacts{Expected: ep, Letter: name.Name}
	if plan != nil {
		facts.Card = &plan.Card
	}
	n, err := u.queue(j, NoticeTopup, causeOf("topup", int64(ep.ID)), facts)
	if err != nil || n == 0 {
		return err
	}
	return u.tx.CreateLetter(&Letter{Owner: ep.Owner, Top: ep.Top, Type: kind, Expected: ep.ID, Notice: n, CreatedAt: u.now})
}

// expectedPaid follows a settled payment: what was expected is fulfilled, and the debts
// go down with it, in the transaction that credits.
func (u *unitOfWork) expectedPaid(c *Charge) error {
	ep, err := u.tx.ExpectedByCharge(c.ID)
	if err != nil {
		return err
	}
	if ep.FulfilledAt.IsZero() { // else somebody said that another payment fulfilled it
		ep.Payment, ep.FulfilledAt = ChargePayment(c.ID), u.now
		if err := u.changeExpected(&ep); err != nil {
			return err
		}
	}
	owner, err := u.tx.Owner(c.Owner)
	if err != nil {
		return err
	}
	t, err := u.topupTerms(&owner)
	if err != nil {
		return err
	}
	t.settled(c.Credit)
	t.UpdatedAt = u.now
	return u.tx.PutTopupTerms(&t)
}

func (u *unitOfWork) changeExpected(ep *ExpectedPayment) error {
	ep.Revision++
	ep.UpdatedAt = u.now
	return u.tx.SetExpectedPayment(ep)
}

// expectedCancelled follows a charge that the last look cancelled: when its need is gone
// the payment is not expected any more, else it stays open and is paid in another way.
func (u *unitOfWork) expectedCancelled(c *Charge, why Reason) error {
	ep, err := u.tx.ExpectedByCharge(c.ID)
	if err != nil || !ep.DeletedAt.IsZero() {
		return err
	}
	ep.Reason = why
	switch why {
	case ReasonNotLow, ReasonOff, ReasonProfileOff, ReasonOtherCustomer, ReasonNoLimit,
		ReasonBlocked, ReasonCustomerBlock, ReasonHeld:
		ep.DeletedAt = u.now // a run would not have made it
	}
	return u.changeExpected(&ep)
}

// suspendTopup keeps the customer's card from being charged by its profile, or ends that.
func (u *unitOfWork) suspendTopup(o OwnerID, why Suspension) error {
	if o.IsAccount() {
		return nil
	}
	t, err := u.tx.TopupTerms(o)
	if errors.Is(err, NotFound) || err == nil && t.Suspended == why {
		return nil
	}
	if err != nil {
		return err
	}
	info := newAudit().change("suspended", string(t.Suspended), string(why))
	t.Suspended = why
	if err := u.tx.PutTopupTerms(&t); err != nil {
		return err
	}
	return u.audit(AuditUpdate, t.Top, auditOwner("owner_topup", o), info)
}

// topupStillWanted is the last look: linked, switched on, the debt still above the
// threshold, and nobody paid or withdrew what was expected.
func (u *unitOfWork) topupStillWanted(j *Judged, c *Charge) (string, error) {
	ep, err := u.tx.ExpectedByCharge(c.ID)
	if err != nil {
		return "", err
	}
	switch {
	case !ep.DeletedAt.IsZero():
		return "withdrawn", nil
	case !ep.FulfilledAt.IsZero():
		return "paid_meanwhile", nil
	}
	t, err := u.topupTerms(&j.Owner)
	if err != nil {
		return "", err
	}
	if t.Profile != ep.Profile {
		return string(ReasonProfileOff), nil
	}
	p, err := u.tx.Profile(t.Profile)
	if err != nil {
		return "", err
	}
	f := ProfileFacts{Owner: j.Owner.ID, Profile: p, Terms: t}
	if r := f.First(); r != ReasonCharge {
		return string(r), nil
	}
	if !f.WantsCard() {
		return string(ReasonOff), nil
	}
	choice, err := u.e.collectable(u.tx, j.Owner.ID, u.now)
	switch {
	case err != nil:
		return "", err
	case choice.Reason != ReasonCharge:
		return string(choice.Reason), nil
	case choice.Card.ID != c.Card:
		return "card_changed", nil
	}
	return "", nil
}
