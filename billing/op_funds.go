package billing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// MoveFundsParams moves an owner's money balance on behalf of a panel.
type MoveFundsParams struct {
	Owner OwnerID
	// Kind is PostAddFunds, PostCredit (both up) or PostDebit (down).
	Kind PostingKind
	// Amount is in millionths and above 0.
	Amount   int64
	Currency Unit // must be the owner's
	Notes    string
	// EffectiveAt is when it counts; zero is now.
	EffectiveAt time.Time
	// IdempotencyKey makes the same call again a repeat: answered, not booked.
	IdempotencyKey string
	// FromParent books the counterpart against the acting customer's balance
	// (customerAddFunds and its kin), unless the actor is root.
	FromParent bool
}

// MoveFundsResult is what was booked.
type MoveFundsResult struct {
	Posting PostingID
	// Balance is the owner's balance afterwards; of a repeat, as it is now.
	Balance Amount
	// Repeated: the idempotency key was seen before, nothing was booked.
	Repeated bool
}

// maxNotes bounds what a caller may have us keep.
const maxNotes = 4000

// MoveFunds books one movement and judges the owners whose available went
// down, in the same transaction. A debit is never refused for lack of funds:
// the call has happened. Errors: Missing, Invalid, NotFound, WrongCurrency,
// KeyReused, Overflow.
func (e *Engine) MoveFunds(ctx context.Context, p MoveFundsParams) (MoveFundsResult, error) {
	var res MoveFundsResult
	if err := p.check(); err != nil {
		return res, err
	}
	owners := []OwnerID{p.Owner}
	if p.FromParent {
		owners = append(owners, ActorFrom(ctx).Customer)
	}
	err := e.updateOwners(ctx, owners, func(u *unitOfWork) (err error) {
		res, err = u.moveFunds(p)
		return err
	})
	return res, err
}

func (p *MoveFundsParams) check() error {
	switch p.Kind {
	case PostAddFunds, PostCredit, PostDebit:
	default:
		return Errorf(Internal, "kind", "%q moves no funds", p.Kind)
	}
	switch {
	case p.Amount <= 0:
		return Errorf(Invalid, "amount", "amount is above 0")
	case len(p.IdempotencyKey) > MaxKey:
		return Errorf(Invalid, "idempotency_key", "at most %d characters", MaxKey)
	case len(p.Notes) > maxNotes:
		return Errorf(Invalid, "payment_notes", "at most %d characters", maxNotes)
	}
	return nil
}

func (u *unitOfWork) moveFunds(p MoveFundsParams) (MoveFundsResult, error) {
	j, err := u.judged(p.Owner)
	if err != nil {
		return MoveFundsResult{}, err
	}
	if p.Currency != j.Owner.Currency {
		return MoveFundsResult{}, Errorf(WrongCurrency, "currency", "%s is kept in %s", p.Owner, j.Owner.Currency)
	}
	post := Posting{
		Top: j.Owner.Top, Kind: p.Kind, Notes: p.Notes, Actor: u.actor.Name(),
		BookedAt: u.real, EffectiveAt: p.EffectiveAt,
	}
	if post.EffectiveAt.IsZero() {
		post.EffectiveAt = u.now
	}
	if p.IdempotencyKey != "" {
		post.Cause = keyCause(u.actor, p.IdempotencyKey)
		post.Input = p.inputHash()
		if done, err := u.repeated(&post, &j); done.Repeated || err != nil {
			return done, err
		}
	} else {
		post.Cause = "call:" + newCause()
	}
	if p.Kind == PostAddFunds {
		if err := j.Owner.takesPayment(p.Amount); err != nil {
			return MoveFundsResult{}, err
		}
	}
	parent, err := u.counterpart(p, &j, &post)
	if err != nil {
		return MoveFundsResult{}, err
	}
	if err := u.post(&post); err != nil {
		return MoveFundsResult{}, err
	}
	if err := u.auditFunds(fundsWord[p.Kind], &j, &post, p.delta(), p.Currency); err != nil {
		return MoveFundsResult{}, err
	}
	delta := p.delta()
	if err := u.fundsMoved(&j, p.Kind, delta); err != nil {
		return MoveFundsResult{}, err
	}
	if parent != nil {
		if err := u.moved(parent, -delta); err != nil {
			return MoveFundsResult{}, err
		}
	}
	return MoveFundsResult{Posting: post.ID, Balance: Money(j.Bucket.Balance, j.Owner.Currency)}, nil
}

// fundsMoved is moved, with what a payment or a use changes beside the balance.
func (u *unitOfWork) fundsMoved(j *Judged, kind PostingKind, delta int64) error {
	switch {
	case kind == PostAddFunds:
		return u.paymentMoved(j, delta)
	case kind == PostDebit && j.Owner.used(u.now):
		if err := u.tx.PutOwner(&j.Owner); err != nil {
			return err
		}
	}
	return u.moved(j, delta)
}

