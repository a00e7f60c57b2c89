package billing

import (
	"errors"
	"time"
)

// noticeFacts is what a notice tells beside the owner's balance.
type noticeFacts struct {
	Threshold *int64
	Charge    *Charge
	Attempt   *Attempt
	RetryAt   time.Time
	Period    *Period
	Card      *Card
	Expected  *ExpectedPayment
	Rule      *TopupRule
	Letter    string // the correspondence's type
	Pool      *PoolPlan
	Allowance *PoolBalance
}

// notice renders a notice and queues it in the same transaction as what it
// tells of. Its cause is unique: one event is told once.
func (u *unitOfWork) notice(j *Judged, kind NoticeKind, cause string, f noticeFacts) error {
	_, err := u.queue(j, kind, cause, f)
	return err
}

// queue is notice; it returns the notice's id, 0 for one that was told before.
func (u *unitOfWork) queue(j *Judged, kind NoticeKind, cause string, f noticeFacts) (NoticeID, error) {
	v := noticeView{
		Name: j.Owner.Name, Owner: j.Owner.ID.String(), Unit: j.Owner.Currency,
		Balance: j.Bucket.Balance, Available: j.Available(), Threshold: f.Threshold, RetryAt: f.RetryAt, Now: u.now,
		zone: u.e.zone(j.Owner.TimeZone),
	}
	if v.Threshold == nil {
		v.Threshold = j.Policy.Threshold
	}
	if f.Charge != nil {
		v.Credit, v.Gross, v.Purpose = f.Charge.Credit, f.Charge.Gross, f.Charge.Purpose
		card, err := u.tx.Card(f.Charge.Card)
		if err != nil && !errors.Is(err, NotFound) {
			return 0, err
		}
		v.Card = card.Label()
		v.Reference = int64(f.Charge.ID)
	}
	if f.Card != nil {
		v.Card = f.Card.Label()
	}
	if f.Expected != nil {
		v.Gross, v.Letter, v.Period, v.Reference, v.Method = f.Expected.Amount, f.Letter, f.Expected.Date, int64(f.Expected.ID), f.Expected.Method
	}
	if f.Attempt != nil {
		v.Class = f.Attempt.Class
	}
	if f.Period != nil {
		v.Price, v.Period = f.Period.Price, f.Period.Date
	}
	if f.Rule != nil {
		v.Credit, v.Every, v.Reference, v.NeedsYou = f.Rule.Amount, f.Rule.Period, int64(f.Rule.ID), f.Rule.Suspended == NeedsCustomer
		v.Over = f.Rule.State != RuleActive
	}
	if f.Pool != nil {
		v.Pool, v.Allowance = f.Pool.Name, f.Allowance
	}
	subject, body, err := renderNotice(kind, &v)
	if err != nil {
		return 0, err
	}
	n := Notice{
		Owner: j.Owner.ID, Top: j.Owner.Top, Kind: kind, Cause: cause, To: j.Owner.Email,
		Subject: subject, Body: body, State: NoticePending, DueAt: u.now, Run: u.run, CreatedAt: u.now,
	}
	if n.To == "" {
		n.State, n.DueAt = NoticeNoMail, zeroTime
	}
	err = u.tx.CreateNotice(&n)
	if errors.Is(err, Exists) {
		return 0, nil
	}
	u.work = true
	u.mails = append(u.mails, Decision{
		Owner: j.Owner.ID, Top: j.Owner.Top, At: u.now, Run: u.run, Actor: u.actor.Name(), Unit: j.Owner.Currency,
		Available: v.Available, Threshold: v.Threshold, Reason: ReasonMail, Notice: kind, Detail: v.Card,
	})
	return n.ID, err
}
