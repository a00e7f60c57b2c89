package db

import (
	"slices"
	"strings"
	"sync"

	"topupd/billing"
)

// An engine with many writers lets functions run beside each other whose owners differ
// (UpdateOwners): the rows of their owners are locked, in the order of ids, before the
// first of them runs. All others run alone. So nothing that is not an owner's own ever
// changes beside a reader of it, and what a function reads of its owners stays as read.
//
// This file holds functions to what they declared: one that goes further is undone and
// run again alone.

// errBeyond: a function wrote what is not of the owners that it declared.
var errBeyond = &billing.Error{Code: billing.Internal, Message: "a change went beyond the owners that it was declared for"}

// ownersTables are the tables whose rows belong to one owner each, or are only ever
// added, each under a unique rule where two of them could differ. What others read of
// them, and why that is right, is told in docs/ARCHITECTURE.md.
var ownersTables = map[string]bool{
	"owners": true, "low_balance": true, "buckets": true, "account_plans": true, "periods": true, "charges": true,
	"notices": true, "mandates": true, "adjustments": true, "reservations": true, "topups": true, "topup_rules": true,
	"cards": true, "owner_topup": true, "owner_limits": true, "expected_payments": true,
	"transfers": true, // of two owners, both declared
	// Added, or changed together with a row above: an attempt with its charge; a delivery
	// is of its event's record, which is an owner's.
	"postings": true, "entries": true, "attempts": true, "decisions": true, "audit": true, "events": true,
	"balance_actions": true, "deliveries": true,
	// Written by the one process whose lease a run has; only openRun, which runs alone,
	// gives it to another.
	"runs": true,
	// Everybody's, and locked before they are read for a change.
	"pace": true, "sending": true,
	// Marked as used where it is not yet, so that of two owners one has it (UseVoucher).
	"vouchers": true,
}

// besideOthers reports whether a statement may run in a transaction of declared owners.
func besideOthers(query string) bool {
	if known, ok := statements.Load(query); ok {
		return known.(bool)
	}
	may := ownersTables[tableOf(query)]
	statements.Store(query, may)
	return may
}

var statements sync.Map // of besideOthers

// tableOf is the table that an INSERT, UPDATE or DELETE changes.
func tableOf(query string) string {
	words := strings.Fields(query)
	at := 2 // INSERT INTO t, DELETE FROM t
	if len(words) > 0 && words[0] == "UPDATE" {
		at = 1
	}
	if len(words) <= at {
		return ""
	}
	name, _, _ := strings.Cut(words[at], "(")
	return name
}

// owns is called before a record of an owner is changed.
func (t *tx) owns(o billing.OwnerID) error {
	if t.err == nil && t.scope != nil {
		if _, ok := slices.BinarySearch(t.scope, o); !ok {
			t.err = errBeyond
		}
	}
	return t.err
}

// alone is called before what two must not do beside each other, whosever it is.
func (t *tx) alone() error {
	if t.err == nil && t.scope != nil {
		t.err = errBeyond
	}
	return t.err
}

// ownsAccount is owns for what others read of a customer: whether it is blocked or held,
// what is below it. Only an account's changes beside others.
func (t *tx) ownsAccount(o billing.OwnerID) error {
	if t.err == nil && t.scope != nil && !o.IsAccount() {
		t.err = errBeyond
	}
	return t.owns(o)
}

// declared is the owners in the order in which they are locked; never nil.
func declared(owners []billing.OwnerID) []billing.OwnerID {
	sorted := append(make([]billing.OwnerID, 0, len(owners)), owners...)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
