package db

import (
	"encoding/json"

	"topupd/billing"
)

const runColumns = `id, job, key, trigger_by, as_of, started_at, finished_at, lease_until, error,
    decided, charges, charged, declined, unknown, waiting, mails, posted, failed, skipped, expected`

func scanRun(r *row, run *billing.Run) {
	run.ID = billing.RunID(r.int64())
	run.Job = billing.Job(r.text())
	run.Key = r.text()
	run.Trigger = r.text()
	run.AsOf = r.time()
	run.StartedAt = r.time()
	run.FinishedAt = r.time()
	run.LeaseUntil = r.time()
	run.Error = r.text()
	t := &run.Tally
	for _, n := range []*int64{&t.Decided, &t.Charges, &t.Charged, &t.Declined, &t.Unknown, &t.Waiting, &t.Mails, &t.Posted, &t.Failed} {
		*n = r.int64()
	}
	if s := r.text(); s != "" {
		_ = json.Unmarshal([]byte(s), &t.Skipped) // a tally is for people only
	}
	t.Expected = r.int64()
}

const sqlRun = `SELECT ` + runColumns + ` FROM runs WHERE id = $1`

func (r *reader) Run(id billing.RunID) (billing.Run, error) {
	return one(r, "run", scanRun, sqlRun, int64(id))
}

const (
	sqlRuns      = `SELECT ` + runColumns + ` FROM runs WHERE id < $1 ORDER BY id DESC LIMIT $2`
	sqlRunsOfJob = `SELECT ` + runColumns + ` FROM runs WHERE id < $1 AND job = $3 ORDER BY id DESC LIMIT $2`
)

func (r *reader) Runs(job billing.Job, before billing.RunID, limit int) ([]billing.Run, error) {
	if job == "" {
		return list(r, scanRun, sqlRuns, beforeOf(before), limitOf(limit))
	}
	return list(r, scanRun, sqlRunsOfJob, beforeOf(before), limitOf(limit), string(job))
}

// Keys are dates and minutes in UTC, so the newest is the greatest.
const sqlLastKey = `SELECT COALESCE(MAX(key), '') FROM runs WHERE job = $1 AND key <> '' AND finished_at IS NOT NULL`

func (r *reader) LastKey(job billing.Job) (string, error) {
	return one(r, "run", func(r *row, s *string) { *s = r.text() }, sqlLastKey, string(job))
}

const sqlRunByKey = `SELECT ` + runColumns + ` FROM runs WHERE job = $1 AND key = $2 AND key <> ''`

func (r *reader) RunByKey(job billing.Job, key string) (billing.Run, error) {
	return one(r, "run", scanRun, sqlRunByKey, string(job), key)
}

const sqlCreateRun = `INSERT INTO runs (job, key, trigger_by, as_of, started_at, finished_at, lease_until, error,
    decided, charges, charged, declined, unknown, waiting, mails, posted, failed, skipped, expected)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`

func (t *tx) CreateRun(run *billing.Run) error {
	skipped, err := skippedText(run.Tally)
	if err != nil {
		return err
	}
	y := &run.Tally
	id, err := t.insert(sqlCreateRun, string(run.Job), run.Key, run.Trigger, run.AsOf, run.StartedAt, run.FinishedAt,
		run.LeaseUntil, run.Error, y.Decided, y.Charges, y.Charged, y.Declined, y.Unknown, y.Waiting, y.Mails, y.Posted, y.Failed,
		skipped, y.Expected)
	if err == nil {
		run.ID = billing.RunID(id)
	}
	return err
}

const sqlSetRun = `UPDATE runs SET finished_at = $2, lease_until = $3, error = $4, decided = $5, charges = $6,
    charged = $7, declined = $8, unknown = $9, waiting = $10, mails = $11, posted = $12, failed = $13, skipped = $14, expected = $15
WHERE id = $1`

func (t *tx) SetRun(run *billing.Run) error {
	skipped, err := skippedText(run.Tally)
	if err != nil {
		return err
	}
	y := &run.Tally
	return t.change("run", sqlSetRun, int64(run.ID), run.FinishedAt, run.LeaseUntil, run.Error, y.Decided, y.Charges,
		y.Charged, y.Declined, y.Unknown, y.Waiting, y.Mails, y.Posted, y.Failed, skipped, y.Expected)
}

// skippedText is the map as JSON, empty for an empty one.
func skippedText(t billing.Tally) (string, error) {
	if len(t.Skipped) == 0 {
		return "", nil
	}
	b, err := json.Marshal(t.Skipped)
	if err != nil {
		return "", internal(err)
	}
	return string(b), nil
}
