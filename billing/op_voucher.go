package billing

import (
	"context"
	"errors"
	"time"
)

// CreateVouchersParams makes vouchers of one amount.
type CreateVouchersParams struct {
	Amount   int64 // millionths, above 0
	Currency string
	Count    int
	// ExpiresAt is when they stop to work; zero is never.
	ExpiresAt time.Time
	// PIN gives each a PIN.
	PIN bool
}

// MaxVouchers bounds what one call makes.
const MaxVouchers = 10_000

// NewVoucher is a voucher just made, with what is told only now.
type NewVoucher struct {
	Voucher
	Code Secret
	PIN  Secret
}

// CreateVouchers makes vouchers with random codes, all or none; only root may.
// Errors: Forbidden, Invalid.
func (e *Engine) CreateVouchers(ctx context.Context, p CreateVouchersParams) (made []NewVoucher, err error) {
	if !ActorFrom(ctx).IsRoot() {
		return nil, Errorf(Forbidden, "", "vouchers are root's")
	}
	currency, ok := LookupCurrency(p.Currency)
	switch {
	case !ok:
		return nil, Errorf(Invalid, "currency", "an ISO 4217 code")
	case p.Amount <= 0 || p.Amount > MaxCharge:
		return nil, Errorf(Invalid, "amount", "above 0, at most %s", FormatMicros(MaxCharge))
	case p.Count < 1 || p.Count > MaxVouchers:
		return nil, Errorf(Invalid, "count", "1 to %d", MaxVouchers)
	case !p.ExpiresAt.IsZero() && !p.ExpiresAt.After(now(ctx)):
		return nil, Errorf(Invalid, "expires", "a time to come")
	}
	err = e.update(ctx, func(u *unitOfWork) error {
		made = nil
		for range p.Count {
			n := NewVoucher{Code: newVoucherCode()}
			if p.PIN {
				n.PIN = newVoucherPIN()
			}
			n.Voucher = Voucher{
				Top: Root, CodeHash: hashCode(n.Code), PINHash: hashPIN(n.Code, n.PIN), Hint: hintOf(n.Code),
				Amount: p.Amount, Currency: currency.Code, CreatedAt: u.now, ExpiresAt: p.ExpiresAt,
			}
			if err := u.tx.PutVoucher(&n.Voucher); err != nil {
				return err
			}
			made = append(made, n)
		}
		return u.audit(AuditAdd, Root, auditKey("vouchers", "i_voucher", int64(made[0].ID)),
			newAudit().count("count", int64(p.Count)).set("amount", Money(p.Amount, currency.Code).String()))
	})
	return made, err
}

// Vouchers lists vouchers by id; only root may. Errors: Forbidden.
func (e *Engine) Vouchers(ctx context.Context, after VoucherID, limit int) (list []Voucher, err error) {
	if !ActorFrom(ctx).IsRoot() {
		return nil, Errorf(Forbidden, "", "vouchers are root's")
	}
	err = e.view(ctx, func(r Reader) error {
		list, err = r.Vouchers(after, limit)
		return err
	})
	return list, err
}

// RechargeParams redeems a voucher for an account, named by its id or, if that is
// 0, by its username.
type RechargeParams struct {
	Account  OwnerID
	Username string
	Code     Secret
	PIN      Secret // empty: none
	// worth is what the voucher must be worth; 0 is anything.
	worth int64
}

// Recharged is what a voucher was worth.
type Recharged struct {
	Account OwnerID
	Value   Amount
	Posting PostingID
}

