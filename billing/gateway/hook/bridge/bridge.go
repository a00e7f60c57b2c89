// Package bridge is an example of the program that stands between topupd's hook
// gateway and a card processor. It is made to be copied: it uses the standard
// library only, and nothing of topupd. docs/GATEWAYS.md explains the protocol,
// and has the same bridge in Python.
//
// It owns one bridge: signatures, one answer per key, the four outcomes. What
// it does not own is the processor, which is an interface, and a journal on
// disk: this one forgets when it ends, which a real one must not.
//
// Invariants:
//   - What is not signed is not read.
//   - A key is sent to the processor by one call at a time, is answered alike
//     once there is a definite answer, and never stands for two payments.
//   - "not_found" is said only of a key that the processor does not know, that
//     is not on its way there, and that will not go there by an older request.
package bridge

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Request is what topupd asks for: "charge", "lookup" or "refund". The sender
// has more members than these; a processor that wants them adds them here.
type Request struct {
	Type       string `json:"type"`
	SentAt     string `json:"sent_at"`
	Key        string `json:"key"`
	MinorUnits int64  `json:"minor_units"`
	Currency   string `json:"currency"`
	Token      string `json:"token"`
	ChargeKey  string `json:"charge_key"` // of a refund: the payment's key and ref
	ChargeRef  string `json:"charge_ref"`
}

// what tells requests apart that must not share a key.
func (r Request) what() string {
	return fmt.Sprintf("%d %s %s %s", r.MinorUnits, r.Currency, r.Token, r.ChargeKey)
}

// Answer is what topupd is told.
type Answer struct {
	Outcome string `json:"outcome"` // succeeded, declined, not_attempted, unknown, not_found
	Ref     string `json:"ref,omitempty"`
	Class   string `json:"class,omitempty"` // of a decline: soft, hard, authentication_required
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

func (a Answer) definite() bool { return a.Outcome == "succeeded" || a.Outcome == "declined" }

// Processor is the part that you write.
type Processor interface {
	// Charge takes money, once per key however often it is called. An error
	// means that nobody knows what happened.
	Charge(ctx context.Context, r Request) (Answer, error)
	// Find tells what became of a key; found is false if the processor never had it.
	Find(ctx context.Context, key string) (a Answer, found bool, err error)
	// Refund gives money back, once per key.
	Refund(ctx context.Context, r Request) (Answer, error)
}

// Bridge answers topupd's calls. It is safe for concurrent use.
type Bridge struct {
	keys      [][]byte
	processor Processor
	journal   journal
}

// New makes a bridge; secrets are those of TOPUPD_HOOK_SECRET.
func New(secrets string, p Processor) (*Bridge, error) {
	b := &Bridge{processor: p}
	for s := range strings.SplitSeq(secrets, ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(s), "whsec_"))
		if err != nil || len(key) < 24 {
			return nil, errors.New("a secret is whsec_ and then at least 24 bytes in base64")
		}
		b.keys = append(b.keys, key)
	}
	return b, nil
}

// ServeHTTP takes one call. Whatever was understood is answered with 200 and a signature.
func (b *Bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil || !b.verified(r.Header, body) {
		http.Error(w, "bad signature", http.StatusUnauthorized)
		return
	}
	var req Request
	if err := json.Unmarshal(body, &req); err != nil {
		http.Error(w, "bad JSON", http.StatusBadRequest)
		return
	}
	answer, err := json.Marshal(b.answer(r.Context(), req))
	if err != nil {
		http.Error(w, "cannot answer", http.StatusInternalServerError)
		return
	}
	b.sign(w.Header(), r.Header.Get("webhook-id"), answer) // the same id: this answers that
	w.Header().Set("Content-Type", "application/json")
	w.Write(answer)
}

func (b *Bridge) answer(ctx context.Context, r Request) Answer {
	// The processor's answer is worth having when topupd has stopped waiting.
	// 20 s is less than topupd's own time-out: what it looks up has ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	switch r.Type {
	case "charge":
		return b.once(ctx, r, b.processor.Charge)
	case "refund":
		return b.once(ctx, r, b.processor.Refund)
	case "lookup":
		return b.lookup(ctx, r)
	default:
		return Answer{Outcome: "unknown", Code: "bad_type", Message: "this bridge knows charge, lookup and refund"}
	}
}

// once sends a key to the processor unless its answer is known.
func (b *Bridge) once(ctx context.Context, r Request, send func(context.Context, Request) (Answer, error)) Answer {
	if earlier, done := b.journal.begin(r); done {
		return earlier
	}
	answer := Answer{Outcome: "unknown", Code: "processor_error"}
	defer func() { b.journal.end(r.Key, answer) }() // also when send panics
	if a, err := send(ctx, r); err == nil {
		answer = a
	}
	return answer
}

func (b *Bridge) lookup(ctx context.Context, r Request) Answer {
	if earlier, done := b.journal.look(r); done {
		return earlier
	}
	answer, found, err := b.processor.Find(ctx, r.Key)
	switch {
	case err != nil:
		return Answer{Outcome: "unknown", Code: "processor_error"}
	case !found:
		return Answer{Outcome: "not_found"}
	default:
		return answer
	}
}

// Tell sends topupd an event: a JSON object with "event" and what belongs to it.
// Sent again after an error, it keeps its id.
func (b *Bridge) Tell(ctx context.Context, url, id string, event any) error {
	body, err := json.Marshal(event)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	b.sign(req.Header, id, body)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("topupd answered %s", resp.Status)
	}
	return nil
}

func (b *Bridge) sign(h http.Header, id string, body []byte) {
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", timestamp)
	h.Set("webhook-signature", strings.Join(b.signatures(id, timestamp, body), " "))
}

func (b *Bridge) signatures(id, timestamp string, body []byte) []string {
	var all []string
	for _, key := range b.keys {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return all
}

func (b *Bridge) verified(h http.Header, body []byte) bool {
	id, timestamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	for given := range strings.SplitSeq(h.Get("webhook-signature"), " ") {
		for _, good := range b.signatures(id, timestamp, body) {
			if hmac.Equal([]byte(given), []byte(good)) {
				return true
			}
		}
	}
	return false
}
