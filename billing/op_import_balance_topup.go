package billing

import (
	"errors"
	"time"
)

// ServiceLine is a service to import; all members are needed for a new one.
type ServiceLine struct {
	ID    ServiceID
	Owner OwnerID
	Class Change[string]
}

// maxClass bounds the class of a service.
const maxClass = 200

// Service puts one service.
func (im *Importer) Service(l ServiceLine) (err error) {
	defer counted(&im.done.services, &err)
	if l.ID < 1 {
		return Errorf(Invalid, "id", "ids are above 0")
	}
	s, err := im.u.tx.Service(l.ID)
	if err != nil && !errors.Is(err, NotFound) {
		return err
	}
	if err != nil && !l.Class.Given {
		return Errorf(Missing, "class", "class is missing")
	}
	o, err := im.u.owner(l.Owner)
	if err != nil {
		return wrongOwner(l.Owner, err)
	}
	s.ID, s.Owner, s.Top = l.ID, o.ID, o.Top
	set(&s.Class, l.Class)
	if len(s.Class) < 2 || len(s.Class) > maxClass || s.Class[0] != '/' {
		return Errorf(Invalid, "class", "a path such as /service/telco/gsm/sms")
	}
	return im.u.tx.PutService(&s)
}

// TopupRuleLine is a recurring top-up to import; Owner, Amount, Currency and Period are
// needed for a new one. Owner, Amount, Currency, Card, Period and Anchor never change.
type TopupRuleLine struct {
	ID       TopupID
	Owner    OwnerID
	Amount   Change[int64]
	Currency Change[string]
	Card     Change[CardID] // null, the default, is the primary one
	Period   Change[string]
	Periods  Change[int64] // null is no end
	Done     Change[int64]
	Anchor   Change[time.Time] // now by default
	Status   Change[string]    // active (default), finished, cancelled, failed
	// Next is the number of the next period, Done by default.
	Next      Change[int64]
	Failures  Change[int64]
	Suspended Change[string]
}

// TopupRule puts one recurring top-up, with the top-up that stands for it. It charges
// nothing: the next run does.
func (im *Importer) TopupRule(l TopupRuleLine) (err error) {
	defer counted(&im.done.rules, &err)
	if l.ID < 1 {
		return Errorf(Invalid, "id", "ids are above 0")
	}
	u := im.u
	o, err := u.owner(l.Owner)
	if err != nil {
		return wrongOwner(l.Owner, err)
	}
	was, err := u.tx.TopupRule(l.ID)
	isNew := errors.Is(err, NotFound)
	if err != nil && !isNew {
		return err
	}
	r, executed := was, int64(0)
	if isNew {
		r, err = im.newRule(&o, &l)
	} else {
		executed, err = im.executed(l.ID)
	}
	if err != nil {
		return err
	}
	if err := r.put(&l, &o, executed); err != nil {
		return err
	}
	if r.State == RuleActive && (isNew || r.Next != was.Next || r.NextAt.IsZero()) {
		r.plan(r.Next, u.e.zone(o.TimeZone))
	}
	if !isNew {
		if err := u.setRule(&r); errors.Is(err, Conflict) {
			return Errorf(Conflict, "status", "recurring top-up %d has ended and does not start again", l.ID)
		} else if err != nil {
			return err
		}
	} else if err := im.createRule(&r); err != nil {
		return err
	}
	if r.State != RuleActive {
		return nil
	}
	_, err = u.tx.ActiveMandate(r.Owner, PurposeRecurring)
	if errors.Is(err, NotFound) {
		return u.recurringMandate(&r, mandateImported)
	}
	return err
}

func (im *Importer) newRule(o *Owner, l *TopupRuleLine) (r TopupRule, err error) {
	for name, given := range map[string]bool{"amount": l.Amount.Given, "currency": l.Currency.Given, "period": l.Period.Given} {
		if !given {
			return r, Errorf(Missing, name, "%s is missing", name)
		}
	}
	now := im.u.now
	r = TopupRule{ID: l.ID, Owner: o.ID, Top: o.Top, Anchor: now, State: RuleActive, CreatedAt: now, UpdatedAt: now}
	set(&r.Amount, l.Amount)
	if r.Unit, err = parseLine(l.Currency, "currency", parseCurrency); err != nil {
		return r, err
	}
	if r.Period, err = parseLine(l.Period, "period", ParseTopupPeriod); err != nil {
		return r, err
	}
	set(&r.Anchor, l.Anchor)
	r.Anchor = r.Anchor.UTC().Truncate(time.Microsecond)
	switch {
	case r.Unit != o.Currency:
		return r, Errorf(WrongCurrency, "currency", "%s is kept in %s", o.ID, o.Currency)
	case !TopupFits(r.Amount, r.Unit):
		cur, _ := LookupCurrency(string(r.Unit))
		return r, Errorf(Invalid, "amount", "above 0, at most %s, with at most %d decimals", FormatMicros(MaxCharge), cur.Digits)
	}
	if r.Card = l.Card.Value; r.Card == nil {
		return r, nil
	}
	card, err := im.u.tx.Card(*r.Card)
	if errors.Is(err, NotFound) || err == nil && (card.Owner != o.ID || card.State == CardDeleted) {
		return r, Errorf(NotFound, "i_debit_credit_card", "%s has no card %d", o.ID, *r.Card)
	}
	return r, err
}

