package billing

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// TopupTermsParams changes what profiles know of a customer; what is not given stays.
type TopupTermsParams struct {
	Owner       OwnerID
	Profile     Change[int64] // null ends the link
	Amount      Change[int64] // null is the profile's
	Outstanding Change[int64]
	Overdue     Change[int64]
	Unbilled    Change[int64]
	PaymentType Change[string]
	Limits      Change[[]NamedLimit] // all of them
}

func (p *TopupTermsParams) empty() bool {
	return !(p.Profile.Given || p.Amount.Given || p.Outstanding.Given || p.Overdue.Given || p.Unbilled.Given ||
		p.PaymentType.Given || p.Limits.Given)
}

// TopupCustomer is a customer as the profile interface shows it.
type TopupCustomer struct {
	Owner Owner
	Terms TopupTerms
}

// TopupCustomer is one customer in the actor's scope. Errors: NotFound.
func (e *Engine) TopupCustomer(ctx context.Context, o OwnerID) (c TopupCustomer, err error) {
	err = e.view(ctx, func(r Reader) (err error) {
		if c.Owner, err = r.Owner(o); err == nil && !ActorFrom(ctx).Sees(&c.Owner) {
			err = NotFound
		}
		if err != nil {
			return wrongOwner(o, err)
		}
		c.Terms, err = topupTermsOf(r, &c.Owner)
		return err
	})
	return c, err
}

// TopupCustomers lists the customers in the actor's scope by id, root left out.
func (e *Engine) TopupCustomers(ctx context.Context, f ListFilter) ([]TopupCustomer, error) {
	kind := KindCustomer
	var all []TopupCustomer
	err := e.view(ctx, func(r Reader) error {
		all = nil
		after := max(Root, Customer(f.After))
		for {
			owners, err := r.Owners(OwnerFilter{Within: ActorFrom(ctx).Customer, Kind: &kind, After: after, Limit: page})
			if err != nil || len(owners) == 0 {
				return err
			}
			last := owners[len(owners)-1].ID
			terms, err := r.TopupTermsList(TopupFilter{After: after, Upto: last})
			if err != nil {
				return err
			}
			after = last
			for i := range owners {
				c := TopupCustomer{Owner: owners[i], Terms: TopupTerms{Owner: owners[i].ID, Top: owners[i].Top}}
				at, found := slices.BinarySearchFunc(terms, c.Owner.ID, func(t TopupTerms, o OwnerID) int { return int(t.Owner - o) })
				if found {
					c.Terms = terms[at]
				}
				if c.Owner.CreatedAt.Before(f.CreatedSince) || c.UpdatedAt().Before(f.UpdatedSince) || !ActorFrom(ctx).Sees(&c.Owner) {
					continue
				}
				if all = append(all, c); f.Limit > 0 && len(all) == f.Limit {
					return nil
				}
			}
		}
	})
	return all, err
}

// UpdatedAt is when the customer, or what profiles know of it, changed last.
func (c *TopupCustomer) UpdatedAt() time.Time {
	if c.Terms.UpdatedAt.After(c.Owner.UpdatedAt) {
		return c.Terms.UpdatedAt
	}
	return c.Owner.UpdatedAt
}

// UpdateTopupTerms changes them. Errors: NotFound, Invalid, Forbidden for a login's own
// customer.
func (e *Engine) UpdateTopupTerms(ctx context.Context, p TopupTermsParams) (c TopupCustomer, err error) {
	err = e.update(ctx, func(u *unitOfWork) (err error) {
		if c.Owner, err = u.owner(p.Owner); err != nil {
			return wrongOwner(p.Owner, err)
		}
		if p.Owner.IsAccount() || p.Owner == Root {
			return wrongOwner(p.Owner, NotFound)
		}
		if u.actor.Customer == p.Owner {
			return Errorf(Forbidden, "", "nobody changes its own customer")
		}
		before, err := u.topupTerms(&c.Owner)
		if err != nil {
			return err
		}
		c.Terms, err = u.changeTopupTerms(&c.Owner, before, p, MandateAsserted)
		if err != nil {
			return err
		}
		return u.audit(AuditUpdate, c.Owner.Top, auditOwner("owner_topup", p.Owner), termsChanges(&before, &c.Terms))
	})
	return c, err
}

func termsChanges(a, b *TopupTerms) *auditInfo {
	i := newAudit()
	auditNumber(i, "autoTopupProfileID", &a.Profile, &b.Profile)
	return i.money("autoTopupAmount", a.Amount, b.Amount).money("outstanding", &a.Outstanding, &b.Outstanding).
		money("overdue", &a.Overdue, &b.Overdue).money("unbilledCalls", &a.Unbilled, &b.Unbilled).
		change("payment_type", string(a.PaymentType), string(b.PaymentType)).change("limits", limitsText(a.Limits), limitsText(b.Limits)).
		change("suspended", string(a.Suspended), string(b.Suspended))
}

func limitsText(all []NamedLimit) string {
	parts := make([]string, len(all))
	for i, l := range all {
		parts[i] = l.Name + " " + FormatMicros(l.Micros)
	}
	return strings.Join(parts, ", ")
}

