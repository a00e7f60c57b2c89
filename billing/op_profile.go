package billing

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"
)

// ProfileParams are the members of a profile; what is not given stays, of a new one it
// takes its default. The fields of errors are the interface's names.
type ProfileParams struct {
	Name         Change[string]
	Description  Change[string]
	Enabled      Change[bool] // default true
	Basis        Change[string]
	Trigger      Change[string]
	TriggerValue Change[int64]
	Limit        Change[string]
	Mode         Change[string]
	TopupValue   Change[int64]
	TopupLimit   Change[string] // null is Limit
	AutoCollect  Change[bool]   // default false
	// The letters are named by their type; null is none.
	LetterExpected    Change[string]
	LetterCard        Change[string]
	LetterDirectDebit Change[string]
	MinDays           Change[int64]
	Customer          Change[int64] // i_customer; null is everybody
}

// The bounds of a profile's texts and days.
const (
	maxProfileName = 255
	maxProfileText = 4000
	maxMinDays     = 36600
)

// CreateProfile makes a profile. Errors: Missing, Invalid, Exists (name), NotFound for a
// reference, Forbidden for a login that may not have one without a customer.
func (e *Engine) CreateProfile(ctx context.Context, p ProfileParams) (Profile, error) {
	var made Profile
	err := e.update(ctx, func(u *unitOfWork) error {
		for _, need := range []struct {
			field string
			given bool
		}{
			{"name", p.Name.Given}, {"triggerBasis", p.Basis.Given}, {"triggerType", p.Trigger.Given}, {"triggerValue", p.TriggerValue.Given},
			{"referenceLimit", p.Limit.Given}, {"topupMode", p.Mode.Given}, {"topupValue", p.TopupValue.Given},
		} {
			if !need.given {
				return Errorf(Missing, need.field, "%s is required", need.field)
			}
		}
		made = newProfile(u)
		if err := u.changeProfile(&made, p); err != nil {
			return err
		}
		if err := u.mayWrite(&made); err != nil {
			return err
		}
		if err := u.nameIsFree(&made); err != nil {
			return err
		}
		if err := u.tx.PutProfile(&made); err != nil {
			return err
		}
		return u.audit(AuditAdd, Root, auditKey("auto_topup_profiles", "id", int64(made.ID)), newAudit().set("name", made.Name))
	})
	return made, err
}

func newProfile(u *unitOfWork) Profile {
	return Profile{
		Enabled: true, Basis: BasisOutstanding, Trigger: TriggerAbsolute, Limit: LimitNames[0], Mode: TopupFixed,
		CreatedAt: u.now, UpdatedAt: u.now,
	}
}

// UpdateProfile changes a profile; errors as CreateProfile, and NotFound.
func (e *Engine) UpdateProfile(ctx context.Context, id ProfileID, p ProfileParams) (Profile, error) {
	var after Profile
	err := e.update(ctx, func(u *unitOfWork) error {
		before, err := u.writableProfile(id)
		if err != nil {
			return err
		}
		after = before
		if err := u.changeProfile(&after, p); err != nil {
			return err
		}
		if err := u.mayWrite(&after); err != nil {
			return err
		}
		if before.Mode != after.Mode && after.Mode == TopupFixed && after.TopupValue == 0 {
			return Errorf(Invalid, "topupValue", "an amount above 0")
		}
		if !strings.EqualFold(before.Name, after.Name) {
			if err := u.nameIsFree(&after); err != nil {
				return err
			}
		}
		if after.Customer != 0 && after.Customer != before.Customer {
			if err := u.linkedOnlyBy(&after); err != nil {
				return err
			}
		}
		info := profileChanges(&before, &after)
		if info.empty() {
			return nil
		}
		after.UpdatedAt = u.now
		if err := u.tx.PutProfile(&after); err != nil {
			return err
		}
		return u.audit(AuditUpdate, Root, auditKey("auto_topup_profiles", "id", int64(id)), info)
	})
	return after, err
}

