package tmf654

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"topupd/billing"
	"topupd/methods"
)

// Name is the interface's in /openapi/NAME.json.
const Name = "tmf654"

// The two addresses of the interface, before the resource, and the parts of them that
// neighbouring APIs share.
const (
	apiPath    = "/prepayBalanceManagement/v4"
	oracleRoot = "/brm"
	forumRoot  = "/tmf-api"
)

// Options are what main sets.
type Options struct {
	// Failed is told errors of our own, which callers do not see; may be nil.
	Failed func(ctx context.Context, err error)
	// DeclinedCreated answers 201 with the failed top-up to a declined card; else 400 (T-26).
	DeclinedCreated bool
}

type api struct {
	e   *billing.Engine
	o   Options
	doc *document
	loc *time.Location // of times in answers: the server's
}

// resources are the routes of each resource.
var resources = []func(*api) []route{
	(*api).topupRoutes, (*api).adjustRoutes, (*api).transferRoutes, (*api).reserveRoutes, (*api).bucketRoutes, (*api).accumulatedRoutes,
	(*api).actionRoutes, (*api).hubRoutes,
}

// route is one operation, on both addresses.
type route struct {
	method, path string
	handle       func(*http.Request) (answer, error)
	// body is the schema of the contract that the request's body has; empty for none.
	body string
	use  billing.Use
	// keys: the operation sees to the Idempotency-Key itself.
	keys bool
}

// New is the interface over an engine. A contract that does not fit together is a mistake
// in the program and panics.
func New(e *billing.Engine, o Options) methods.Interface {
	if o.Failed == nil {
		o.Failed = func(context.Context, error) {}
	}
	doc, err := readDocument(parts)
	if err != nil {
		panic("tmf654: " + err.Error())
	}
	a := &api{e, o, doc, e.Location()}
	i := methods.Interface{Name: Name, OpenAPI: doc.text, Refuse: refuse}
	for _, list := range resources {
		for _, r := range list(a) {
			if r.method == http.MethodGet {
				r.use = billing.UseReads
			}
			for _, root := range []string{oracleRoot, forumRoot} {
				i.Routes = append(i.Routes, methods.Route{
					Pattern: r.method + " " + root + apiPath + r.path, Handler: a.serve(r), Use: r.use, OwnKeys: r.keys,
				})
			}
		}
	}
	return i
}

// answer is what a call says.
type answer struct {
	status int
	header http.Header // may be nil
	body   any         // nil for none
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

// created is an answer about something new, with where it is.
func created(href string, body any) answer {
	return answer{status: http.StatusCreated, header: http.Header{"Location": {href}}, body: body}
}

var gone = answer{status: http.StatusNoContent}

// serve makes a handler of a call. Its body was held against the contract.
func (a *api) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		said, err := a.call(rt, r)
		if err != nil {
			if fail(w, err) == http.StatusInternalServerError {
				a.o.Failed(r.Context(), err)
			}
			return
		}
		for name, values := range said.header {
			w.Header()[name] = values
		}
		write(w, said.status, said.body)
	}
}

func (a *api) call(rt route, r *http.Request) (answer, error) {
	if rt.body != "" {
		checked, err := a.doc.checkBody(rt.body, r)
		if err != nil {
			return answer{}, err
		}
		r = withBody(r, checked)
	}
	said, err := rt.handle(r)
	return said, asMember(rt.method, err)
}

type bodyKey struct{}

func withBody(r *http.Request, body []byte) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), bodyKey{}, body))
}

// bodyOf is the text of a body that fits its schema.
func bodyOf(r *http.Request) []byte {
	body, _ := r.Context().Value(bodyKey{}).([]byte)
	return body
}

// read decodes a body that fits its schema into v; unknown members are left.
func read(r *http.Request, v any) error {
	if err := methods.DecodeExact(bodyOf(r), v); err != nil {
		return billing.Errorf(billing.Invalid, "body", "the body cannot be read")
	}
	return nil
}

// links make the addresses of an answer: those that the caller used.
type links struct {
	root string // scheme, host and the first part of the path
}

func linksOf(r *http.Request) links {
	root := oracleRoot
	if strings.HasPrefix(r.URL.Path, forumRoot+"/") {
		root = forumRoot
	}
	return links{schemeOf(r) + "://" + r.Host + root}
}

// schemeOf is how the caller came: what ends TLS before us says so. Anybody may send these
// headers, and nobody asks who it is: they change the links in the answer to this same
// request, and nothing else.
func schemeOf(r *http.Request) string {
	// Behind several proxies the first is the caller's.
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	for _, said := range []string{forwardedProto(r.Header.Get("Forwarded")), strings.TrimSpace(first)} {
		if said = strings.ToLower(said); said == "https" || said == "http" {
			return said
		}
	}
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// forwardedProto is proto of the first proxy that Forwarded (RFC 7239) names, empty for none.
func forwardedProto(header string) string {
	first, _, _ := strings.Cut(header, ",")
	for pair := range strings.SplitSeq(first, ";") {
		if name, value, _ := strings.Cut(pair, "="); strings.EqualFold(strings.TrimSpace(name), "proto") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// to is the address of one of this interface's resources. Ids keep their plus signs,
// which are themselves in a path.
func (l links) to(resource, id string) string { return l.root + apiPath + "/" + resource + "/" + id }

// payment and paymentMethod belong to neighbouring interfaces.
func (l links) payment(id string) string { return l.root + "/payment/v4/payment/" + id }

func (l links) paymentMethod(id string) string {
	return l.root + "/paymentMethods/v1/paymentMethod/" + id
}

func write(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	text, err := marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"code":"internal","reason":"the answer cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client may be gone
}

// marshal writes JSON without HTML's escapes.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