// TopupFits reports whether a recurring top-up can be of an amount: above 0, at most
// MaxCharge, and whole minor units. Before it had a table of its own it could be of any.
func TopupFits(micros int64, unit Unit) bool {
	cur, known := LookupCurrency(string(unit))
	return known && micros > 0 && micros <= MaxCharge && cur.Whole(micros)
}

// executed is the number of the period after the last one that a rule has an execution of.
func (im *Importer) executed(id TopupID) (int64, error) {
	t, err := im.u.tx.LatestExecution(id)
	if err != nil || t.State == TopupCreated && t.Charge == 0 { // imported, and never executed
		return 0, err
	}
	return t.Period + 1, nil
}

// put takes over what a line may change, and holds it against the rest. A line that is older
// than the rule takes nothing back: what was done stays done, and no period below executed
// comes again.
func (r *TopupRule) put(l *TopupRuleLine, o *Owner, executed int64) (err error) {
	same := r.Owner == o.ID && (!l.Amount.Given || l.Amount.Value != nil && *l.Amount.Value == r.Amount) &&
		(!l.Currency.Given || l.Currency.Value != nil && *l.Currency.Value == string(r.Unit)) &&
		(!l.Period.Given || l.Period.Value != nil && *l.Period.Value == string(r.Period)) &&
		(!l.Anchor.Given || l.Anchor.Value != nil && l.Anchor.Value.UTC().Truncate(time.Microsecond).Equal(r.Anchor)) &&
		(!l.Card.Given || sameCard(l.Card.Value, r.Card))
	if !same {
		return Errorf(Conflict, "id", "recurring top-up %d is another one: owner, amount, currency, card, period and anchor never change", r.ID)
	}
	setOptional(&r.Periods, l.Periods)
	done := r.Done
	set(&r.Done, l.Done)
	if r.Done >= 0 {
		r.Done = max(r.Done, done)
	}
	if l.Done.Given {
		r.Next = max(r.Next, r.Done)
	}
	set(&r.Next, l.Next)
	if r.Next >= 0 {
		r.Next = max(r.Next, executed)
	}
	set(&r.Failures, l.Failures)
	if l.Suspended.Given {
		if r.Suspended, err = parseLine(l.Suspended, "suspended", parseSuspension); err != nil {
			return err
		}
	}
	state := r.State
	if l.Status.Given {
		if state, err = parseLine(l.Status, "status", parseRuleState); err != nil {
			return err
		}
	}
	switch {
	case r.Done < 0 || r.Next < 0 || r.Failures < 0 || r.Next > maxPeriods:
		return Errorf(Invalid, "done", "done, next and failures are at least 0")
	case r.Periods != nil && (*r.Periods < 1 || *r.Periods > maxPeriods || r.Done > *r.Periods):
		return Errorf(Invalid, "periods", "at least 1, and no fewer than done")
	}
	full := r.Periods != nil && r.Done == *r.Periods
	switch {
	case state == RuleFinished && !full:
		return Errorf(Invalid, "status", "finished with periods to come")
	case state == RuleActive && full:
		state = RuleFinished
	}
	if state != RuleActive {
		r.end(state)
	} else {
		r.State = RuleActive
	}
	return nil
}

func parseRuleState(s string) (RuleState, error) {
	switch state := RuleState(s); state {
	case RuleActive, RuleFinished, RuleCancelled, RuleFailed:
		return state, nil
	}
	return "", Invalid
}

func parseSuspension(s string) (Suspension, error) {
	switch why := Suspension(s); why {
	case "", SuspendedDeclined, SuspendedHard, NeedsCustomer:
		return why, nil
	}
	return "", Invalid
}

// createRule writes a new rule with its balance action, and the top-up that stands for it.
func (im *Importer) createRule(r *TopupRule) error {
	u := im.u
	if err := im.action(r.ID, r.Owner, r.Top, r.Anchor); err != nil {
		return err
	}
	if err := u.tx.CreateTopupRule(r); err != nil {
		return err
	}
	t := BalanceTopup{
		ID: r.ID, Owner: r.Owner, Top: r.Top, Unit: r.Unit, Amount: r.Amount, State: TopupCreated, Rule: r.ID,
		Imported: true, CreatedAt: r.Anchor,
	}
	switch {
	case r.Done > 0:
		t.State, t.SettledAt = TopupCompleted, r.Anchor
	case r.State != RuleActive || r.Next > 0:
		t.State, t.SettledAt = TopupCancelled, r.Anchor
	}
	return u.tx.CreateBalanceTopup(&t)
}

