// Package db keeps everything: it implements billing.Store on SQLite.
//
// It owns the SQL, the transactions, the locks and the migrations. It does not
// own decisions, defaults or words for people: an error leaves it as a
// billing.Error with a code, and billing or an interface adds the words.
//
// Invariants it holds by itself, whatever its caller does:
//
//   - W1: Update answers only after the fsync that holds the change. Callers
//     that arrive together share one commit (group.go).
//   - L2, L4, C2, C4, C6, N1 and the shape of every record are constraints and
//     triggers of the schema (migrations), not code.
//   - A View is one snapshot; a reader never waits for a writer.
//   - The database file is never opened but by SQLite: closing another
//     descriptor of it would drop SQLite's locks.
//
// One text of SQL with $n parameters serves both engines; only the migrations
// and the few statements in verify_sqlite.go and backup.go are SQLite's own.
// The connections are used through database/sql/driver, not database/sql: the
// writer is one connection and a statement is compiled once per connection, so
// that a pool's locks and reflection would only add to the cost of each call.
package db
