package sippy

import (
	"slices"

	"topupd/methods/xmlrpc"
)

func accountMethods() []method {
	return []method{
		createAccountMethod(), getAccountInfoMethod(), updateAccountMethod(), listAccountsMethod(),
		deleteAccountMethod(), blockAccountMethod(), unblockAccountMethod(),
	}
}

// accountMembers are what create and update take beside the names and the plan.
func accountMembers() []param {
	return slices.Concat(
		[]param{
			{name: "balance", kind: "double", note: "what is owed: a credit is negative"},
			{name: "blocked", kind: "boolean"},
		}, accountTerms, accountSecrets, fieldParams(accountFields))
}

// anyGiven reports whether a call gives one of the members.
func anyGiven(p xmlrpc.Params, params []param) bool {
	return slices.ContainsFunc(params, func(known param) bool {
		_, given := p.Value(known.name)
		return given
	})
}
