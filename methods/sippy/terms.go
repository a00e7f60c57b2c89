package sippy

import (
	"strconv"
	"strings"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// paymentTerms are members of accounts and customers that billing acts on.
var paymentTerms = []param{
	{name: "credit_limit", kind: "double or nil", note: "0 or more, six decimals; nil is unlimited"},
	{name: "payment_currency", kind: "string", note: "ISO 4217; it never changes"},
	{name: "email", kind: "string", note: "a mail address, to 255 characters; empty is none"},
	{name: "min_payment_amount", kind: "double or nil", note: "the least payment taken by hand, 0 or more"},
	{name: "time_zone", kind: "string", note: "ours: an IANA name, for billing periods and mails"},
}

var accountTerms = append([]param{
	{name: "description", kind: "string", note: "to 255 characters"},
	{name: "lifetime", kind: "int", note: "days from the first use, 1 to " + strconv.Itoa(billing.MaxLifetime) + "; -1 is unlimited"},
	{name: "on_payment_action", kind: "int or nil", note: "0 extends the lifetime, 1 clears the first use, 2 restarts billing; nil does nothing"},
}, paymentTerms...)

// secretParams are checked and not kept: nothing here signs in with them (S-403).
func secretParams(names ...string) []param {
	params := make([]param, len(names))
	for i, name := range names {
		params[i] = param{name: name, kind: "string", note: "checked and not kept"}
	}
	return params
}

var (
	accountSecrets  = secretParams("web_password", "voip_password", "vm_password")
	customerSecrets = secretParams("web_password")
)

// terms reads the members that accounts and customers share. The balance has the
// inverted sign of these methods (S-401).
func (r *changes) terms(l *billing.OwnerLine) {
	if balance := r.money("balance"); balance.Given {
		l.Balance = balance
		if balance.Value != nil {
			l.Balance = billing.To(-*balance.Value)
		}
	}
	l.Blocked = r.flag("blocked")
	l.CreditLimit = r.money("credit_limit")
	l.Currency = r.text("payment_currency")
	if v := l.Currency.Value; v != nil {
		l.Currency = billing.To(strings.ToUpper(*v))
	}
	l.Email = r.text("email")
	l.MinPayment = r.money("min_payment_amount")
	l.TimeZone = r.text("time_zone")
}

func (r *changes) accountTerms(l *billing.OwnerLine) {
	l.Username = r.text("username")
	l.Plan = r.number("i_billing_plan")
	r.terms(l)
	l.Name = r.text("description")
	l.Lifetime = r.lifetime()
	l.OnPayment = r.onPayment()
}

func (r *changes) lifetime() billing.Change[int64] {
	c := r.number("lifetime")
	switch {
	case c.Given && c.Value == nil:
		r.fail("lifetime")
	case c.Given && *c.Value == -1:
		return billing.ToNull[int64]()
	}
	return c
}

// The actions of a payment by their numbers on the wire.
var paymentActions = [...]billing.OnPayment{billing.OnPaymentExtend, billing.OnPaymentClear, billing.OnPaymentRestart}

func (r *changes) onPayment() billing.Change[string] {
	c := r.number("on_payment_action")
	switch {
	case !c.Given:
		return billing.Change[string]{}
	case c.Value == nil:
		return billing.ToNull[string]()
	case *c.Value < 0 || *c.Value >= int64(len(paymentActions)):
		r.fail("on_payment_action")
		return billing.Change[string]{}
	}
	return billing.To(string(paymentActions[*c.Value]))
}

func onPaymentValue(action billing.OnPayment) xmlrpc.Value {
	for n, a := range paymentActions {
		if a == action {
			return xmlrpc.Int(int64(n))
		}
	}
	return xmlrpc.Nil()
}

// secrets checks members that are not kept, and names those that set a password.
func (r *changes) secrets(params []param) (set []string) {
	for _, p := range params {
		if c := r.text(p.name); c.Value != nil && *c.Value != "" {
			set = append(set, p.name)
		}
	}
	return set
}

func (r *changes) fields(fields []field) attributes {
	given, err := readFields(r.p, fields)
	if r.err == nil {
		r.err = err
	}
	return given
}

func (r *changes) fail(name string) {
	if r.err == nil {
		r.err = wrong(name)
	}
}

// inverted writes a balance as these methods do: what is owed. Zero is -0.0, as on
// a real switch (S-401).
func inverted(micros int64) xmlrpc.Value {
	if micros == 0 {
		return xmlrpc.Double("-0.0")
	}
	return double(-micros)
}
