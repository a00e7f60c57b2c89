package profiles

import (
	"context"
	_ "embed"
	"net/http"
	"strings"

	"topupd/billing"
	"topupd/methods"
)

// openAPI is the contract.
//
//go:embed openapi.json
var openAPI []byte

// base is where the interface begins.
const base = "/backend/api/v1"

type api struct {
	e      *billing.Engine
	failed func(ctx context.Context, err error)
}

// Options are what main sets.
type Options struct {
	// Failed is told errors of our own, which callers do not see; may be nil.
	Failed func(ctx context.Context, err error)
}

// New is the interface over an engine.
func New(e *billing.Engine, o Options) methods.Interface {
	if o.Failed == nil {
		o.Failed = func(context.Context, error) {}
	}
	a := &api{e, o.Failed}
	i := methods.Interface{Name: "profiles", OpenAPI: openAPI, Refuse: refuse}
	for _, r := range []struct {
		method, path string
		handle       func(*http.Request) (answer, error)
	}{
		{"GET", "/autoTopupProfiles", a.listProfiles},
		{"POST", "/autoTopupProfiles", a.createProfile},
		{"GET", "/autoTopupProfiles/{id}", a.getProfile},
		{"PATCH", "/autoTopupProfiles/{id}", a.updateProfile},
		{"DELETE", "/autoTopupProfiles/{id}", a.deleteProfile},
		{"POST", "/autoTopupProfiles/{id}/evaluate", a.evaluate},
		{"GET", "/customers", a.listCustomers},
		{"GET", "/customers/{id}", a.getCustomer},
		{"PATCH", "/customers/{id}", a.updateCustomer},
		{"GET", "/customers/{id}/expectedPayments", a.listExpectedOf},
		{"POST", "/customers/{id}/expectedPayments", a.createExpected},
		{"GET", "/customers/{id}/correspondence", a.listLettersOf},
		{"GET", "/customers/{id}/paymentCards", a.listCards},
		{"GET", "/customers/{id}/paymentCards/{card}", a.getCard},
		{"GET", "/expectedPayments", a.listExpected},
		{"GET", "/expectedPayments/{id}", a.getExpected},
		{"PATCH", "/expectedPayments/{id}", a.updateExpected},
		{"DELETE", "/expectedPayments/{id}", a.deleteExpected},
		{"GET", "/expectedPaymentTypes", a.listExpectedTypes},
		{"POST", "/expectedPaymentTypes", a.createExpectedType},
		{"GET", "/expectedPaymentTypes/{id}", a.getExpectedType},
		{"PATCH", "/expectedPaymentTypes/{id}", a.updateExpectedType},
		{"DELETE", "/expectedPaymentTypes/{id}", a.deleteExpectedType},
		{"GET", "/paymentCards", a.listEveryCard},
		{"GET", "/paymentCards/{id}", a.getAnyCard},
		{"GET", "/correspondence", a.listLetters},
		{"GET", "/correspondence/{id}", a.getLetter},
		{"GET", "/correspondenceTypes", a.listLetterTypes},
		{"POST", "/correspondenceTypes", a.createLetterType},
	} {
		use := billing.UseChanges
		if r.method == "GET" || strings.HasSuffix(r.path, "/evaluate") {
			use = billing.UseReads
		}
		h := a.serve(r.handle)
		// Clients write the trailing slash, or leave it out.
		i.Routes = append(i.Routes, methods.Route{Pattern: r.method + " " + base + r.path, Handler: h, Use: use},
			methods.Route{Pattern: r.method + " " + base + r.path + "/{$}", Handler: h, Use: use})
	}
	return i
}

// answer is what a call says: status 204 has no body.
type answer struct {
	status int
	body   any
}

func ok(body any) answer { return answer{http.StatusOK, body} }

// serve makes a handler of a call.
func (a *api) serve(handle func(*http.Request) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		said, err := handle(r)
		if err != nil {
			if fail(w, err) == http.StatusInternalServerError {
				a.failed(r.Context(), err)
			}
			return
		}
		write(w, said.status, said.body)
	}
}
