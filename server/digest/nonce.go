package digest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"sync"
	"time"
)

// A nonce is the hex of 8 bytes time, 8 random bytes and 16 bytes of
// HMAC-SHA256 over both. Hex, because clients find it by regular expressions.
const (
	nonceBody = 16
	nonceSize = nonceBody + 16
	nonceText = 2 * nonceSize
)

// nonceID is the part of a nonce that tells it from all others.
type nonceID [nonceBody]byte

// signer makes and checks nonces. The hash states are kept in a pool, because
// setting one up costs more than using it.
type signer struct{ states sync.Pool }

type signerState struct {
	mac hash.Hash
	raw [nonceSize]byte
	sum [sha256.Size]byte
}

// newSigner derives a key of its own, so that the caller may hand in one that
// also serves other purposes.
func newSigner(key []byte) *signer {
	derive := hmac.New(sha256.New, key)
	derive.Write([]byte("topupd digest nonce"))
	own := derive.Sum(nil)
	return &signer{states: sync.Pool{New: func() any {
		return &signerState{mac: hmac.New(sha256.New, own)}
	}}}
}

// sign returns the MAC of the state's body; it is valid until the next use.
func (st *signerState) sign() []byte {
	st.mac.Reset()
	st.mac.Write(st.raw[:nonceBody])
	return st.mac.Sum(st.sum[:0])[:nonceSize-nonceBody]
}

func (s *signer) issue(now time.Time) string {
	st := s.states.Get().(*signerState)
	defer s.states.Put(st)
	binary.BigEndian.PutUint64(st.raw[:8], uint64(now.UnixMicro()))
	rand.Read(st.raw[8:nonceBody]) // never fails: it ends the process instead
	copy(st.raw[nonceBody:], st.sign())
	return hex.EncodeToString(st.raw[:])
}

// open returns a nonce's identity and age; ok is false when it is not ours.
func (s *signer) open(nonce string, now time.Time) (id nonceID, age time.Duration, ok bool) {
	if len(nonce) != nonceText {
		return id, 0, false
	}
	st := s.states.Get().(*signerState)
	defer s.states.Put(st)
	var text [nonceText]byte
	copy(text[:], nonce)
	if _, err := hex.Decode(st.raw[:], text[:]); err != nil {
		return id, 0, false
	}
	if subtle.ConstantTimeCompare(st.raw[nonceBody:], st.sign()) != 1 {
		return id, 0, false
	}
	copy(id[:], st.raw[:nonceBody])
	made := time.UnixMicro(int64(binary.BigEndian.Uint64(id[:8])))
	return id, now.Sub(made), true
}
