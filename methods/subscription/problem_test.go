package subscription

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

// failing is an engine of which every call ends with an error.
type failing struct{ err error }

func (f failing) EnableAutoTopup(context.Context, billing.EnableAutoTopupParams) (billing.Order, error) {
	return billing.Order{}, f.err
}

func (f failing) AutoTopup(context.Context, billing.SubscriptionID) (billing.AutoTopup, error) {
	return billing.AutoTopup{}, f.err
}

func (f failing) Location() *time.Location { return cet }

func (f failing) DisableAutoTopup(context.Context, billing.SubscriptionID) error { return f.err }

// No code of the engine is missing from the table, each answer is one that the document
// has, and the cause of an error of ours stays inside.
func TestEveryCodeHasAStatus(t *testing.T) {
	check := newContract(t)
	for _, code := range billing.Codes() {
		if _, ok := statuses[code]; !ok {
			t.Errorf("%s has no status", code)
		}
		told := 0
		h := mounted(failing{&billing.Error{Code: code, Err: errors.New("the secret cause")}}, func(error) { told++ })
		for _, method := range []string{"POST", "GET", "DELETE"} {
			x := exchange{method: method, media: "application/json", body: pay1}
			r := httptest.NewRequest(method, address, strings.NewReader(x.body))
			r.Header.Set("Content-Type", x.media)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != statuses[code] || strings.Contains(w.Body.String(), "secret") || (w.Header().Get("Retry-After") != "") != (code == billing.Busy) {
				t.Errorf("%s: %d %v %s", code, w.Code, w.Header(), w.Body)
			}
			if method == "POST" || w.Code != 409 { // nothing that these two are told of can clash
				check.answer(t, x, w)
			}
		}
		if (code == billing.Internal) != (told == 3) || told%3 != 0 {
			t.Errorf("%s: %d errors were told", code, told)
		}
	}
	h := mounted(failing{errors.New("the secret cause")}, func(error) {})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", address, nil))
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
