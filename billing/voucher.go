package billing

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"
	"unicode"
)

// Voucher is a prepaid amount that one account redeems once. Of its code and PIN only
// hashes are kept.
type Voucher struct {
	ID VoucherID
	// Top is the user's top-level customer, root until it is used.
	Top OwnerID
	// CodeHash finds it. PINHash is over code and PIN, since a PIN alone is guessed
	// at once; nil when there is none.
	CodeHash []byte
	PINHash  []byte
	// Hint is the end of the code, by which people find the row of a voucher they hold.
	Hint      string
	Amount    int64 // millionths, above 0
	Currency  Unit
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	// UsedAt and UsedBy go together.
	UsedAt time.Time
	UsedBy OwnerID
}

// VoucherReader reads vouchers.
type VoucherReader interface {
	Voucher(VoucherID) (Voucher, error)
	VoucherByCode(hash []byte) (Voucher, error)
	// Vouchers lists by id, ids above after.
	Vouchers(after VoucherID, limit int) ([]Voucher, error)
	// Guesses are those of a subject.
	Guesses(subject string) (Guesses, error)
}

// VoucherWriter writes them.
type VoucherWriter interface {
	// PutVoucher inserts or replaces one that is not used (Conflict if it is).
	// Errors: Exists (field "code_hash").
	PutVoucher(*Voucher) error
	// UseVoucher marks one that is not used yet; it reports whether it did.
	UseVoucher(id VoucherID, by, top OwnerID, at time.Time) (bool, error)
	// PutGuesses inserts or replaces those of a subject.
	PutGuesses(*Guesses) error
}

// codeLetters is what a code of ours has: with 32 letters 100 bits, of which the
// hint tells 20.
const (
	codeLetters = 20
	hintLetters = 4
	// minCode is the shortest code that an import may bring.
	minCode = 8
)

// newVoucherCode is a random code in groups that people can read out.
func newVoucherCode() Secret {
	text := rand.Text()[:codeLetters]
	return Secret(text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:])
}

// newVoucherPIN is six random digits.
func newVoucherPIN() Secret {
	digits := make([]byte, 6)
	b := make([]byte, 1)
	for i := range digits {
		for b[0] = 255; b[0] >= 250; { // an even share of each digit
			_, _ = rand.Read(b) // never fails
		}
		digits[i] = '0' + b[0]%10
	}
	return Secret(digits)
}

// plainCode is a code as it is hashed: people and printers add spaces and dashes,
// and mix the case.
func plainCode(code Secret) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, code.Reveal())
}

// hashCode is not slow and has no salt: it finds the row, and what it hides is
// random beyond any search (imported codes: as good as they are).
func hashCode(code Secret) []byte {
	h := sha256.Sum256([]byte("topupd voucher\x00" + plainCode(code)))
	return h[:]
}

// hashPIN is nil for no PIN.
func hashPIN(code, pin Secret) []byte {
	if pin == "" {
		return nil
	}
	h := sha256.Sum256([]byte("topupd voucher pin\x00" + plainCode(code) + "\x00" + strings.TrimSpace(pin.Reveal())))
	return h[:]
}

func hintOf(code Secret) string {
	plain := []rune(plainCode(code))
	for _, r := range plain {
		if r > unicode.MaxASCII {
			return ""
		}
	}
	return string(plain[max(0, len(plain)-hintLetters):])
}

// opens reports whether a voucher can be used now with a PIN; one without a PIN
// takes none.
func (v *Voucher) opens(code, pin Secret, now time.Time) bool {
	return v.State(now) == VoucherNew &&
		subtle.ConstantTimeCompare(v.PINHash, hashPIN(code, pin)) == 1
}

// The states of a voucher, for people.
const (
	VoucherNew     = "new"
	VoucherUsed    = "used"
	VoucherExpired = "expired"
)

// State is what a voucher is now.
func (v *Voucher) State(now time.Time) string {
	switch {
	case v.UsedBy != 0:
		return VoucherUsed
	case !v.ExpiresAt.IsZero() && !now.Before(v.ExpiresAt):
		return VoucherExpired
	}
	return VoucherNew
}
