package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"topupd/billing"
)

const (
	keySize = 32 // AES-256
	idSize  = 4
)

// The reasons why a sealed value does not open.
var (
	// ErrUnknownKey: it was sealed with a key that is not in the ring.
	ErrUnknownKey = errors.New("sealed with a key that is not set")
	// ErrTampered: it was changed, cut, or belongs to another row.
	ErrTampered = errors.New("the sealed value was changed or belongs to another row")
)

// Ring is the sealing key with the older ones that still open. It is not
// changed once it is in use, and is safe for concurrent use.
type Ring struct {
	keys []key // the first one seals
}

type key struct {
	id   [idSize]byte
	aead cipher.AEAD
}

var _ billing.KeyRing = (*Ring)(nil)

// Generate makes a new key in the form that ParseRing reads.
func Generate() string {
	var raw [keySize]byte
	_, _ = rand.Read(raw[:]) // never fails: the runtime stops the process first
	return base64.StdEncoding.EncodeToString(raw[:])
}

// ParseRing reads KEY[,OLDER...]: each 32 bytes in base64. Errors say which key
// is wrong, never the key.
func ParseRing(text string) (*Ring, error) {
	r := &Ring{}
	for i, part := range strings.Split(text, ",") {
		raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(part))
		if err != nil || len(raw) != keySize {
			return nil, fmt.Errorf("key %d is not 32 bytes in base64", i+1)
		}
		k, err := newKey(raw)
		if err != nil {
			return nil, fmt.Errorf("key %d cannot be used", i+1)
		}
		if _, twice := r.key(k.id[:]); twice {
			return nil, fmt.Errorf("key %d is given twice", i+1)
		}
		r.keys = append(r.keys, k)
	}
	return r, nil
}

func newKey(raw []byte) (key, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, err
	}
	sum := sha256.Sum256(raw)
	return key{id: [idSize]byte(sum[:idSize]), aead: aead}, nil
}

// keepOpening adds the keys of another ring behind its own.
func (r *Ring) keepOpening(other *Ring) {
	for _, k := range other.keys {
		if _, there := r.key(k.id[:]); !there {
			r.keys = append(r.keys, k)
		}
	}
}

func (r *Ring) key(id []byte) (key, bool) {
	for _, k := range r.keys {
		if string(k.id[:]) == string(id) {
			return k, true
		}
	}
	return key{}, false
}

// KeyID names the sealing key, for messages and metrics; it tells nothing of the key.
func (r *Ring) KeyID() string { return hex.EncodeToString(r.keys[0].id[:]) }

// Seal seals a secret for one place; the same context opens it.
func (r *Ring) Seal(plain billing.Secret, context string) ([]byte, error) {
	k := r.keys[0]
	return k.aead.Seal(k.id[:], nil, []byte(plain.Reveal()), []byte(context)), nil
}

// Open is the secret that was sealed for a context. Errors: ErrUnknownKey,
// ErrTampered.
func (r *Ring) Open(sealed []byte, context string) (billing.Secret, error) {
	if len(sealed) < idSize {
		return "", ErrTampered
	}
	k, ok := r.key(sealed[:idSize])
	if !ok {
		return "", ErrUnknownKey
	}
	plain, err := k.aead.Open(nil, nil, sealed[idSize:], []byte(context))
	if err != nil {
		return "", ErrTampered
	}
	return billing.Secret(plain), nil
}

// NeedsReseal reports whether a value was sealed with another key than the
// ring's first.
func (r *Ring) NeedsReseal(sealed []byte) bool {
	return len(sealed) < idSize || string(sealed[:idSize]) != string(r.keys[0].id[:])
}

// Format prints the key's id for every verb, since the fields hold the keys.
func (r *Ring) Format(f fmt.State, _ rune) {
	if r == nil || len(r.keys) == 0 {
		_, _ = fmt.Fprint(f, "no key")
		return
	}
	_, _ = fmt.Fprintf(f, "key %s and %d older", r.KeyID(), len(r.keys)-1)
}

// MarshalText keeps the keys out of encoders.
func (r *Ring) MarshalText() ([]byte, error) { return fmt.Append(nil, r), nil }
