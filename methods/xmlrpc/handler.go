package xmlrpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"time"
)

// Method is one entry of the dispatch table.
type Method struct {
	Name string
	// Signature lists alternatives, each the result type and then those of
	// the params; nil when unknown.
	Signature [][]string
	Help      string
	Call      func(ctx context.Context, params []Value) (Value, error)
}

// Options are the settings of a handler; the zero value works.
type Options struct {
	Limits Limits
	// Fault maps an error that is no *Fault, and may log it. It is told of
	// panics too, as *PanicError, but the client sees 501 for those. Without
	// it every such error is 501.
	Fault func(ctx context.Context, method string, err error) Fault
	// Observe is told of every call, each one of a multicall as well as the
	// multicall; fault is nil when the call succeeded. method is empty when
	// the request could not be decoded or no method has the name sent, so
	// that a client cannot invent labels for a metric.
	Observe func(ctx context.Context, method string, fault *Fault, took time.Duration)
}

type handler struct {
	methods map[string]*Method
	names   []string // sorted
	limits  Limits
	fault   func(context.Context, string, error) Fault
	observe func(context.Context, string, *Fault, time.Duration)
}

// NewHandler returns a handler that answers the given methods and the system
// ones. It fails for a method without name or function and for a name that
// occurs twice.
func NewHandler(methods []Method, o Options) (http.Handler, error) {
	h := &handler{
		methods: make(map[string]*Method, len(methods)+5),
		limits:  o.Limits.orDefault(),
		fault:   o.Fault,
		observe: o.Observe,
	}
	for _, m := range append(h.system(), methods...) {
		switch {
		case m.Name == "":
			return nil, errors.New("xmlrpc: method without a name")
		case m.Call == nil:
			return nil, fmt.Errorf("xmlrpc: method %s has no function", m.Name)
		case h.methods[m.Name] != nil:
			return nil, fmt.Errorf("xmlrpc: method %s is there twice", m.Name)
		}
		h.methods[m.Name] = &m
	}
	h.names = h.sortedNames()
	return h, nil
}

// The header values are shared by all replies; no one may write into them.
var contentType = []string{"text/xml"}

// buffers holds what bodies are read into and replies are written to.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, 4096)
	return &b
}}

// release puts a buffer back unless one large request made it large. Its
// content may hold secrets, so it goes back blank.
func release(b *[]byte) {
	if cap(*b) > 64<<10 {
		return
	}
	clear(*b)
	*b = (*b)[:0]
	buffers.Put(b)
}

// ServeHTTP answers one call. Whatever its content type says, the body is
// XML (1.8); every fault is a 200 (1.10.1).
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "XML-RPC takes POST", http.StatusMethodNotAllowed)
		return
	}
	buf := buffers.Get().(*[]byte)
	defer release(buf)
	if status := h.read(w, r, buf); status != 0 {
		http.Error(w, http.StatusText(status), status)
		return
	}
	ctx := r.Context()
	if ctx.Err() != nil {
		// Nobody waits: run nothing. 503 reaches only a client whose
		// deadline was set on this side.
		http.Error(w, "", http.StatusServiceUnavailable)
		return
	}
	v, fault := h.answer(ctx, *buf)
	clear(*buf)
	out := (*buf)[:0]
	if fault != nil {
		out = AppendFault(out, *fault)
	} else {
		out = AppendResponse(out, v)
	}
	*buf = out
	header := w.Header()
	header["Content-Type"] = contentType
	header["Content-Length"] = []string{strconv.Itoa(len(out))}
	_, _ = w.Write(out) // the client has gone if this fails
}

// read fills buf with the body and returns a status when it cannot. The
// buffer grows with what arrives, not with what was promised.
func (h *handler) read(w http.ResponseWriter, r *http.Request, buf *[]byte) int {
	if r.ContentLength > h.limits.Bytes {
		return http.StatusRequestEntityTooLarge
	}
	body := http.MaxBytesReader(w, r.Body, h.limits.Bytes)
	b := *buf
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		*buf = b
		if err == nil {
			continue
		}
		if _, over := errors.AsType[*http.MaxBytesError](err); over {
			return http.StatusRequestEntityTooLarge
		}
		if err != io.EOF {
			return http.StatusBadRequest
		}
		return 0
	}
}

// answer decodes and runs a call.
func (h *handler) answer(ctx context.Context, body []byte) (Value, *Fault) {
	start := time.Now()
	call, err := DecodeCall(body, h.limits)
	if err != nil {
		f := h.faultOf(ctx, "", err)
		if h.observe != nil {
			h.observe(ctx, "", f, time.Since(start))
		}
		return Value{}, f
	}
	return h.run(ctx, call.Method, call.Params)
}

// run calls one method and reports it.
func (h *handler) run(ctx context.Context, name string, params []Value) (v Value, f *Fault) {
	m := h.methods[name]
	if h.observe != nil {
		if m == nil {
			name = ""
		}
		start := time.Now()
		defer func() { h.observe(ctx, name, f, time.Since(start)) }()
	}
	if m == nil {
		return Value{}, noMethod()
	}
	v, err := invoke(ctx, m, params)
	if err != nil {
		return Value{}, h.faultOf(ctx, name, err)
	}
	return v, nil
}

// invoke keeps a panic inside the call. http.ErrAbortHandler goes through, as
// it asks for the connection to be cut.
func invoke(ctx context.Context, m *Method, params []Value) (v Value, err error) {
	defer func() {
		p := recover()
		if p == http.ErrAbortHandler {
			panic(p)
		}
		if p != nil {
			v, err = Value{}, &PanicError{p, debug.Stack()}
		}
	}()
	return m.Call(ctx, params)
}
