// Package db keeps everything: it implements billing.Store on SQLite
// and on PostgreSQL.
//
// It owns the SQL, the transactions, the locks and the migrations. It does not
// own decisions, defaults or words for people: an error leaves it as a
// billing.Error with a code, and billing or an interface adds the words.
//
// Invariants it holds by itself, whatever its caller does:
//
//   - W1: Update and View answer only after the fsync of what they changed or
//     saw. Callers that arrive together share one commit (queue.go). On SQLite one
//     writer makes it (group.go) and its sync, beside which the next commit is made
//     (durable.go); on PostgreSQL a lane does (postgres_writer.go).
//   - A function that declared its owners changes nothing else (scope.go); every
//     other one runs alone, over all servers on a database.
//   - L2, L4, C2, C4, C6, N1 and the shape of every record are constraints and
//     triggers of the schema (migrations), not code.
//   - A View is one snapshot; a reader never waits for a writer, only for the
//     sync of what it saw.
//   - The database file is never opened but by SQLite: closing another
//     descriptor of it would drop SQLite's locks.
//
// One text of SQL with $n parameters serves both engines, through a session of each
// (session.go); only the migrations, copy and what says so are one engine's own. A record that comes without an id gets one
// from the database (tx.insert).
//
// SQLite is used through its own interface (sqlite.go), not through
// database/sql: the writer is one connection, a statement is compiled once per
// connection, and of what a driver does for each column and row nothing is
// needed here. The migrations, which need no speed, run through database/sql.
//
// What a SQLite database consists of: the file itself, "-wal" and "-shm" beside
// it while it is open, and "<file>.serve", the lock of the server.
package db
