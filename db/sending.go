package db

import "topupd/billing"

const (
	sqlSendingStop    = `SELECT stopped_at, resumed_at, reason FROM sending WHERE id = 1`
	sqlSetSendingStop = `UPDATE sending SET stopped_at = $1, resumed_at = $2, reason = $3 WHERE id = 1`
	sqlPace           = `SELECT next_at, slow, limited_at FROM pace WHERE gateway = $1`
	sqlAddPace        = `INSERT INTO pace (gateway, next_at, slow, limited_at) VALUES ($1, $2, $3, $4) ON CONFLICT (gateway) DO NOTHING`
	sqlReplacePace    = `UPDATE pace SET next_at = $2, slow = $3, limited_at = $4 WHERE gateway = $1`
	// A row is locked by writing it as it is: the same words on both engines.
	sqlLockSendingStop = `UPDATE sending SET reason = reason WHERE id = 1`
	sqlLockPace        = `INSERT INTO pace (gateway, next_at, slow, limited_at) VALUES ($1, NULL, 1, NULL)
ON CONFLICT (gateway) DO UPDATE SET slow = pace.slow`
)

func (r *reader) SendingStop() (billing.SendingStop, error) {
	return one(r, "sending", func(r *row, s *billing.SendingStop) { s.At, s.ResumedAt, s.Reason = r.time(), r.time(), r.text() }, sqlSendingStop)
}

func (t *tx) SetSendingStop(s billing.SendingStop) error {
	return t.change("sending", sqlSetSendingStop, s.At, s.ResumedAt, s.Reason)
}

func (t *tx) LockSendingStop() (billing.SendingStop, error) {
	if t.scope != nil { // else nobody runs beside it
		if _, err := t.exec(sqlLockSendingStop); err != nil {
			return billing.SendingStop{}, err
		}
	}
	return t.SendingStop()
}

func (t *tx) LockPace(gateway string) (billing.Pace, error) {
	if t.scope != nil {
		if _, err := t.exec(sqlLockPace, gateway); err != nil {
			return billing.Pace{}, err
		}
	}
	return t.Pace(gateway)
}

func (r *reader) Pace(gateway string) (billing.Pace, error) {
	p := billing.Pace{Gateway: gateway, Slow: 1}
	_, err := r.first(func(r *row) { p.NextAt, p.Slow, p.LimitedAt = r.time(), r.int64(), r.time() }, sqlPace, gateway)
	return p, err
}

func (t *tx) SetPace(p *billing.Pace) error {
	return t.put(sqlAddPace, sqlReplacePace, p.Gateway, p.NextAt, p.Slow, p.LimitedAt)
}
