package sippy

import (
	"context"
	"strings"
	"time"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// movement is one of the six methods that move a balance; they differ in
// whose and in which kind of posting they make (S-13).
type movement struct {
	name string
	help string
	kind billing.PostingKind
	// owner: a customer's amount is also booked against the customer that calls (1.4).
	owner *ownerKind
}

var movements = [...]movement{
	{"accountAddFunds", "Adds a payment to an account's balance.", billing.PostAddFunds, anAccount},
	{"accountCredit", "Credits an account's balance.", billing.PostCredit, anAccount},
	{"accountDebit", "Debits an account's balance.", billing.PostDebit, anAccount},
	{"customerAddFunds", "Adds a payment to a customer's balance, out of the caller's.", billing.PostAddFunds, aCustomer},
	{"customerCredit", "Credits a customer's balance, out of the caller's.", billing.PostCredit, aCustomer},
	{"customerDebit", "Debits a customer's balance, in favour of the caller's.", billing.PostDebit, aCustomer},
}

func fundsMethods() []method {
	methods := make([]method, len(movements))
	for i := range movements {
		methods[i] = movements[i].method()
	}
	return methods
}

func (m *movement) method() method {
	by := byNobody
	if m.owner == aCustomer {
		by = byWholesaler
	}
	return method{
		name: m.name, about: m.help, caller: by, run: m.move,
		params: []param{
			m.owner.param(),
			{name: "amount", kind: "double", need: true, note: "above 0, six decimals"},
			{name: "currency", kind: "string", need: true, note: "ISO 4217, the owner's"},
			{name: "payment_notes", kind: "string", note: "to 4000 bytes"},
			{name: "payment_time", kind: "string", note: "as in 09:57:29.000 GMT Tue Apr 07 2026, from 2000 to 366 days ahead; without one now"},
			idempotencyParam,
		},
	}
}

// idempotencyParam is ours: an extra member of every call that moves money.
var idempotencyParam = param{name: "idempotency_key", kind: "string", note: "1 to 255 bytes; a call that comes again with it is answered and not booked"}

func (m *movement) move(a *api, ctx context.Context, c call) (xmlrpc.Value, error) {
	funds, err := m.params(c.Params, time.Now())
	if err != nil {
		return xmlrpc.Value{}, err
	}
	if ctx, err = a.scope(ctx, c); err != nil {
		return xmlrpc.Value{}, err
	}
	if _, err := a.engine.MoveFunds(ctx, funds); err != nil {
		return xmlrpc.Value{}, err
	}
	return succeeded, nil
}

// params reads the members in the page's order, so that the first one that is
// missing is the one named (1.9).
func (m *movement) params(p xmlrpc.Params, now time.Time) (f billing.MoveFundsParams, err error) {
	f.Kind, f.FromParent = m.kind, m.owner == aCustomer
	if f.Owner, err = m.owner.read(p); err != nil {
		return f, err
	}
	if f.Amount, err = amountOf(p); err != nil {
		return f, err
	}
	if f.Currency, err = currencyOf(p); err != nil {
		return f, err
	}
	if f.Notes, _, err = textOf(p, "payment_notes"); err != nil {
		return f, err
	}
	if f.EffectiveAt, err = dateOf(p, "payment_time", now); err != nil {
		return f, err
	}
	f.IdempotencyKey, err = keyOf(p)
	return f, err
}

func keyOf(p xmlrpc.Params) (string, error) {
	key, given, err := textOf(p, "idempotency_key")
	if err == nil && given && key == "" {
		// The engine would take it for no key, and a repeat would be booked (S-12).
		err = wrong("idempotency_key")
	}
	return key, err
}

func amountOf(p xmlrpc.Params) (int64, error) {
	micros, state, err := microsOf(p, "amount")
	switch {
	case err != nil:
		return 0, err
	case state == xmlrpc.Absent:
		return 0, missing("amount")
	case micros <= 0: // null too
		return 0, wrong("amount")
	}
	return micros, nil
}

// currencyOf reads a currency in either case (S-10).
func currencyOf(p xmlrpc.Params) (billing.Unit, error) {
	text, given, err := textOf(p, "currency")
	switch {
	case err != nil:
		return "", err
	case !given:
		return "", missing("currency")
	}
	currency, ok := billing.LookupCurrency(strings.ToUpper(text))
	if !ok {
		return "", wrong("currency")
	}
	return currency.Code, nil
}

// textOf reads a string that has no null.
func textOf(p xmlrpc.Params, name string) (text string, given bool, err error) {
	text, state, err := p.String(name)
	if err == nil && state == xmlrpc.Null {
		err = wrong(name)
	}
	return text, state == xmlrpc.Given, err
}
