package sippy

import (
	"slices"

	"topupd/billing"
)

func customerMethods() []method {
	return []method{
		createCustomerMethod(), getCustomerInfoMethod(), updateCustomerMethod(), listCustomersMethod(),
		deleteCustomerMethod(), blockCustomerMethod(), unblockCustomerMethod(),
	}
}

// customerMembers are what create and update take beside the name.
func customerMembers() []param {
	return slices.Concat(
		[]param{
			{name: "web_login", kind: "string", note: "the name of its API login, to 128 bytes"},
			{name: "api_password", kind: "string", note: "at least 6 characters; never returned"},
			{name: "api_access", kind: "int", note: "0 keeps its logins out"},
			{name: "balance", kind: "double", note: "what is owed: a credit is negative"},
			{name: "blocked", kind: "boolean"},
		}, paymentTerms, customerSecrets, fieldParams(customerFields))
}

// customerTerms reads a customer's members; the second result is its access to
// the API.
func (r *changes) customerTerms(l *billing.OwnerLine) billing.Change[bool] {
	l.Name = r.text("name")
	r.terms(l)
	l.Login = r.text("web_login")
	l.Password = r.secret("api_password")
	if l.Login.Value != nil && *l.Login.Value == "" {
		// A customer without a login is read so, and sent back so.
		l.Login = billing.Change[string]{}
		if l.Password.Value != nil && *l.Password.Value == "" {
			l.Password = billing.Change[billing.Secret]{}
		}
	}
	l.Extra = r.fields(customerFields).merge()
	return r.access()
}

// access is api_access, a number of which 0 is none.
func (r *changes) access() billing.Change[bool] {
	f := field{name: "api_access", kind: "int"}
	v, given, err := f.read(r.p)
	if err != nil && r.err == nil {
		r.err = err
	}
	if !given || err != nil {
		return billing.Change[bool]{}
	}
	return billing.To(v.Text() != "0")
}