// linkedOnlyBy refuses a restriction that a linked customer would break.
func (u *unitOfWork) linkedOnlyBy(p *Profile) error {
	linked, err := u.tx.TopupTermsList(TopupFilter{Profile: p.ID, Limit: 2})
	if err != nil {
		return err
	}
	for i := range linked {
		if linked[i].Owner != p.Customer {
			return Errorf(Conflict, "customerID", "other customers are linked to the profile")
		}
	}
	return nil
}

// DeleteProfile deletes a profile. Errors: NotFound, Forbidden, Conflict while a
// customer is linked.
func (e *Engine) DeleteProfile(ctx context.Context, id ProfileID) error {
	return e.update(ctx, func(u *unitOfWork) error {
		p, err := u.writableProfile(id)
		if err != nil {
			return err
		}
		linked, err := u.tx.ProfileLinked(id)
		if err != nil {
			return err
		}
		if linked {
			return Errorf(Conflict, "id", "customers are linked to the profile")
		}
		if err := u.tx.DeleteProfile(id, u.now); err != nil {
			return err
		}
		return u.audit(AuditDelete, Root, auditKey("auto_topup_profiles", "id", int64(id)), newAudit().set("name", p.Name))
	})
}

// seesProfile: a login has the profiles of everybody and those of the customers that it
// sees.
func seesProfile(ctx context.Context, r Reader, p *Profile) (bool, error) {
	a := ActorFrom(ctx)
	if a.IsRoot() || p.Customer == 0 && a.Customer != 0 {
		return true, nil
	}
	if p.Customer == 0 {
		return false, nil
	}
	o, err := r.Owner(p.Customer)
	if errors.Is(err, NotFound) {
		return false, nil
	}
	return err == nil && a.Sees(&o), err
}

func profileOf(ctx context.Context, r Reader, id ProfileID, field string) (Profile, error) {
	p, err := r.Profile(id)
	if err == nil {
		var sees bool
		if sees, err = seesProfile(ctx, r, &p); err == nil && !sees {
			err = NotFound
		}
	}
	if errors.Is(err, NotFound) {
		return p, Errorf(NotFound, field, "there is no profile %d in your scope", id)
	}
	return p, err
}

func (u *unitOfWork) context() context.Context { return WithActor(context.Background(), u.actor) }

func (u *unitOfWork) writableProfile(id ProfileID) (Profile, error) {
	p, err := profileOf(u.context(), u.tx, id, "id")
	if err == nil {
		err = u.mayWrite(&p)
	}
	return p, err
}

// mayWrite: a profile of everybody belongs to the operator.
func (u *unitOfWork) mayWrite(p *Profile) error {
	if p.Customer == 0 && !u.actor.IsRoot() {
		return Errorf(Forbidden, "customerID", "a profile for every customer belongs to the operator")
	}
	return nil
}

func (u *unitOfWork) nameIsFree(p *Profile) error {
	named, err := u.tx.ProfilesNamed(p.Name)
	if err != nil {
		return err
	}
	for i := range named {
		// Whose it is stays hidden from who does not see it.
		sees, err := seesProfile(u.context(), u.tx, &named[i])
		if err != nil {
			return err
		}
		if sees && named[i].ID != p.ID {
			return Errorf(Exists, "name", "there is a profile of this name")
		}
	}
	return nil
}

// Profile is one profile in the actor's scope. Errors: NotFound.
func (e *Engine) Profile(ctx context.Context, id ProfileID) (p Profile, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		p, err = profileOf(ctx, r, id, "id")
		return err
	})
	return p, err
}

// Profiles lists those in the actor's scope by id.
func (e *Engine) Profiles(ctx context.Context, f ListFilter) ([]Profile, error) {
	var seen []Profile
	err := e.view(ctx, func(r Reader) error {
		seen = nil
		all, err := r.Profiles(ListFilter{After: f.After, CreatedSince: f.CreatedSince, UpdatedSince: f.UpdatedSince})
		if err != nil {
			return err
		}
		for i := range all {
			if f.Limit > 0 && len(seen) == f.Limit {
				break
			}
			ok, err := seesProfile(ctx, r, &all[i])
			if err != nil {
				return err
			}
			if ok {
				seen = append(seen, all[i])
			}
		}
		return nil
	})
	return seen, err
}

