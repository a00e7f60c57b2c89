package billing

import (
	"bytes"
	"context"
	"errors"
	"time"
)

// OnceParams names a request that is carried out once.
type OnceParams struct {
	// Key is the caller's: 1 to MaxKey visible ASCII characters.
	Key string
	// Input is a hash of the whole request.
	Input [32]byte
}

// MaxKey is the longest key of a request that is not to happen twice.
const MaxKey = 255

var errNotKept = errors.New("a refusal changes nothing")

// Once carries a request of the actor's customer out once: fn and the row of its
// answer are one transaction, which every operation that fn calls with its context
// joins. The same request again gets the kept answer. A refusal (status 400 and up,
// or an error) is given to its caller and undoes everything. fn may run more than
// once, and waits for nothing: all writers wait for it. Errors: Missing, Invalid,
// KeyReused, NotFound, and fn's.
func (e *Engine) Once(ctx context.Context, p OnceParams, fn func(context.Context) (Answer, error)) (a Answer, err error) {
	if err := checkKey(p.Key); err != nil {
		return Answer{}, err
	}
	err = e.update(ctx, func(u *unitOfWork) error {
		a, err = u.once(ctx, p, fn)
		return err
	})
	if errors.Is(err, errNotKept) {
		err = nil
	}
	return a, err
}

func checkKey(key string) error {
	if key == "" {
		return Errorf(Missing, "Idempotency-Key", "1 to %d visible ASCII characters", MaxKey)
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] >= 0x7f || i >= MaxKey {
			return Errorf(Invalid, "Idempotency-Key", "1 to %d visible ASCII characters", MaxKey)
		}
	}
	return nil
}

func (u *unitOfWork) once(ctx context.Context, p OnceParams, fn func(context.Context) (Answer, error)) (Answer, error) {
	customer, err := u.owner(u.actor.Customer)
	if err != nil {
		return Answer{}, wrongOwner(u.actor.Customer, err)
	}
	kept, err := u.tx.KeptAnswer(customer.ID, p.Key)
	switch {
	case err == nil && u.e.set.AnswerDays > 0 && kept.CreatedAt.Before(u.e.answersBefore(u.real)):
		if err := u.tx.DropAnswer(customer.ID, p.Key); err != nil {
			return Answer{}, err
		}
	case err == nil && !bytes.Equal(kept.Input, p.Input[:]):
		return Answer{}, Errorf(KeyReused, "Idempotency-Key", "this Idempotency-Key was used for another request")
	case err == nil:
		kept.Answer.Replayed = true
		return kept.Answer, nil
	case !errors.Is(err, NotFound):
		return Answer{}, err
	}
	a, err := fn(context.WithValue(ctx, joinKey{}, u))
	switch {
	case err != nil:
		return a, err
	case a.Status >= 400:
		return a, errNotKept
	}
	return a, u.tx.KeepAnswer(&KeptAnswer{
		Top: customer.Top, Customer: customer.ID, Key: p.Key, Input: p.Input[:], Answer: a, CreatedAt: u.real,
	})
}

// answersBefore is when the oldest answers were kept that are still given.
func (e *Engine) answersBefore(now time.Time) time.Time { return now.AddDate(0, 0, -e.set.AnswerDays) }

// tidyAnswers deletes the answers that nobody gets any more, in small transactions.
func (e *Engine) tidyAnswers(ctx context.Context) error {
	if e.set.AnswerDays == 0 {
		return nil
	}
	before := e.answersBefore(realNow())
	var oldest time.Time
	err := e.view(ctx, func(r Reader) (err error) {
		oldest, err = r.OldestAnswer()
		return err
	})
	if err != nil || oldest.IsZero() || !oldest.Before(before) {
		return err
	}
	for {
		var n int64
		err := e.update(ctx, func(u *unitOfWork) (err error) {
			n, err = u.tx.DropAnswers(before, tidyBatch)
			return err
		})
		if err != nil || n < tidyBatch {
			return err
		}
		if !sleep(ctx, tidyPause) {
			return ctx.Err()
		}
	}
}