func (im *Importer) action(id TopupID, o, top OwnerID, at time.Time) error {
	a := BalanceAction{ID: ActionID(id), Kind: ActionTopup, Owner: o, Top: top, CreatedAt: at}
	err := im.u.tx.AddBalanceAction(&a)
	if errors.Is(err, Exists) {
		return Errorf(Exists, "id", "the id %d is another balance action's", id)
	}
	return err
}

// BalanceTopupLine is a settled top-up to import, as an export wrote it: what it is worth to
// its readers. It books nothing.
type BalanceTopupLine struct {
	ID            TopupID
	Owner         OwnerID
	Amount        int64
	Currency      string
	State         TopupState
	Rule          TopupID // 0 for none
	Period        int64
	Voucher       string
	Before, After *int64
	Reason        string
	Extra         string
	Created       time.Time
	Settled       time.Time
	Deleted       time.Time
}

// BalanceTopup puts one top-up. One that is there stays as it is, unless it was imported.
func (im *Importer) BalanceTopup(l BalanceTopupLine) (err error) {
	defer counted(&im.done.topups, &err)
	u := im.u
	o, err := u.owner(l.Owner)
	if err != nil {
		return wrongOwner(l.Owner, err)
	}
	t := BalanceTopup{
		ID: l.ID, Owner: o.ID, Top: o.Top, Unit: Unit(l.Currency), Amount: l.Amount, State: l.State, Rule: l.Rule, Period: l.Period,
		Voucher: l.Voucher, Before: l.Before, After: l.After, Reason: l.Reason, Imported: true, Extra: l.Extra,
		CreatedAt: l.Created.UTC().Truncate(time.Microsecond), SettledAt: l.Settled.UTC().Truncate(time.Microsecond), DeletedAt: l.Deleted,
	}
	switch {
	case t.ID < 1:
		return Errorf(Invalid, "id", "ids are above 0")
	case t.Unit != o.Currency:
		return Errorf(WrongCurrency, "currency", "%s is kept in %s", o.ID, o.Currency)
	case t.Amount <= 0 || t.Amount > MaxCharge:
		return Errorf(Invalid, "amount", "above 0, at most %s", FormatMicros(MaxCharge))
	case t.Period > maxPeriods:
		return Errorf(Invalid, "period", "period is at most %d", maxPeriods)
	case t.State != TopupCompleted && t.State != TopupFailed && t.State != TopupCancelled:
		return Errorf(Invalid, "status", "completed, failed or cancelled")
	case l.Created.IsZero() || l.Settled.IsZero():
		return Errorf(Missing, "settled", "created and settled are needed")
	case len(t.Extra) > MaxExtra:
		return Errorf(Invalid, "extra", "at most %d bytes", MaxExtra)
	}
	was, err := u.tx.BalanceTopup(t.ID)
	switch {
	case errors.Is(err, NotFound):
		return im.createTopup(&t)
	case err != nil:
		return err
	case was.Owner != t.Owner || was.Amount != t.Amount || was.Rule != t.Rule || was.Period != t.Period:
		return Errorf(Conflict, "id", "top-up %d is another one and never changes", t.ID)
	case !was.Imported || was.Charge != 0:
		return nil // what is known here is more
	}
	return im.topupConflict(&t, u.tx.SetBalanceTopup(&t))
}

func (im *Importer) createTopup(t *BalanceTopup) error {
	if t.Rule != 0 {
		r, err := im.u.tx.TopupRule(t.Rule)
		if errors.Is(err, NotFound) || err == nil && r.Owner != t.Owner {
			return Errorf(NotFound, "rule", "%s has no recurring top-up %d", t.Owner, t.Rule)
		}
		if err == nil {
			err = im.passed(&r, t.Period)
		}
		if err != nil {
			return err
		}
	}
	if err := im.action(t.ID, t.Owner, t.Top, t.CreatedAt); err != nil {
		return err
	}
	return im.topupConflict(t, im.u.tx.CreateBalanceTopup(t))
}

// passed has a rule go on after a period that was executed elsewhere.
func (im *Importer) passed(r *TopupRule, n int64) error {
	if r.State != RuleActive || n < r.Next {
		return nil
	}
	o, err := im.u.tx.Owner(r.Owner)
	if err != nil {
		return err
	}
	r.plan(n+1, im.u.e.zone(o.TimeZone))
	return im.u.setRule(r)
}

func (im *Importer) topupConflict(t *BalanceTopup, err error) error {
	switch {
	case errors.Is(err, Exists):
		return Errorf(Exists, "period", "period %d of recurring top-up %d is there already", t.Period, t.Rule)
	case errors.Is(err, Conflict):
		return Errorf(Conflict, "id", "the members of top-up %d do not fit together", t.ID)
	}
	return err
}
