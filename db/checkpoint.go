package db

import (
	"errors"
	"sync"

	sqlite3 "modernc.org/sqlite/lib"
)

// checkpointer copies the log into the database and syncs it beside the writer, and has
// the log begin anew while the writer pauses for the little that is left. Without it the
// writer does that itself, inside the commit that makes the log too long, and everybody
// waits for the fsync of thousands of scattered pages. Its failures are harmless: the
// writer's own limit (wal_autocheckpoint) is behind it; but for a disk that fails.
type checkpointer struct {
	open func() (*sqliteSession, error)
	// writer is held by a transaction that writes.
	writer sync.Locker
	// noSync leaves the disk out (Options.NoSync).
	noSync bool
	// failed is told what may have lost pages of the database; usable, an error once
	// something was lost.
	failed func(error)
	usable func() error
	due    chan struct{}
	once   sync.Once
	over   sync.WaitGroup
}

const (
	// checkpointEvery is after how many pages the log is copied: well before walLimit
	// of them, where the writer does it. Each round ends with a sync of scattered
	// pages, which those of commits wait behind, and a page that was written often is
	// copied once, so rounds are few. A round lets the log grow by half as much again.
	checkpointEvery = 32000
	walLimit        = 80000
	// logKept is how large a log stays when it begins anew: as large as rounds let it grow.
	// Cut off and written again it costs the disk its book-keeping each time. One of
	// 300 MiB is read in 0.2 s after a crash.
	logKept = 256 << 20
	// checkpointRest is how many pages may be left for the writer's pause: a few
	// milliseconds.
	checkpointRest = 100
	// checkpointPasses bounds one round against a writer that never rests.
	checkpointPasses = 6
	// restartPatience is for how many milliseconds the pause may wait for those who
	// read from the log: who reads for long keeps it, and it goes on growing.
	restartPatience = 10
)

// start lets it sleep until it is woken; its connection is made when first needed.
func (c *checkpointer) start() *checkpointer {
	c.due = make(chan struct{}, 1)
	c.over.Go(c.run)
	return c
}

// wake asks for a round; it never waits.
func (c *checkpointer) wake() {
	select {
	case c.due <- struct{}{}:
	default:
	}
}

func (c *checkpointer) run() {
	var ses *sqliteSession
	defer func() {
		if ses != nil {
			if c.usable() != nil {
				ses.conn.keepLog()
			}
			_ = ses.close()
		}
	}()
	for range c.due {
		if ses == nil {
			var err error
			if ses, err = c.open(); err != nil {
				continue
			}
		}
		if c.usable() != nil {
			return // what is in the log may be nowhere else
		}
		c.round(ses)
	}
}

func (c *checkpointer) round(ses *sqliteSession) {
	err := c.restart(ses)
	// After a page that could not be written or synced the log must not begin anew:
	// a later sync may succeed without it.
	var said *sqliteError
	if errors.As(err, &said) && said.code&0xff == sqlite3.SQLITE_IOERR {
		c.failed(err)
	}
}

// restart copies until a pass had little to copy, and has the log begin anew.
//
// SQLite syncs the database only in a pass at whose end nothing new was logged, which a
// busy writer never allows: the pause would sync all pages of the round. So each pass is
// synced here, and the pause has but its own.
func (c *checkpointer) restart(ses *sqliteSession) error {
	var before int64
	for range checkpointPasses {
		copied, left, err := checkpoint(ses, sqlCheckpoint)
		if err == nil && !c.noSync {
			err = ses.conn.syncFile()
		}
		if err != nil {
			return err
		}
		if copied-before+left < checkpointRest {
			c.writer.Lock()
			defer c.writer.Unlock()
			_, _, err = checkpoint(ses, sqlRestartLog)
			return err
		}
		before = copied
	}
	return nil
}

const (
	// sqlCheckpoint never waits for anybody and makes nobody wait.
	sqlCheckpoint = `PRAGMA wal_checkpoint(PASSIVE)`
	sqlRestartLog = `PRAGMA wal_checkpoint(RESTART)`
)

// checkpoint copies what it can and says how many pages of the log are copied and how
// many are left for those who read from it.
func checkpoint(ses *sqliteSession, how string) (copied, left int64, err error) {
	rows, err := ses.query(how)
	if err != nil {
		return 0, 0, err
	}
	if rows.next() {
		_ = rows.int64() // busy: somebody else does it
		logged := rows.int64()
		copied = rows.int64()
		left = logged - copied
	}
	return copied, left, rows.close()
}

// close waits for the round that is under way.
func (c *checkpointer) close() {
	c.once.Do(func() { close(c.due) })
	c.over.Wait()
}