// Evaluate decides about the profile's linked customers in the actor's scope, by id, and
// changes nothing. Errors: NotFound.
func (e *Engine) Evaluate(ctx context.Context, id ProfileID, after OwnerID, limit int) ([]Decision, error) {
	var all []Decision
	err := e.view(ctx, func(r Reader) error {
		all = nil
		p, err := profileOf(ctx, r, id, "id")
		if err != nil {
			return err
		}
		linked, err := r.TopupTermsList(TopupFilter{Profile: id, After: after})
		if err != nil {
			return err
		}
		for i := range linked {
			if limit > 0 && len(all) == limit {
				break
			}
			o, err := r.Owner(linked[i].Owner)
			if err != nil {
				return err
			}
			if !ActorFrom(ctx).Sees(&o) {
				continue
			}
			d, err := e.evaluate(ctx, r, &linked[i], &p)
			if err != nil {
				return err
			}
			all = append(all, d)
		}
		return nil
	})
	return all, err
}

// changeProfile checks and applies what is given, and then the whole.
func (u *unitOfWork) changeProfile(p *Profile, c ProfileParams) (err error) {
	if c.Name.Given {
		if p.Name, err = c.Name.required("name"); err != nil {
			return err
		}
		p.Name = strings.TrimSpace(p.Name)
		if n := utf8.RuneCountInString(p.Name); n < 1 || n > maxProfileName {
			return Errorf(Invalid, "name", "1 to %d characters", maxProfileName)
		}
	}
	set(&p.Description, c.Description)
	if utf8.RuneCountInString(p.Description) > maxProfileText {
		return Errorf(Invalid, "description", "at most %d characters", maxProfileText)
	}
	if err := setFlag(&p.Enabled, c.Enabled, "enabled"); err != nil {
		return err
	}
	if err := setFlag(&p.AutoCollect, c.AutoCollect, "autoCollect"); err != nil {
		return err
	}
	if err := setWord(&p.Basis, c.Basis, basisWords, "triggerBasis"); err != nil {
		return err
	}
	if err := setWord(&p.Trigger, c.Trigger, triggerWords, "triggerType"); err != nil {
		return err
	}
	if err := setWord(&p.Mode, c.Mode, modeWords, "topupMode"); err != nil {
		return err
	}
	if err := setLimit(&p.Limit, c.Limit, "referenceLimit", false); err != nil {
		return err
	}
	if err := setLimit(&p.TopupLimit, c.TopupLimit, "topupReferenceLimit", true); err != nil {
		return err
	}
	if err := setCount(&p.MinDays, c.MinDays, "minDaysBetweenTopups", maxMinDays); err != nil {
		return err
	}
	if err := setCount(&p.TriggerValue, c.TriggerValue, "triggerValue", MaxCharge); err != nil {
		return err
	}
	if err := setCount(&p.TopupValue, c.TopupValue, "topupValue", MaxCharge); err != nil {
		return err
	}
	for _, l := range []struct {
		dst   *LetterTypeID
		given Change[string]
		field string
	}{
		{&p.LetterExpected, c.LetterExpected, "correspondenceTypeExpected"}, {&p.LetterCard, c.LetterCard, "correspondenceTypeCard"},
		{&p.LetterDirectDebit, c.LetterDirectDebit, "correspondenceTypeDirectDebit"},
	} {
		if err := u.setLetter(l.dst, l.given, l.field); err != nil {
			return err
		}
	}
	if err := u.setProfileCustomer(p, c.Customer); err != nil {
		return err
	}
	return p.check(c)
}

// check holds the rules between members.
func (p *Profile) check(c ProfileParams) error {
	if p.Trigger == TriggerPercent && (p.TriggerValue <= 0 || p.TriggerValue > whole) {
		return Errorf(Invalid, "triggerValue", "a percentage above 0, at most 100")
	}
	if p.Mode == TopupToPercent && p.TopupValue >= whole {
		return Errorf(Invalid, "topupValue", "a percentage from 0, below 100")
	}
	if p.Mode == TopupFixed && c.TopupValue.Given && p.TopupValue == 0 {
		return Errorf(Invalid, "topupValue", "an amount above 0")
	}
	same := p.TopupLimit == "" || p.TopupLimit == p.Limit
	if p.Trigger == TriggerPercent && p.Mode == TopupToPercent && same && p.TopupValue >= p.TriggerValue {
		return Errorf(Invalid, "topupValue", "below triggerValue: it would top up nothing, or again at once")
	}
	return nil
}

