package billing

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// auditOwnerChange writes the row of an owner that was made (from is zero) or changed,
// with its plan, 0 for none.
func (u *unitOfWork) auditOwnerChange(a AuditAction, from, to *Owner, planFrom, planTo PlanID) error {
	i := ownerChanges(from, to)
	if planFrom != planTo {
		i.change("i_billing_plan", idText(planFrom), idText(planTo))
	}
	return u.audit(a, to.Top, auditOwner(ownerTable(to.ID), to.ID), i)
}

func ownerTable(o OwnerID) string {
	if o.IsAccount() {
		return "accounts"
	}
	return "customers"
}

func idText[T ~int64](id T) string {
	if id == 0 {
		return auditNil
	}
	return strconv.FormatInt(int64(id), 10)
}

// ownerChanges tells what differs, in the switch's names where it has one.
func ownerChanges(from, to *Owner) *auditInfo {
	i := newAudit()
	i.change("i_parent", idText(from.Parent.Number()), idText(to.Parent.Number()))
	i.change("name", from.Name, to.Name).change("username", from.Username, to.Username).change("email", from.Email, to.Email)
	i.change("currency", string(from.Currency), string(to.Currency)).money("credit_limit", from.CreditLimit, to.CreditLimit)
	i.change("time_zone", from.TimeZone, to.TimeZone).change("blocked", from.Blocked.String(), to.Blocked.String())
	auditNumber(i, "lifetime", from.Lifetime, to.Lifetime)
	i.change("on_payment_action", string(from.OnPayment), string(to.OnPayment))
	i.money("min_payment_amount", &from.MinPayment, &to.MinPayment)
	was, is := keptFields(from.Extra), keptFields(to.Extra)
	names := slices.Collect(maps.Keys(is))
	for name := range was {
		if _, ok := is[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		i.change(name, was[name], is[name])
	}
	return i
}

// keptFields are the members that are kept for the interfaces, as texts; those that an
// interface holds together keep their own names.
func keptFields(extra string) map[string]string {
	var kept map[string]json.RawMessage
	if extra == "" || json.Unmarshal([]byte(extra), &kept) != nil {
		return nil
	}
	texts := make(map[string]string, len(kept))
	for name, raw := range kept {
		var fields map[string]json.RawMessage
		if json.Unmarshal(raw, &fields) != nil || fields == nil {
			fields = map[string]json.RawMessage{name: raw}
		}
		for name, raw := range fields {
			var text string
			if json.Unmarshal(raw, &text) != nil {
				text = string(raw)
			}
			texts[name] = text
		}
	}
	return texts
}

// auditPasswords writes the row of passwords that were set, by their members' names.
func (u *unitOfWork) auditPasswords(o *Owner, names []string) error {
	if len(names) == 0 {
		return nil
	}
	i := newAudit()
	for _, name := range names {
		i.set(name, "set")
	}
	return u.audit(AuditPassword, o.Top, auditOwner(ownerTable(o.ID), o.ID), i)
}

// auditCard writes the row of a card. Who holds it and where is told as changed, not as
// what: the log is read by more people than the card.
func (u *unitOfWork) auditCard(a AuditAction, top OwnerID, from, to *Card) error {
	i := newAudit().change("alias", from.Alias, to.Alias).change("card", from.Label(), to.Label())
	i.change("exp_mm", strconv.Itoa(from.ExpMonth), strconv.Itoa(to.ExpMonth)).change("exp_yy", strconv.Itoa(from.ExpYear), strconv.Itoa(to.ExpYear))
	i.flag("primary", from.Primary, to.Primary).change("gateway", from.Gateway, to.Gateway)
	if string(from.Token) != string(to.Token) {
		i.set("number", "changed")
	}
	if from.Holder != to.Holder {
		i.set("holder", "changed")
	}
	if from.CardAddress != to.CardAddress {
		i.set("address", "changed")
	}
	if a != AuditUpdate {
		i.set(to.Owner.Field(), strconv.FormatInt(to.Owner.Number(), 10))
	}
	return u.audit(a, top, auditKey("debit_credit_cards", "i_debit_credit_card", int64(to.ID)), i)
}

// auditPayment writes the row of a payment by hand when it is made; what became of it
// is the charge's.
func (u *unitOfWork) auditPayment(c *Charge) error {
	i := newAudit().set("amount", Money(c.Credit, c.Unit).String()).set("i_debit_credit_card", idText(c.Card))
	i.set(c.Owner.Field(), strconv.FormatInt(c.Owner.Number(), 10))
	return u.audit(AuditAdd, c.Top, auditKey("payments", "i_payment", int64(ChargePayment(c.ID))), i)
}

// setBlocked replaces an owner's block causes, with the row.
func (u *unitOfWork) setBlocked(o *Owner, causes Block) error {
	i := newAudit().change("blocked", o.Blocked.String(), causes.String())
	if err := u.tx.SetBlocked(o.ID, causes, u.now); err != nil {
		return err
	}
	o.Blocked = causes
	return u.audit(AuditUpdate, o.Top, auditOwner(ownerTable(o.ID), o.ID), i)
}

// auditSuspension writes the row of a policy whose automatic charges were suspended,
// by a charge, or go on.
func (u *unitOfWork) auditSuspension(j *Judged, was LowBalanceState, by *Charge) error {
	is := &j.Policy.State
	i := newAudit().change("suspended", string(was.Suspended), string(is.Suspended)).
		change("br_suspended", string(was.BRSuspended), string(is.BRSuspended))
	if by != nil && !i.empty() {
		i.count("charge", int64(by.ID))
	}
	return u.audit(AuditUpdate, j.Owner.Top, auditOwner("low_balance", j.Owner.ID), i)
}

// auditAside writes the row of a card that a job or a gateway put aside or brought back.
func (u *unitOfWork) auditAside(from, to *Card) error {
	if from.State == to.State && from.Aside == to.Aside {
		return nil
	}
	o, err := u.tx.Owner(to.Owner)
	if err != nil {
		return err
	}
	i := newAudit().change("state", string(from.State), string(to.State)).change("aside", from.Aside, to.Aside).
		set(to.Owner.Field(), strconv.FormatInt(to.Owner.Number(), 10))
	return u.audit(AuditUpdate, o.Top, auditKey("debit_credit_cards", "i_debit_credit_card", int64(to.ID)), i)
}
