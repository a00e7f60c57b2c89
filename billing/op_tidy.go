package billing

import (
	"context"
	"time"
)

// A process deletes what is kept for a time every now and then, and not more at once
// than others can wait for.
const (
	tidyEvery = time.Hour
	tidyBatch = 500
	tidyPause = 20 * time.Millisecond
)

// tidyFirst is after the start, when there is enough to do. Tests do not wait.
var tidyFirst = time.Minute

// tidyUp calls Tidy every now and then until ctx is done.
func (e *Engine) tidyUp(ctx context.Context) {
	for wait := tidyFirst; sleep(ctx, wait); wait = tidyEvery {
		if _, err := e.Tidy(ctx); err != nil && ctx.Err() == nil {
			e.observer.Failed("old audit rows could not be deleted", err)
		}
		if err := e.tidyAnswers(ctx); err != nil && ctx.Err() == nil {
			e.observer.Failed("old answers could not be deleted", err)
		}
		if _, err := e.TidyEvents(ctx); err != nil && ctx.Err() == nil {
			e.observer.Failed("old events could not be deleted", err)
		}
	}
}

// Tidy deletes audit rows that are older than AuditDays by the real clock, in small
// transactions, and says how many. Any number of processes may do it.
func (e *Engine) Tidy(ctx context.Context) (gone int64, err error) {
	if e.set.AuditDays == 0 {
		return 0, nil
	}
	before := realNow().Add(-time.Duration(e.set.AuditDays) * 24 * time.Hour)
	for {
		var n int64
		err := e.update(ctx, func(u *unitOfWork) (err error) {
			n, err = u.tx.DropAudit(before, tidyBatch)
			return err
		})
		if err != nil {
			return gone, err
		}
		gone += n
		if n < tidyBatch {
			return gone, nil
		}
		if !sleep(ctx, tidyPause) {
			return gone, ctx.Err()
		}
	}
}

// sleep waits; false when ctx was done first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
