package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"slices"

	"topupd/billing"
)

// Once carries a request out once for each key of the actor's customer; see
// billing.Engine.Once.
type Once func(ctx context.Context, p billing.OnceParams, fn func(context.Context) (billing.Answer, error)) (billing.Answer, error)

// once answers a request with an Idempotency-Key. The handler writes into memory: its
// answer goes out after the commit.
func (s *Server) once(w http.ResponseWriter, r *http.Request, i *Interface, rt Route, body []byte, key string) {
	p := billing.OnceParams{Key: key, Input: requestHash(r, body)}
	a, err := s.options.Once(r.Context(), p, func(ctx context.Context) (billing.Answer, error) {
		c := &captured{header: http.Header{}}
		rt.Handler(c, withBody(r.WithContext(ctx), body))
		return c.answer(), nil
	})
	if err != nil {
		status, message := refusalOf(err)
		switch status {
		case http.StatusInternalServerError:
			NoteError(r.Context(), err)
			message += ", request " + RequestID(r.Context())
		case http.StatusServiceUnavailable:
			w.Header().Set("Retry-After", "1")
		}
		i.Refuse(w, r, status, message)
		return
	}
	if a.Replayed {
		w.Header().Set("Idempotency-Replayed", "true")
		Note(r.Context(), "replayed", "true")
	}
	for n, h := range a.Headers { // lines of one name stand together
		if n == 0 || a.Headers[n-1].Name != h.Name {
			w.Header().Del(h.Name)
		}
		w.Header().Add(h.Name, h.Value)
	}
	if a.ContentType != "" {
		w.Header().Set("Content-Type", a.ContentType)
	}
	w.WriteHeader(a.Status)
	w.Write(a.Body) // the client may be gone
}

// requestHash tells requests apart: method, path, query, content type and body. Each
// comes with its length, so that nothing moves from one into the next.
func requestHash(r *http.Request, body []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, part := range [][]byte{
		[]byte(r.Method), []byte(r.URL.EscapedPath()), []byte(r.URL.RawQuery), []byte(r.Header.Get("Content-Type")), body,
	} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// captured is an answer in memory.
type captured struct {
	header http.Header
	sent   http.Header // as it was when the status was written
	status int
	body   bytes.Buffer
}

// Header is what WriteHeader will take.
func (c *captured) Header() http.Header { return c.header }

// WriteHeader takes status and headers.
func (c *captured) WriteHeader(status int) {
	if c.status == 0 && status >= 200 { // 1xx answers are not the last word
		c.status, c.sent = status, c.header.Clone()
	}
}

// Write appends to the body.
func (c *captured) Write(b []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	return c.body.Write(b)
}

func (c *captured) answer() billing.Answer {
	c.WriteHeader(http.StatusOK)
	a := billing.Answer{Status: c.status, ContentType: c.sent.Get("Content-Type"), Body: c.body.Bytes()}
	var names []string
	for name := range c.sent {
		if name != "Content-Type" && name != "Content-Length" && name != "Date" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range c.sent[name] {
			a.Headers = append(a.Headers, billing.AnswerHeader{Name: name, Value: v})
		}
	}
	return a
}
