package server

import (
	"context"
	"net/http"
	"sync"
)

// maxNotes bounds the notes of one request beside the known ones.
const maxNotes = 8

// record is what is known of a request while it is answered. It is also the
// response writer that handlers see, so that one allocation does for both.
type record struct {
	http.ResponseWriter
	id     string
	status int
	bytes  int64
	// refuse tells a panic in an interface's shape.
	refuse func(w http.ResponseWriter, r *http.Request, status int, message string)

	// Handlers may note from goroutines of their own.
	mu     sync.Mutex
	actor  string
	api    string
	method string
	code   string
	err    error
	notes  []note
}

type note struct{ key, value string }

type recordKey struct{}

func recordOf(ctx context.Context) *record {
	rec, _ := ctx.Value(recordKey{}).(*record)
	return rec
}

// Note adds to the request's one log line. The keys api, method and code are
// labels of the metrics as well: method is a name from the interface's own
// table, never what a client made up, and code its fault or error code, empty
// when the call succeeded. Other keys are fields of the log line only, eight
// at most; a key noted again replaces the first. Never a secret. Outside a
// request it does nothing.
//
// Interfaces do not import this package: main hands it to them as a function.
func Note(ctx context.Context, key, value string) {
	rec := recordOf(ctx)
	if rec == nil {
		return
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	switch key {
	case "api":
		rec.api = value
	case "method":
		rec.method = value
	case "code":
		rec.code = value
	default:
		rec.add(key, value)
	}
}

func (rec *record) add(key, value string) {
	for i := range rec.notes {
		if rec.notes[i].key == key {
			rec.notes[i].value = value
			return
		}
	}
	if len(rec.notes) < maxNotes {
		rec.notes = append(rec.notes, note{key, value})
	}
}

// NoteError puts the cause of a failure that is our own into the request's log
// line, which is then written at level error. It is never shown to the caller.
func NoteError(ctx context.Context, err error) {
	if rec := recordOf(ctx); rec != nil {
		rec.mu.Lock()
		rec.err = err
		rec.mu.Unlock()
	}
}

// RequestID is the id of the request that a context belongs to, to be told to
// callers of what failed inside; empty outside a request.
func RequestID(ctx context.Context) string {
	if rec := recordOf(ctx); rec != nil {
		return rec.id
	}
	return ""
}

func (rec *record) setActor(name string) {
	rec.mu.Lock()
	rec.actor = name
	rec.mu.Unlock()
}

// WriteHeader remembers the status.
func (rec *record) WriteHeader(status int) {
	// 1xx answers are not the last word.
	if rec.status == 0 && status >= 200 {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes of the body.
func (rec *record) Write(b []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	n, err := rec.ResponseWriter.Write(b)
	rec.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (rec *record) Unwrap() http.ResponseWriter { return rec.ResponseWriter }