// Recharge credits an account with a voucher, once. It counts as a payment. A code
// that is not there, a wrong PIN, a voucher that was used or has expired are never
// told apart, and after too many of them none works for an hour. Errors: NotFound,
// WrongCurrency.
func (e *Engine) Recharge(ctx context.Context, p RechargeParams) (done Recharged, err error) {
	var refused error // what was counted is kept, so it is no error of the transaction
	err = e.updateOwners(ctx, []OwnerID{p.Account}, func(u *unitOfWork) error {
		refused = nil
		account, err := u.rechargedAccount(p)
		if err != nil {
			return err
		}
		j, err := u.judged(account)
		if err != nil {
			return err
		}
		done, err = u.rechargeOnce(&j, p)
		if errors.Is(err, errWrongVoucher) {
			refused, err = err, nil
		}
		return err
	})
	if err == nil {
		err = refused
	}
	return done, err
}

// errWrongVoucher is the one answer to whatever is wrong with a voucher.
var errWrongVoucher = Errorf(NotFound, "voucher_id", "this voucher does not work")

// rechargeOnce is recharge for one who does not guess.
func (u *unitOfWork) rechargeOnce(j *Judged, p RechargeParams) (Recharged, error) {
	guesses, locked, err := u.guesses(j)
	if err != nil {
		return Recharged{}, err
	}
	if locked {
		return Recharged{}, errWrongVoucher // also a right one: it is not looked at
	}
	v, err := u.tx.VoucherByCode(hashCode(p.Code))
	if err != nil && !errors.Is(err, NotFound) {
		return Recharged{}, err
	}
	if err == nil {
		tries, err := u.guessesOfVoucher(j, &v)
		if err != nil {
			return Recharged{}, err
		}
		if tries.Wrong < guessesByVoucher && v.opens(p.Code, p.PIN, u.now) {
			if p.worth != 0 && p.worth != v.Amount {
				return Recharged{}, Errorf(Invalid, "amount", "the voucher is worth another amount")
			}
			return u.recharge(j, &v)
		}
		// One that is held counts for account and login as a code that is not there
		// does, or its being there would show.
		guesses = append(guesses, tries)
	}
	if err := u.guessed(j, guesses, v.ID); err != nil {
		return Recharged{}, err
	}
	return Recharged{}, errWrongVoucher
}

func (u *unitOfWork) rechargedAccount(p RechargeParams) (OwnerID, error) {
	if p.Account != 0 {
		return p.Account, nil
	}
	o, err := u.tx.AccountByUsername(p.Username)
	if err == nil && !u.actor.Sees(&o) {
		err = NotFound
	}
	if errors.Is(err, NotFound) {
		return 0, Errorf(NotFound, "username", "there is no such account in your scope")
	}
	return o.ID, err
}

func (u *unitOfWork) recharge(j *Judged, v *Voucher) (Recharged, error) {
	if v.Currency != j.Owner.Currency {
		// Who has code and PIN may know what is wrong.
		return Recharged{}, Errorf(WrongCurrency, "currency", "%s is kept in %s", j.Owner.ID, j.Owner.Currency)
	}
	if err := j.Owner.takesPayment(v.Amount); err != nil {
		return Recharged{}, err
	}
	first, err := u.tx.UseVoucher(v.ID, j.Owner.ID, j.Owner.Top, u.now)
	if err != nil {
		return Recharged{}, err
	}
	if !first {
		return Recharged{}, errWrongVoucher
	}
	post := Posting{
		Top: j.Owner.Top, Kind: PostVoucher, Cause: causeOf("voucher", int64(v.ID)), Actor: u.actor.Name(),
		BookedAt: u.real, EffectiveAt: u.now,
		Entries: []Entry{
			{Owner: j.Owner.ID, Unit: v.Currency, Micros: v.Amount},
			{Account: AccountVoucher, Unit: v.Currency, Micros: -v.Amount},
		},
	}
	if err := u.post(&post); err != nil {
		return Recharged{}, err
	}
	if err := u.auditFunds("recharge", j, &post, v.Amount, v.Currency); err != nil {
		return Recharged{}, err
	}
	return Recharged{Account: j.Owner.ID, Value: Money(v.Amount, v.Currency), Posting: post.ID}, u.paymentMoved(j, v.Amount)
}