// paymentMoved follows a payment that was booked to the owner's balance:
// suspensions end, and the account's action on payments is taken.
func (u *unitOfWork) paymentMoved(j *Judged, delta int64) error {
	if err := u.resumed(j); err != nil {
		return err
	}
	if err := u.payment(j); err != nil {
		return err
	}
	wereOpen := j.OpenPeriods
	if err := u.moved(j, delta); err != nil {
		return err
	}
	return u.restartBilling(j, wereOpen)
}

// fundsWord is what the switch's audit log calls a movement.
var fundsWord = map[PostingKind]string{PostAddFunds: "add", PostCredit: "credit", PostDebit: "debit"}

// auditFunds writes the row of a movement: from what balance to what, and which
// customer's balance was the other side.
func (u *unitOfWork) auditFunds(word string, j *Judged, post *Posting, delta int64, unit Unit) error {
	from, to := j.Bucket.Balance, j.Bucket.Balance+delta
	i := newAudit().money("balance", &from, &to).set("currency", string(unit))
	if other := post.Entries[1].Owner; other != 0 {
		i.set("against", auditOwner("customers", other))
	}
	return u.audit(AuditFunds, j.Owner.Top, auditOwner(word, j.Owner.ID), i)
}

func (p *MoveFundsParams) delta() int64 {
	if p.Kind == PostDebit {
		return -p.Amount
	}
	return p.Amount
}

// counterpart gives the posting its two entries; it returns the parent when
// the parent's balance is the other side.
func (u *unitOfWork) counterpart(p MoveFundsParams, j *Judged, post *Posting) (*Judged, error) {
	delta := p.delta()
	post.Entries = []Entry{{Owner: p.Owner, Unit: p.Currency, Micros: delta}}
	if p.FromParent && !u.actor.IsRoot() {
		if p.Owner == u.actor.Customer {
			return nil, Errorf(NotFound, p.Owner.Field(), "a customer cannot move its own funds")
		}
		parent, err := judgedOf(u.tx, u.actor.Customer)
		if err != nil {
			return nil, err
		}
		if parent.Owner.Currency != p.Currency {
			return nil, Errorf(WrongCurrency, "currency", "%s is kept in %s", parent.Owner.ID, parent.Owner.Currency)
		}
		post.Entries = append(post.Entries, Entry{Owner: parent.Owner.ID, Unit: p.Currency, Micros: -delta})
		return &parent, nil
	}
	account := AccountUsage
	switch p.Kind {
	case PostAddFunds:
		account = CashAccount("manual")
	case PostCredit:
		account = AccountAdjustment
	}
	post.Entries = append(post.Entries, Entry{Account: account, Unit: p.Currency, Micros: -delta})
	return nil, nil
}

// repeated answers a call whose idempotency key was booked before.
func (u *unitOfWork) repeated(post *Posting, j *Judged) (MoveFundsResult, error) {
	earlier, err := u.tx.PostingByCause(post.Cause)
	switch {
	case errors.Is(err, NotFound):
		_, _, err := paidByKey(u.tx, post.Cause, post.Input) // a payment by card is other input
		return MoveFundsResult{}, err
	case err != nil:
		return MoveFundsResult{}, err
	case earlier.Input != post.Input:
		return MoveFundsResult{}, keyReused()
	}
	return MoveFundsResult{Posting: earlier.ID, Balance: Money(j.Bucket.Balance, j.Owner.Currency), Repeated: true}, nil
}

func (p *MoveFundsParams) inputHash() string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s|%d|%d|%s|%s|%d|%t", p.Kind, p.Owner, p.Amount, p.Currency, p.Notes, unixMicro(p.EffectiveAt), p.FromParent))
	return hex.EncodeToString(h[:16])
}

func unixMicro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// post validates and books, and tells who wants to know of balances.
func (u *unitOfWork) post(p *Posting) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if err := u.tx.Post(p); err != nil {
		return err
	}
	kind := p.Kind
	u.tell(func(o Observer) { o.Posted(kind) })
	return u.emitBalances(p.Entries, false)
}

// moved follows a booked change of an owner's balance: what it can pay now is
// paid, and the low-balance rule judges, all in the same transaction.
func (u *unitOfWork) moved(j *Judged, delta int64) error {
	j.Bucket.Balance += delta
	if delta > 0 {
		return u.credited(j)
	}
	_, err := u.judge(j, TriggerUsage)
	return err
}

// credited follows funds or a credit limit that came.
func (u *unitOfWork) credited(j *Judged) error {
	trigger := TriggerCredit
	paid, err := u.payOpenPeriods(j)
	if err != nil {
		return err
	}
	if paid {
		trigger = TriggerUsage
	}
	_, err = u.judge(j, trigger)
	return err
}
