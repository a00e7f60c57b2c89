// Package billing holds the rules of topupd: money, the ledger, the
// low-balance policy, the decision, the life of a charge, runs, billing
// periods and notices; and the ports it needs: Store, Gateway, Mailer, Sealer,
// Observer.
//
// It owns what is decided and what is booked. It does not own HTTP, SQL, wire
// words, schedules or secrets at rest, and it imports none of our packages.
// Money is an int64 count of millionths, never a float.
//
// Invariants (the database enforces what it can, `topupd verify` checks):
//
//   - L1 every posting sums to zero per unit; L2 entries are never changed or
//     deleted; L3 a balance equals the sum of its entries; L4 one posting per cause.
//   - C1 an attempt and its gateway key are committed before the request
//     leaves; C2 the key is derived from charge and attempt and never changes;
//     C3 an attempt whose outcome is not known is looked up or sent again with
//     the same key, never replaced; C4 succeeded and the posting commit
//     together; C5 no credit before payment; C6 at most one open automatic
//     charge per owner; C7 caps are checked in the transaction that creates the
//     charge; C8 captured - refunded - withdrawn + reinstated = credited + tax + fee.
//   - N1 a scheduled firing runs once; every effect has a key of its own.
//   - W1 what is acknowledged is durable.
//
// Where to look: op_*.go are the operations that adapters and commands call;
// decide_*.go the pure decisions; charge_send.go and charge_settle.go the life
// of a charge; period_flow.go a billing period; unit_of_work.go one transaction.
package billing
