package db

import (
	"context"
	"sync/atomic"

	"topupd/billing"
)

// room remembers that PostgreSQL had no room on its disk. Others may still be lucky, who
// change only what is there, and a server to which nothing is sent any more would never
// learn that there is room again. So whoever asks whether the server is ready has
// PostgreSQL ask its disk.
type room struct{ full atomic.Bool }

func noRoom(err error) bool { return inState(err, pgDiskFull) }

// update is the lanes' and looks at what became of the member.
func (s *postgresStore) update(m *member) error {
	err := s.writers.update(m)
	if noRoom(m.err) {
		s.room.full.Store(true)
	}
	m.err = atWork(m.err)
	return atWork(err)
}

// pgSpill sorts a megabyte in little memory, over a file beside the tables: it asks for
// room without a row, a word in the log or a right, and leaves nothing.
const pgSpill = `BEGIN; SET LOCAL work_mem = '64kB'; SET LOCAL temp_tablespaces = '';
SELECT count(*) FROM (SELECT repeat('x', 1000) || n FROM generate_series(1, 1000) n ORDER BY 1) words; ROLLBACK`

// short is an error while there is still no room.
func (s *postgresStore) short(ctx context.Context) error {
	if !s.room.full.Swap(false) {
		return nil
	}
	if _, err := s.readers.Exec(ctx, pgSpill); noRoom(err) {
		s.room.full.Store(true)
		return classifyPostgres(err)
	}
	return nil
}

func withoutRoom(err error) error {
	return &billing.Error{Code: billing.Busy, Message: "the database has no room, try again", Err: err}
}
