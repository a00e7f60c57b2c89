package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"time"

	"topupd/billing"
)

// Sign signs a message for the tests of far ends.
func Sign(h http.Header, secret, id string, at time.Time, body []byte) {
	keys, err := parseSecrets(billing.Secret(secret))
	if err != nil {
		panic(err)
	}
	keys.sign(h, id, at, body)
}

// Verify checks a message as a Gateway with that secret does.
func Verify(h http.Header, secret string, body []byte, now time.Time) error {
	keys, err := parseSecrets(billing.Secret(secret))
	if err != nil {
		return err
	}
	_, _, err = keys.verify(h, body, now)
	return err
}

// Clean cleans a text in which token is hidden.
func Clean(text, token string, most int) string {
	return words{hidden: []string{token}}.clean(text, most)
}

// Steps are the key of a secret and the HMAC of a text.
func Steps(secret, text string) (key, mac []byte) {
	keys, err := parseSecrets(billing.Secret(secret))
	if err != nil {
		panic(err)
	}
	h := hmac.New(sha256.New, keys[0])
	h.Write([]byte(text))
	return keys[0], h.Sum(nil)
}
