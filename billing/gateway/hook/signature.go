package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"topupd/billing"
)

// The headers of Standard Webhooks, the same in every direction.
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

const (
	secretPrefix    = "whsec_"
	signaturePrefix = "v1,"
	leastKey        = 24 // bytes, by the standard
	mostKey         = 64
	// window is how far a timestamp may be from our clock: what was recorded
	// cannot be played again later.
	window = 5 * time.Minute
	maxID  = 255
)

// What is wrong with a signature.
var (
	errUnsigned  = errors.New("no signature")
	errSignature = errors.New("the signature does not match")
	errStale     = errors.New("the timestamp is more than five minutes off")
)

// keyring holds the signing keys.
type keyring [][]byte

func splitSecrets(s billing.Secret) []string { return strings.Split(s.Reveal(), ",") }

// parseSecrets reads one or several secrets. Errors: Invalid.
func parseSecrets(s billing.Secret) (keyring, error) {
	var keys keyring
	for _, text := range splitSecrets(s) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(text), secretPrefix))
		if err != nil || len(key) < leastKey || len(key) > mostKey {
			return nil, billing.Errorf(billing.Invalid, "secret",
				"a signing secret is whsec_ and then %d to %d bytes in base64 (openssl rand -base64 32), several with commas between", leastKey, mostKey)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// secretTexts are the forms of the secrets that somebody could echo.
func secretTexts(s billing.Secret) []string {
	var texts []string
	for _, text := range splitSecrets(s) {
		texts = append(texts, strings.TrimPrefix(strings.TrimSpace(text), secretPrefix))
	}
	return texts
}

// sign writes the three headers of a message.
func (k keyring) sign(h http.Header, id string, at time.Time, body []byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	h.Set(headerID, id)
	h.Set(headerTimestamp, timestamp)
	h.Set(headerSignature, strings.Join(k.signatures(id, timestamp, body), " "))
}

// signatures are one for each key.
func (k keyring) signatures(id, timestamp string, body []byte) []string {
	all := make([]string, len(k))
	for i, key := range k {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		all[i] = signaturePrefix + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return all
}

// verify checks a message and returns its id and time. The clock is looked at
// last: "stale" is said of a message that is otherwise genuine. Errors:
// errUnsigned, errSignature, errStale.
func (k keyring) verify(h http.Header, body []byte, now time.Time) (id string, at time.Time, err error) {
	id, timestamp, given := h.Get(headerID), h.Get(headerTimestamp), h.Get(headerSignature)
	if id == "" || timestamp == "" || given == "" {
		return "", time.Time{}, errUnsigned
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || !plainID(id) || !k.matches(given, k.signatures(id, timestamp, body)) {
		return "", time.Time{}, errSignature
	}
	at = time.Unix(seconds, 0).UTC()
	if at.Before(now.Add(-window)) || at.After(now.Add(window)) {
		return "", time.Time{}, errStale
	}
	return id, at, nil
}

// plainID refuses a dot, which would let the parts of the signed text be cut
// differently, and what is no visible character.
func plainID(id string) bool {
	return len(id) <= maxID && strings.IndexFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || r == '.' }) < 0
}

// matches compares without telling by its time how much of a signature was right.
func (k keyring) matches(given string, want []string) bool {
	good := false
	for one := range strings.SplitSeq(given, " ") {
		for _, w := range want {
			good = hmac.Equal([]byte(one), []byte(w)) || good
		}
	}
	return good
}
