package sippy

import (
	"slices"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func accountMethods() []method {
	return []method{
		createAccountMethod(), getAccountInfoMethod(), updateAccountMethod(), listAccountsMethod(),
		deleteAccountMethod(), blockAccountMethod(), unblockAccountMethod(),
	}
}

var iAccountParam = param{name: "i_account", kind: "int", need: true}

// accountMembers are what create and update take beside the names and the plan.
func accountMembers() []param {
	return slices.Concat(
		[]param{
			{name: "balance", kind: "double", note: "what is owed: a credit is negative"},
			{name: "blocked", kind: "boolean"},
		}, accountTerms, accountSecrets, fieldParams(accountFields))
}

// accountOf reads the account that a call is about.
func accountOf(p xmlrpc.Params) (billing.OwnerID, error) {
	n, given, err := idOf(p, "i_account")
	if err == nil && !given {
		err = missing("i_account")
	}
	return billing.Account(n), err
}

// anyGiven reports whether a call gives one of the members.
func anyGiven(p xmlrpc.Params, params []param) bool {
	return slices.ContainsFunc(params, func(known param) bool {
		_, given := p.Value(known.name)
		return given
	})
}
