package billing

import (
	"context"
)

// Importer puts the lines of one import into one transaction. A line for
// something that exists changes the members it gives; nothing is charged and
// nobody is mailed: the next judgement does that. Its errors are NotFound for a
// reference that is not there (yet), Invalid, Exists, WrongCurrency.
type Importer struct {
	u    *unitOfWork
	hold bool
	// Seq makes a cause for each adjustment of this import.
	seq  int64
	name string
	done imported
}

// Import runs fn, which puts all lines, in one transaction: all or nothing. fn
// may run more than once. With hold the imported owners are kept from all
// automatic charges and mails until Golive.
func (e *Engine) Import(ctx context.Context, hold bool, fn func(*Importer) error) error {
	return e.update(ctx, func(u *unitOfWork) error {
		if !u.actor.IsRoot() {
			return Errorf(Forbidden, "", "import needs a root login")
		}
		u.quiet = true // an import is not news
		im := &Importer{u: u, hold: hold, name: newCause()}
		if err := fn(im); err != nil {
			return err
		}
		return im.audit()
	})
}

// imported counts the lines that were put.
type imported struct {
	plans, customers, accounts, cards, policies, vouchers, tokens, subscriptions, payments, orders, profiles, expected, pools, services, rules, topups, buckets, actions, hubs int64
}

// audit writes one row for the whole import.
func (im *Importer) audit() error {
	n := &im.done
	i := newAudit().count("plans", n.plans).count("customers", n.customers).count("accounts", n.accounts).
		count("cards", n.cards).count("low_balance", n.policies).count("vouchers", n.vouchers).count("tokens", n.tokens).
		count("subscriptions", n.subscriptions).count("payments", n.payments).count("orders", n.orders).
		count("auto_topup_profiles", n.profiles).count("expected_payments", n.expected).
		count("pool_plans", n.pools).count("services", n.services).count("recurring_topups", n.rules).count("topups", n.topups).count("buckets", n.buckets).count("balance_actions", n.actions).count("hub_subscriptions", n.hubs)
	if i.empty() {
		return nil
	}
	return im.u.audit(AuditImport, Root, "import:id="+im.name, i.set("hold", flagText(im.hold)))
}

// counted counts a line unless it was refused: one that was is often put again.
func counted(n *int64, err *error) {
	if *err == nil {
		*n++
	}
}

// Mandate text of a consent that an import asserts.
const mandateImported = "import-asserted-1"

// LowBalance puts one policy; its members are those of SetLowBalanceParams.
func (im *Importer) LowBalance(p SetLowBalanceParams) (err error) {
	defer counted(&im.done.policies, &err)
	j, err := im.u.judged(p.Owner)
	if err != nil {
		return err
	}
	p.imported = true
	return im.u.setLowBalance(&j, p, mandateImported, false)
}

// Merge combines a stored JSON object, empty if there is none, with the members
// that a line gives; nil leaves what is stored. The form of the object belongs
// to the importer's caller.
type Merge func(stored string) (string, error)

func (m Merge) into(dst *string) (err error) {
	if m != nil {
		*dst, err = m(*dst)
	}
	return err
}

func parseLine[T any](c Change[string], field string, parse func(string) (T, error)) (T, error) {
	text, err := c.required(field)
	if err != nil {
		var zero T
		return zero, err
	}
	v, err := parse(text)
	if err != nil {
		return v, Errorf(Invalid, field, "%s: %q is not known", field, text)
	}
	return v, nil
}

func parseCurrency(s string) (Unit, error) {
	c, ok := LookupCurrency(s)
	if !ok {
		return "", Invalid
	}
	return c.Code, nil
}
