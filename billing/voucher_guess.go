package billing

import (
	"errors"
	"strconv"
	"time"
)

// Guesses is how many vouchers did not work for an account, or for a login, or how many
// tries of one voucher did not.
type Guesses struct {
	Subject string
	Top     OwnerID
	// Since is when the first of them came; they count for guessWindow from then on.
	Since time.Time
	Wrong int64
}

// A voucher's code cannot be guessed, the PIN of a code that was found can. A login
// may serve many people who mistype, so it has more. A voucher is tried by one person,
// who may have many accounts.
const (
	guessWindow      = time.Hour
	guessesByAccount = 10
	guessesByVoucher = 10
	guessesByLogin   = 100
)

// guesses are those of the account and of the acting login, as they count now, and
// whether they are too many. Root and who is trusted are bound by the account's only:
// they could make vouchers.
func (u *unitOfWork) guesses(j *Judged) (list []Guesses, locked bool, err error) {
	type limit struct {
		subject string
		top     OwnerID
		most    int64
	}
	limits := []limit{{"account:" + strconv.FormatInt(j.Owner.ID.Number(), 10), j.Owner.Top, guessesByAccount}}
	if !u.actor.IsRoot() && !u.actor.Trusted {
		limits = append(limits, limit{"login:" + u.actor.Name(), j.Owner.Top, guessesByLogin})
	}
	for _, l := range limits {
		g, err := u.guessesOf(l.subject, l.top)
		if err != nil {
			return nil, false, err
		}
		locked = locked || g.Wrong >= l.most
		list = append(list, g)
	}
	return list, locked, nil
}

// guessesOf are those of one subject, as they count now.
func (u *unitOfWork) guessesOf(subject string, top OwnerID) (Guesses, error) {
	g, err := u.tx.Guesses(subject)
	if err != nil && !errors.Is(err, NotFound) {
		return g, err
	}
	if err != nil || u.now.Sub(g.Since) >= guessWindow {
		g = Guesses{Subject: subject, Top: top, Since: u.now}
	}
	return g, nil
}

// guessesOfVoucher are the tries of a voucher that is there.
func (u *unitOfWork) guessesOfVoucher(j *Judged, v *Voucher) (Guesses, error) {
	return u.guessesOf("voucher:"+strconv.FormatInt(int64(v.ID), 10), j.Owner.Top)
}

// guessed counts one more, and says so; of a voucher that is there, 0 if none is.
func (u *unitOfWork) guessed(j *Judged, guesses []Guesses, id VoucherID) error {
	for i := range guesses {
		guesses[i].Wrong++
		if err := u.tx.PutGuesses(&guesses[i]); err != nil {
			return err
		}
	}
	return u.audit(AuditGuess, j.Owner.Top, auditOwner("vouchers", j.Owner.ID),
		newAudit().count("wrong", guesses[0].Wrong).count("i_voucher", int64(id)))
}
