package db

import "time"

// onReadOnly reports whether a change was refused because PostgreSQL is read-only.
func onReadOnly(err error) bool { return inState(err, pgReadOnly) }

// elsewhereOften is how often a server looks for another PostgreSQL at most.
const elsewhereOften = time.Second

// elsewhere leaves all connections to a PostgreSQL that turned read-only: one that was
// switched over breaks none of them, and of several hosts only a new connection looks for
// the one that writes.
func (s *postgresStore) elsewhere() {
	last, now := s.left.Load(), time.Now().UnixNano()
	if now-last < int64(elsewhereOften) || !s.left.CompareAndSwap(last, now) {
		return
	}
	s.writing.Reset()
	s.readers.Reset()
	s.signals.elsewhere()
}
