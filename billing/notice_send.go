package billing

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// mailTimeout bounds one delivery; its lease is as long and a bit.
const mailTimeout = 30 * time.Second

// mailAgain is the wait after each failed delivery; then it is given up.
var mailAgain = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour}

// mailOne delivers one due notice.
func (e *Engine) mailOne(ctx context.Context, due DueNotice) error {
	var n Notice
	claimed := false
	err := e.updateOwners(ctx, []OwnerID{due.Owner}, func(u *unitOfWork) (err error) {
		claimed = false
		if n, err = u.tx.Notice(due.ID); err != nil {
			return err
		}
		if n.State != NoticePending || n.DueAt.After(u.now) || n.LeaseUntil.After(u.real) {
			return nil
		}
		claimed = true
		n.LeaseUntil = u.real.Add(mailTimeout + leaseSlack)
		return u.tx.SetNotice(&n)
	})
	if err != nil || !claimed {
		return err
	}
	send, cancel := context.WithTimeout(context.WithoutCancel(ctx), mailTimeout)
	defer cancel()
	mail := Mail{
		ID: fmt.Sprintf("notice-%d-%s", n.ID, e.store.Instance()), To: n.To, Subject: n.Subject, Body: n.Body,
	}
	return e.mailed(context.WithoutCancel(ctx), n, e.mailer.Send(send, mail))
}

// mailed records a delivery's result. A process that dies between the two
// sends again: the Message-ID is the same.
func (e *Engine) mailed(ctx context.Context, n Notice, sendErr error) error {
	return e.updateOwners(ctx, []OwnerID{n.Owner}, func(u *unitOfWork) error {
		m := n
		m.Tries++
		m.LeaseUntil = zeroTime
		var permanent *PermanentError
		switch {
		case sendErr == nil:
			m.State, m.SentAt, m.DueAt, m.Error = NoticeSent, u.real, zeroTime, ""
		case errors.As(sendErr, &permanent) || m.Tries > len(mailAgain):
			m.State, m.DueAt, m.Error = NoticeFailed, zeroTime, sendErr.Error()
		default:
			// A mail server lives by the real clock: the wait is a lease.
			m.LeaseUntil, m.Error = u.real.Add(mailAgain[m.Tries-1]), sendErr.Error()
		}
		u.tell(func(o Observer) { o.Mailed(m) })
		return u.tx.SetNotice(&m)
	})
}