func setWord[T comparable](dst *T, c Change[string], words []word[T], field string) error {
	if !c.Given {
		return nil
	}
	text, err := c.required(field)
	if err != nil {
		return err
	}
	v, err := parseWord(words, text)
	if err != nil {
		all := make([]string, len(words))
		for i := range words {
			all[i] = words[i].text
		}
		return Errorf(Invalid, field, "unknown value; allowed: %s", strings.Join(all, ", "))
	}
	*dst = v
	return nil
}

func setLimit(dst *string, c Change[string], field string, null bool) error {
	if !c.Given {
		return nil
	}
	if null && (c.Value == nil || *c.Value == "") {
		*dst = ""
		return nil
	}
	text, err := c.required(field)
	if err != nil {
		return err
	}
	name, ok := limitName(text)
	if !ok {
		return Errorf(Invalid, field, "unknown value; allowed: %s", strings.Join(LimitNames, ", "))
	}
	*dst = name
	return nil
}

func setCount(dst *int64, c Change[int64], field string, most int64) error {
	if !c.Given {
		return nil
	}
	n, err := c.required(field)
	switch {
	case err != nil:
		return err
	case n < 0 || n > most:
		return Errorf(Invalid, field, "out of range: 0 or more")
	}
	*dst = n
	return nil
}

func (u *unitOfWork) setLetter(dst *LetterTypeID, c Change[string], field string) error {
	if !c.Given {
		return nil
	}
	if *dst = 0; c.Value == nil || *c.Value == "" {
		return nil
	}
	l, err := u.tx.LetterTypeNamed(*c.Value)
	if errors.Is(err, NotFound) {
		return Errorf(NotFound, field, "there is no correspondence type of this name")
	}
	*dst = l.ID
	return err
}

func (u *unitOfWork) setProfileCustomer(p *Profile, c Change[int64]) error {
	if !c.Given {
		return nil
	}
	if p.Customer = 0; c.Value == nil {
		return nil
	}
	if n := *c.Value; n > Root.Number() && n <= MaxOwnerNumber {
		o, err := u.owner(Customer(n))
		if err == nil {
			p.Customer = o.ID
			return nil
		}
		if !errors.Is(err, NotFound) {
			return err
		}
	}
	return Errorf(NotFound, "customerID", "there is no such customer in your scope")
}

// profileChanges are the members that a save changed.
func profileChanges(a, b *Profile) *auditInfo {
	i := newAudit().change("name", a.Name, b.Name).change("description", a.Description, b.Description).
		flag("enabled", a.Enabled, b.Enabled).change("triggerBasis", a.Basis.Word(), b.Basis.Word()).
		change("triggerType", a.Trigger.Word(), b.Trigger.Word()).money("triggerValue", &a.TriggerValue, &b.TriggerValue).
		change("referenceLimit", a.Limit, b.Limit).change("topupMode", a.Mode.Word(), b.Mode.Word()).
		money("topupValue", &a.TopupValue, &b.TopupValue).change("topupReferenceLimit", a.TopupLimit, b.TopupLimit).
		flag("autoCollect", a.AutoCollect, b.AutoCollect)
	auditNumber(i, "correspondenceTypeExpected", &a.LetterExpected, &b.LetterExpected)
	auditNumber(i, "correspondenceTypeCard", &a.LetterCard, &b.LetterCard)
	auditNumber(i, "correspondenceTypeDirectDebit", &a.LetterDirectDebit, &b.LetterDirectDebit)
	auditNumber(i, "minDaysBetweenTopups", &a.MinDays, &b.MinDays)
	auditNumber(i, "customerID", &a.Customer, &b.Customer)
	return i
}
