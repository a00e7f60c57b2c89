package sippy_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// A call that changes nothing is refused, by whoever knows what may change.
func TestChangesNeedAMember(t *testing.T) {
	k := newKit(t)
	for method, c := range map[string]struct{ members, want string }{
		"setLowBalance":         {`<member><name>i_account</name><value><int>100</int></value></member>`, "Parameter threshold is required"},
		"updateDebitCreditCard": {`<member><name>i_account</name><value><int>100</int></value></member><member><name>i_debit_credit_card</name><value><int>1000</int></value></member>`, "Parameter alias is required"},
		"updateAccount":         {`<member><name>i_account</name><value><int>100</int></value></member>`, "Parameter username is required"},
		"updateCustomer":        {`<member><name>i_customer</name><value><int>11</int></value></member>`, "Parameter name is required"},
	} {
		w := httptest.NewRecorder()
		body := `<methodCall><methodName>` + method + `</methodName><params><param><value><struct>` + c.members + `</struct></value></param></params></methodCall>`
		k.handler.ServeHTTP(w, httptest.NewRequestWithContext(k.loggedIn("acme"), "POST", "/xmlapi/xmlapi", strings.NewReader(body)))
		if got := w.Body.String(); !strings.Contains(got, "<int>400</int>") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", method, got)
		}
	}
}
