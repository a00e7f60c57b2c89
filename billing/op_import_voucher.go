package billing

import (
	"bytes"
	"encoding/hex"
	"errors"
	"time"
)

// VoucherLine is a voucher to import: with its code, or with the hashes that an
// export with secrets wrote.
type VoucherLine struct {
	ID       VoucherID
	Code     Change[Secret]
	PIN      Change[Secret]
	CodeHash Change[Secret]
	PINHash  Change[Secret]
	Hint     Change[string]
	Amount   Change[int64]
	Currency Change[string]
	Created  Change[time.Time]
	Expires  Change[time.Time]
}

// Voucher puts one voucher. A line for one that is there changes what it gives while
// the voucher is not used; one that was used stays as it is.
func (im *Importer) Voucher(l VoucherLine) (err error) {
	defer counted(&im.done.vouchers, &err)
	if l.ID < 1 {
		return Errorf(Invalid, "i_voucher", "ids are above 0")
	}
	v, err := im.u.tx.Voucher(l.ID)
	isNew := errors.Is(err, NotFound)
	switch {
	case isNew:
		v = Voucher{ID: l.ID, Top: Root, CreatedAt: im.u.now}
		if !l.Amount.Given || !l.Currency.Given || !l.Code.Given && !l.CodeHash.Given {
			return Errorf(Missing, "code", "a new voucher needs code (or code_hash), amount and currency")
		}
	case err != nil:
		return err
	}
	if err := l.secrets(&v, isNew); err != nil {
		return err
	}
	if v.UsedBy != 0 {
		return nil
	}
	if l.Currency.Given {
		if v.Currency, err = parseLine(l.Currency, "currency", parseCurrency); err != nil {
			return err
		}
	}
	set(&v.Amount, l.Amount)
	set(&v.CreatedAt, l.Created)
	set(&v.ExpiresAt, l.Expires)
	if v.Amount <= 0 || v.Amount > MaxCharge {
		return Errorf(Invalid, "amount", "above 0, at most %s", FormatMicros(MaxCharge))
	}
	if err := im.u.tx.PutVoucher(&v); err != nil {
		if errors.Is(err, Exists) {
			return Errorf(Exists, "code", "another voucher has this code")
		}
		return err
	}
	return nil
}

// secrets puts the hashes of a new voucher; those of one that is there must be the same.
func (l *VoucherLine) secrets(v *Voucher, isNew bool) error {
	given := Voucher{Hint: v.Hint}
	switch {
	case l.Code.Given && (l.CodeHash.Given || l.PINHash.Given):
		return Errorf(Invalid, "code", "give code or code_hash")
	case l.Code.Given:
		code, err := l.Code.required("code")
		if err != nil || len(plainCode(code)) < minCode {
			return Errorf(Invalid, "code", "a code has at least %d letters and digits", minCode)
		}
		var pin Secret
		set(&pin, l.PIN)
		given.CodeHash, given.PINHash, given.Hint = hashCode(code), hashPIN(code, pin), hintOf(code)
	case l.PIN.Given:
		return Errorf(Missing, "code", "secret_pin needs code")
	case l.CodeHash.Given:
		var err error
		if given.CodeHash, err = hashLine(l.CodeHash, "code_hash"); err != nil {
			return err
		}
		if l.PINHash.Value != nil {
			if given.PINHash, err = hashLine(l.PINHash, "pin_hash"); err != nil {
				return err
			}
		}
		set(&given.Hint, l.Hint)
		if len(given.Hint) > hintLetters {
			return Errorf(Invalid, "hint", "at most %d letters", hintLetters)
		}
	default:
		return nil
	}
	if !isNew && (!bytes.Equal(given.CodeHash, v.CodeHash) || !bytes.Equal(given.PINHash, v.PINHash)) {
		return Errorf(Conflict, "i_voucher", "voucher %d has another code or PIN", v.ID)
	}
	v.CodeHash, v.PINHash, v.Hint = given.CodeHash, given.PINHash, given.Hint
	return nil
}

func hashLine(c Change[Secret], field string) ([]byte, error) {
	text, err := c.required(field)
	if err != nil {
		return nil, err
	}
	b, err := hex.DecodeString(text.Reveal())
	if err != nil || len(b) != 32 {
		return nil, Errorf(Invalid, field, "64 hexadecimal digits")
	}
	return b, nil
}