// changeTopupTerms checks and stores them; consent is the text of the mandate that a link
// asserts.
func (u *unitOfWork) changeTopupTerms(o *Owner, before TopupTerms, p TopupTermsParams, consent string) (TopupTerms, error) {
	t := before
	imported := consent == mandateImported
	for _, m := range []struct {
		dst   *int64
		given Change[int64]
		field string
	}{{&t.Outstanding, p.Outstanding, "outstanding"}, {&t.Overdue, p.Overdue, "overdue"}, {&t.Unbilled, p.Unbilled, "unbilledCalls"}} {
		if m.given.Given {
			v, err := m.given.required(m.field)
			if err != nil {
				return t, err
			}
			*m.dst = v
		}
	}
	if p.Amount.Given {
		t.Amount = nil
		if p.Amount.Value != nil {
			v, err := chargeable(p.Amount, o.Currency, "autoTopupAmount")
			if err != nil {
				return t, err
			}
			t.Amount = &v
		}
	}
	if p.PaymentType.Given {
		word, err := p.PaymentType.required("payment_type")
		if err != nil {
			return t, err
		}
		switch t.PaymentType = PaymentType(word); t.PaymentType {
		case PaysByCard, PaysByDirectDebit, PaysOtherwise:
		default:
			return t, Errorf(Invalid, "payment_type", "allowed: card, direct_debit, other")
		}
	}
	if err := setLimits(&t, p.Limits, imported); err != nil {
		return t, err
	}
	fits := !imported && (p.Profile.Given || p.Amount.Given || p.Limits.Given)
	if err := u.link(&t, p.Profile, fits); err != nil {
		return t, err
	}
	if t.Profile != before.Profile || !equal(t.Amount, before.Amount) {
		t.Suspended = ""
	}
	t.UpdatedAt = u.now
	if err := u.tx.PutTopupTerms(&t); err != nil {
		return t, err
	}
	return t, u.topupMandate(&before, &t, consent)
}

// setLimits replaces the limits. An import keeps names that no profile can refer to.
func setLimits(t *TopupTerms, c Change[[]NamedLimit], imported bool) error {
	if !c.Given {
		return nil
	}
	given, err := c.required("limits")
	if err != nil {
		return err
	}
	t.Limits = nil
	for _, l := range given {
		name, known := limitName(l.Name)
		if name == "" || !known && !imported {
			return Errorf(Invalid, "limits", "unknown limit %q; allowed: %s", l.Name, strings.Join(LimitNames, ", "))
		}
		t.Limits = append(t.Limits, NamedLimit{Name: name, Micros: l.Micros})
	}
	slices.SortFunc(t.Limits, func(a, b NamedLimit) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(t.Limits); i++ {
		if t.Limits[i].Name == t.Limits[i-1].Name {
			return Errorf(Invalid, "limits", "%s is there twice", t.Limits[i].Name)
		}
	}
	return nil
}

// link sets the profile and, where fits is asked for, holds that the customer has the
// limits that it needs a percentage of.
func (u *unitOfWork) link(t *TopupTerms, c Change[int64], fits bool) error {
	const field = "autoTopupProfileID"
	if c.Given {
		if t.Profile = 0; c.Value != nil {
			t.Profile = ProfileID(*c.Value)
			if *c.Value < 1 {
				return Errorf(NotFound, field, "there is no such profile")
			}
		}
	}
	if t.Profile == 0 {
		return nil
	}
	p, err := profileOf(u.context(), u.tx, t.Profile, field)
	switch {
	case errors.Is(err, NotFound) && !c.Given:
		return nil // an operator's own choice: who changes other members does not see it
	case err != nil:
		return err
	case p.Customer != 0 && p.Customer != t.Owner:
		return Errorf(Invalid, field, "the profile is restricted to another customer")
	case !fits:
		return nil
	}
	limit := p.TopupLimit
	if limit == "" {
		limit = p.Limit
	}
	if p.Trigger == TriggerPercent && limitPart(t.Limit(p.Limit), whole) == nil {
		return Errorf(Invalid, field, "the profile needs a percentage of %s, which the customer has not, or is 0", p.Limit)
	}
	if p.Mode == TopupToPercent && (t.Amount == nil || *t.Amount == 0) && limitPart(t.Limit(limit), whole) == nil {
		return Errorf(Invalid, field, "the profile needs a percentage of %s, which the customer has not, or is 0", limit)
	}
	return nil
}

// topupMandate records the consent that a link asserts, or its end. Its amount is the
// customer's own; else it is whatever the profile says.
func (u *unitOfWork) topupMandate(before, after *TopupTerms, consent string) error {
	switch {
	case after.Profile == 0 && before.Profile == 0:
		return nil
	case after.Profile == 0:
		return u.tx.RevokeMandates(after.Owner, PurposeProfile, u.now)
	case after.Profile == before.Profile && equal(after.Amount, before.Amount):
		return nil
	}
	m := Mandate{
		Owner: after.Owner, Top: after.Top, Purpose: PurposeProfile, Text: consent, At: u.now,
		Actor: u.actor.Name(), Address: u.actor.Address,
	}
	if after.Amount != nil {
		m.Amount = *after.Amount
	}
	return u.tx.PutMandate(&m)
}
