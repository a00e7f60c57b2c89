package db

import (
	"time"

	"topupd/billing"
)

const noticeColumns = `id, owner_id, top_id, kind, cause, recipient, subject, body, state, tries, due_at, lease_until,
    error, run_id, created_at, sent_at`

func scanNotice(r *row, n *billing.Notice) {
	n.ID = billing.NoticeID(r.int64())
	n.Owner = billing.OwnerID(r.int64())
	n.Top = billing.OwnerID(r.int64())
	n.Kind = billing.NoticeKind(r.text())
	n.Cause = r.text()
	n.To = r.text()
	n.Subject = r.text()
	n.Body = r.text()
	n.State = billing.NoticeState(r.text())
	n.Tries = r.int()
	n.DueAt = r.time()
	n.LeaseUntil = r.time()
	n.Error = r.text()
	n.Run = billing.RunID(r.int64())
	n.CreatedAt = r.time()
	n.SentAt = r.time()
}

const sqlNotice = `SELECT ` + noticeColumns + ` FROM notices WHERE id = $1`

func (r *reader) Notice(id billing.NoticeID) (billing.Notice, error) {
	return one(r, "notice", scanNotice, sqlNotice, int64(id))
}

const sqlDueNotices = `SELECT id, owner_id FROM notices WHERE state = 'pending' AND due_at IS NOT NULL AND due_at <= $1
    AND (lease_until IS NULL OR lease_until <= $2)
ORDER BY due_at, id LIMIT $3`

func (r *reader) DueNotices(now, real time.Time, limit int) ([]billing.DueNotice, error) {
	return list(r, func(r *row, n *billing.DueNotice) {
		n.ID, n.Owner = billing.NoticeID(r.int64()), billing.OwnerID(r.int64())
	}, sqlDueNotices, now, real, limitOf(limit))
}

const (
	sqlNotices   = `SELECT ` + noticeColumns + ` FROM notices WHERE id < $1 ORDER BY id DESC LIMIT $2`
	sqlNoticesOf = `SELECT ` + noticeColumns + ` FROM notices WHERE id < $1 AND owner_id = $3 ORDER BY id DESC LIMIT $2`
)

func (r *reader) Notices(o billing.OwnerID, before billing.NoticeID, limit int) ([]billing.Notice, error) {
	if o == 0 {
		return list(r, scanNotice, sqlNotices, beforeOf(before), limitOf(limit))
	}
	return list(r, scanNotice, sqlNoticesOf, beforeOf(before), limitOf(limit), int64(o))
}

const sqlCreateNotice = `INSERT INTO notices (owner_id, top_id, kind, cause, recipient, subject, body, state, tries,
    due_at, lease_until, error, run_id, created_at, sent_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

func (t *tx) CreateNotice(n *billing.Notice) error {
	id, err := t.insert(sqlCreateNotice, ref(n.Owner), int64(n.Top), string(n.Kind), n.Cause, n.To, n.Subject, n.Body,
		string(n.State), n.Tries, n.DueAt, n.LeaseUntil, n.Error, ref(n.Run), n.CreatedAt, n.SentAt)
	if err == nil {
		n.ID = billing.NoticeID(id)
	}
	return err
}

const sqlSetNotice = `UPDATE notices SET recipient = $2, subject = $3, body = $4, state = $5, tries = $6, due_at = $7,
    lease_until = $8, error = $9, sent_at = $10
WHERE id = $1`

func (t *tx) SetNotice(n *billing.Notice) error {
	if err := t.owns(n.Owner); err != nil {
		return err
	}
	return t.change("notice", sqlSetNotice, int64(n.ID), n.To, n.Subject, n.Body, string(n.State), n.Tries, n.DueAt,
		n.LeaseUntil, n.Error, n.SentAt)
}
