package hub

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"topupd/billing"
)

// The headers of a message, those of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

const (
	secretPrefix    = "whsec_"
	signaturePrefix = "v1,"
	leastKey        = 24 // bytes, by the standard
	mostKey         = 64
	newKey          = 32
)

// NewSecret is a random secret.
func (c *Courier) NewSecret() billing.Secret {
	var key [newKey]byte
	_, _ = rand.Read(key[:]) // never fails: the runtime stops the process first
	return billing.Secret(secretPrefix + base64.StdEncoding.EncodeToString(key[:]))
}

// CheckSecret refuses what is no secret of the standard. Errors: Invalid, field "secret".
func (c *Courier) CheckSecret(s billing.Secret) error {
	_, err := keyOf(s)
	return err
}

func keyOf(s billing.Secret) ([]byte, error) {
	text, found := strings.CutPrefix(s.Reveal(), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !found || err != nil || len(key) < leastKey || len(key) > mostKey {
		return nil, billing.Errorf(billing.Invalid, "secret", "a secret is whsec_ and then %d to %d bytes in base64", leastKey, mostKey)
	}
	return key, nil
}

// sign writes the headers: the signature is over id, time and body with dots between, none
// of which the first two hold.
func sign(h http.Header, key []byte, id string, at time.Time, body []byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, timestamp)
	h.Set(HeaderSignature, signaturePrefix+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
