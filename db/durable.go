package db

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// durable makes commits durable beside the writer. SQLite's own way, synchronous=FULL,
// syncs the log inside each COMMIT, and the next transaction waits for the disk. Here
// the writer commits without a sync and goes on, and whoever has to answer waits until
// the log is synced as far as what it answers: W1 holds for each answer, and one sync
// serves all that wait. What is copied into the database is synced by SQLite before
// (synchronous=NORMAL), so the file is whole at any moment.
//
// A read waits too, for what was committed before its snapshot and is not synced yet:
// otherwise it could tell of a change that a power failure takes back.
//
// A failed sync is the end: what the disk has is not known (the kernel may drop the
// pages that it could not write), so nothing is answered until a restart.
type durable struct {
	// sync writes the log to the disk; nil leaves it out (Options.NoSync).
	sync func() error

	begun, committed, synced atomic.Uint64 // numbers of commits; begun and committed are the writer's

	mu      sync.Mutex
	turned  sync.Cond // committed or synced went on, or lost was set
	syncing bool
	lost    error
}

func newDurable(sync func() error) *durable {
	d := &durable{sync: sync}
	d.turned.L = &d.mu
	return d
}

// begin is called before each COMMIT, end after it, whatever became of it.
func (d *durable) begin() { d.begun.Add(1) }

func (d *durable) end() {
	d.mu.Lock()
	d.committed.Store(d.begun.Load())
	d.turned.Broadcast()
	d.mu.Unlock()
}

// wait returns when commit n and all before it are on the disk.
func (d *durable) wait(n uint64) error {
	if d.sync == nil || d.synced.Load() >= n {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.synced.Load() < n && d.lost == nil {
		if d.syncing || d.committed.Load() < n {
			d.turned.Wait()
			continue
		}
		d.syncing = true
		upTo := d.committed.Load()
		d.mu.Unlock()
		err := d.sync()
		d.mu.Lock()
		d.syncing = false
		if err != nil {
			d.lost = internal(fmt.Errorf("the database's log could not be synced to the disk; nothing is written until a restart: %w", err))
		} else {
			d.synced.Store(upTo)
		}
		d.turned.Broadcast()
	}
	return d.lost
}

// gather waits while a sync is under way and full says that there is little to do: a
// commit made now could be synced only after it, so its group may as well grow.
func (d *durable) gather(full func() bool) {
	if d.sync == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.syncing && !full() {
		d.turned.Wait()
	}
}

// poke has gather ask again.
func (d *durable) poke() {
	d.mu.Lock()
	d.turned.Broadcast()
	d.mu.Unlock()
}

// fail is the end, as a failed sync is.
func (d *durable) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lost == nil {
		d.lost = internal(fmt.Errorf("the database could not be written to the disk; nothing is written until a restart: %w", err))
	}
	d.turned.Broadcast()
}

// usable is an error once a sync failed.
func (d *durable) usable() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost
}

// logFile syncs SQLite's log. The file stays the same as long as a connection is open,
// and is opened at the first commit, when it is there. SQLite keeps no locks on it that
// closing a descriptor would drop.
type logFile struct {
	path string
	f    *os.File
}

func (l *logFile) sync() error {
	if l.f == nil {
		f, err := os.OpenFile(l.path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		l.f = f
	}
	return syncData(l.f)
}

func (l *logFile) close() error {
	if l.f == nil {
		return nil
	}
	f := l.f
	l.f = nil
	return f.Close()
}
