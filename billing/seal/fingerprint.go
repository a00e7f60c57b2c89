package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"topupd/billing"
)

// Fingerprint tells equal secrets by a key of its own, made once by Generate
// and kept sealed; see the package's comment for why it is not the ring's. The
// context keeps fingerprints of different things apart.
func Fingerprint(key, plain billing.Secret, context string) []byte {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	// The length in front keeps context and secret from running into each other.
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(context))))
	mac.Write([]byte(context))
	mac.Write([]byte(plain.Reveal()))
	return mac.Sum(nil)
}
