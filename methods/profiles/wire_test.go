package profiles_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"topupd/billing"
	"topupd/methods/profiles"
)

const standard = `{"name":"Standard","triggerBasis":"outstanding","triggerType":"AbsoluteAmount","triggerValue":50,"referenceLimit":"credit_limit","topupMode":"fixed amount","topupValue":"100.00","autoCollect":"yes","correspondenceTypeExpected":"auto top-up expected","correspondenceTypeCard":"Auto Top-up Card","minDaysBetweenTopups":"1"}`

// TestWireProfiles: the life of a profile.
func TestWireProfiles(t *testing.T) {
	k := newKit(t)
	k.say("root", "GET", api+"/autoTopupProfiles/", "")
	k.say("root", "POST", api+"/autoTopupProfiles/", standard)
	k.say("root", "POST", api+"/autoTopupProfiles", `{"id":"77","name":"Percent","description":"d","enabled":false,"triggerBasis":"Unbilled Calls","triggerType":"Percent of Limit","triggerValue":80.5,"referenceLimit":"Unbilled Calls Limit","topupMode":"To Percent Of Limit","topupValue":0,"topupReferenceLimit":"Overdue Limit","autoCollect":0,"customerID":10,"minDaysBetweenTopups":7}`)
	k.say("root", "GET", api+"/autoTopupProfiles/2/", "")
	k.say("root", "GET", api+"/autoTopupProfiles?idAfter=1&limit=5&createdSince=2026-11-22&updatedSince=2026-11-22T12:00:00Z", "")
	k.say("root", "GET", api+"/autoTopupProfiles?createdSince=2026-11-22+12:00:01", "")
	k.say("root", "PATCH", api+"/autoTopupProfiles/1", `{"description":"for all","triggerValue":"49.999999","enabled":"1"}`)
	k.say("root", "PATCH", api+"/autoTopupProfiles/1", `{}`)
	k.say("10", "GET", api+"/autoTopupProfiles", "")
	k.say("20", "GET", api+"/autoTopupProfiles", "")
	k.say("20", "GET", api+"/autoTopupProfiles/2", "")
	k.say("10", "PATCH", api+"/autoTopupProfiles/1", `{"enabled":"No"}`)
	k.say("10", "PATCH", api+"/autoTopupProfiles/2", `{"customerID":null}`)
	k.say("root", "PATCH", api+"/customers/10", `{"autoTopupProfileID":"1"}`)
	k.say("root", "DELETE", api+"/autoTopupProfiles/1", "")
	k.say("root", "DELETE", api+"/autoTopupProfiles/2/", "")
	k.say("root", "GET", api+"/autoTopupProfiles/2", "")
	k.say("root", "DELETE", api+"/autoTopupProfiles/x", "")
	k.golden("profiles.txt")
}

// TestWireTopups: a customer is linked, evaluated, topped up and reads what came of it.
func TestWireTopups(t *testing.T) {
	k := newKit(t)
	k.must(201, "root", "POST", api+"/autoTopupProfiles", standard)
	k.say("root", "GET", api+"/customers/", "")
	k.say("root", "PATCH", api+"/customers/10/", `{"autoTopupProfileID":1,"overdue":"31.5"}`)
	k.say("root", "PATCH", api+"/customers/20", `{"autoTopupProfileID":"1","autoTopupAmount":75,"paymentType":"direct_debit","unbilledCalls":-1.000001,"limits":{"credit limit":500,"Overdue Limit":"10"}}`)
	k.say("root", "POST", api+"/autoTopupProfiles/1/evaluate", "")
	k.say("10", "POST", api+"/autoTopupProfiles/1/evaluate/", "")
	k.run(t0)
	k.say("root", "GET", api+"/customers/10", "")
	k.say("root", "GET", api+"/expectedPayments", "")
	k.say("root", "GET", api+"/expectedPayments/?complete=true", "")
	k.say("root", "GET", api+"/customers/10/expectedPayments/?includeComplete=true", "")
	k.say("10", "GET", api+"/expectedPayments?includeComplete=true&idAfter=0", "")
	k.say("root", "GET", api+"/expectedPayments/2", "")
	k.say("10", "GET", api+"/expectedPayments/2", "")
	k.say("root", "PATCH", api+"/expectedPayments/2", `{"ourReference":"EP-2","customerReference":"PO 7"}`)
	k.say("root", "PATCH", api+"/expectedPayments/2", `{"paymentID":"3"}`)
	k.say("root", "GET", api+"/customers/10/correspondence/", "")
	k.say("root", "GET", api+"/correspondence?correspondenceType=auto+top-up+expected&undelivered=true", "")
	k.say("root", "GET", api+"/correspondence?delivered=true&undelivered=true", "")
	k.say("root", "GET", api+"/correspondence?minDate=2026-11-23", "")
	k.say("root", "GET", api+"/customers/20/correspondence?minDate=2026-11-22&maxDate=2026-11-22", "")
	k.say("root", "GET", api+"/correspondence?maxDate=2026-11-21", "")
	k.say("root", "GET", api+"/correspondence/1", "")
	k.say("20", "GET", api+"/correspondence/1", "")
	k.say("root", "GET", api+"/customers/10/paymentCards/", "")
	k.say("root", "GET", api+"/customers/10/paymentCards/1000", "")
	k.say("root", "GET", api+"/customers/20/paymentCards/1000", "")
	k.say("root", "POST", api+"/autoTopupProfiles/1/evaluate", "")
	k.say("root", "DELETE", api+"/expectedPayments/2", "")
	k.say("root", "DELETE", api+"/expectedPayments/1", "")
	k.say("root", "GET", api+"/expectedPayments", "")
	k.say("root", "PATCH", api+"/customers/10", `{"autoTopupProfileID":null}`)
	k.say("root", "POST", api+"/correspondenceTypes/", `{"name":"Our letter"}`)
	k.say("10", "POST", api+"/correspondenceTypes", `{"name":"Another"}`)
	k.say("10", "GET", api+"/correspondenceTypes", "")
	k.golden("topups.txt")
}

// TestWireExpected: what a person expects of a customer, its types, and everybody's cards.
func TestWireExpected(t *testing.T) {
	k := newKit(t)
	k.say("root", "GET", api+"/expectedPaymentTypes/", "")
	k.say("root", "POST", api+"/expectedPaymentTypes/", `{"expectedPaymentTypeName":" Invoice ","expectedPaymentTypeDescription":"what is on an invoice"}`)
	k.say("root", "POST", api+"/expectedPaymentTypes", `{"id":9,"expectedPaymentTypeName":"Deposit","expectedPaymentTypeDisplayName":"A deposit"}`)
	k.say("root", "PATCH", api+"/expectedPaymentTypes/3/", `{"expectedPaymentTypeName":"Down payment","expectedPaymentTypeDisplayName":null}`)
	k.say("root", "PATCH", api+"/expectedPaymentTypes/1", `{"expectedPaymentTypeName":"Auto Top-up"}`)
	k.say("10", "GET", api+"/expectedPaymentTypes?idAfter=1&limit=1&updatedSince=2026-11-22", "")
	k.say("root", "POST", api+"/customers/10/expectedPayments/", `{"expectedPaymentType":"invoice","expectedPaymentAmount":"20.5","expectedPaymentDueDate":"2026-12-31","ourReference":"INV-7","customerReference":"PO 8"}`)
	k.say("10", "POST", api+"/customers/11/expectedPayments", `{"expectedPaymentType":"Down payment","expectedPaymentAmount":5}`)
	k.say("root", "GET", api+"/customers/10/expectedPayments", "")
	k.say("10", "GET", api+"/expectedPayments", "")
	k.say("root", "DELETE", api+"/expectedPaymentTypes/2", "")
	k.say("root", "DELETE", api+"/expectedPayments/2", "")
	k.say("root", "POST", api+"/expectedPaymentTypes", `{"expectedPaymentTypeName":"Unused"}`)
	k.say("root", "DELETE", api+"/expectedPaymentTypes/4/", "")
	k.say("root", "GET", api+"/expectedPaymentTypes/4", "")
	k.say("root", "GET", api+"/expectedPaymentTypes/2", "")
	k.say("root", "GET", api+"/paymentCards/", "")
	k.say("root", "GET", api+"/paymentCards?idAfter=1000", "")
	k.say("10", "GET", api+"/paymentCards?limit=1", "")
	k.say("20", "GET", api+"/paymentCards", "")
	k.say("10", "GET", api+"/paymentCards/1000/", "")
	k.say("20", "GET", api+"/paymentCards/1000", "")
	k.golden("expected.txt")

	// No top-up waits for what a person expects, and it is fulfilled by a payment.
	k.must(201, "root", "POST", api+"/autoTopupProfiles", standard)
	k.must(200, "root", "PATCH", api+"/customers/10", `{"autoTopupProfileID":"1"}`)
	k.run(t0)
	if got := k.must(200, "root", "GET", api+"/customers/10", ""); !strings.Contains(got, `"outstanding":360.00`) {
		t.Errorf("an open expected payment of a person held the top-up back: %s", got)
	}
	k.must(409, "root", "PATCH", api+"/expectedPayments/1", `{"paymentID":"3"}`) // it paid the top-up
	paid := k.pay(10, 20_500_000)
	k.must(200, "root", "PATCH", api+"/expectedPayments/1", fmt.Sprintf(`{"paymentID":"%d"}`, paid))
	if got := k.must(200, "root", "GET", api+"/expectedPayments", ""); got != "[]\n" {
		t.Errorf("still open: %s", got)
	}
	if got := k.must(200, "root", "PATCH", api+"/expectedPayments/1", `{"paymentID":null}`); !strings.Contains(got, `"complete":false`) {
		t.Errorf("opened again: %s", got)
	}
}

// TestBadInput: each member of a wrong form, each reference that is not there and each
// rule between members is refused in the shape, and nothing is changed.
func TestBadInput(t *testing.T) {
	k := newKit(t)
	k.must(201, "root", "POST", api+"/autoTopupProfiles", standard)
	k.must(201, "root", "POST", api+"/autoTopupProfiles", strings.Replace(standard, `"Standard"`, `"Of 20","customerID":"20"`, 1))
	k.must(200, "root", "PATCH", api+"/customers/20", `{"autoTopupProfileID":"2"}`)
	k.must(200, "root", "PATCH", api+"/customers/11", `{"autoTopupProfileID":"1","limits":{"Credit Limit":1}}`)
	k.must(201, "root", "POST", api+"/expectedPaymentTypes", `{"expectedPaymentTypeName":"Invoice"}`)
	k.run(t0)
	before := k.state()
	const list, one, customer, expected = api + "/autoTopupProfiles", api + "/autoTopupProfiles/1", api + "/customers/10", api + "/expectedPayments/1"
	const of10, types = api + "/customers/10/expectedPayments", api + "/expectedPaymentTypes"
	invoice := func(amount string) string {
		return `{"expectedPaymentType":"Invoice","expectedPaymentAmount":` + amount + `}`
	}
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		method, path, body string
		status             int
		field              string
	}{
		{"POST", list, ``, 400, ""},
		{"POST", list, `[]`, 400, ""},
		{"POST", list, `null`, 400, ""},
		{"POST", list, `{"name":"x"`, 400, ""},
		{"POST", list, standard + `{}`, 400, ""},
		{"POST", list, `{}`, 422, "name"},
		{"POST", list, `{"name":"x"}`, 422, "triggerBasis"},
		{"POST", list, strings.Replace(standard, `"topupValue":"100.00",`, ``, 1), 422, "topupValue"},
		{"POST", list, standard, 409, "name"},
		{"POST", list, strings.Replace(standard, "Standard", "STANDARD", 1), 409, "name"},
		{"PATCH", one, `{"name":""}`, 422, "name"},
		{"PATCH", one, `{"name":null}`, 422, "name"},
		{"PATCH", one, `{"name":5}`, 422, "name"},
		{"PATCH", one, `{"name":"` + long + `"}`, 422, "name"},
		{"PATCH", one, `{"name":"of 20"}`, 409, "name"},
		{"PATCH", one, `{"description":{}}`, 422, "description"},
		{"PATCH", one, `{"description":"a\u0000b"}`, 422, "description"},
		{"PATCH", one, `{"enabled":"maybe"}`, 422, "enabled"},
		{"PATCH", one, `{"enabled":null}`, 422, "enabled"},
		{"PATCH", one, `{"triggerBasis":"Debt"}`, 422, "triggerBasis"},
		{"PATCH", one, `{"triggerType":"Edge"}`, 422, "triggerType"},
		{"PATCH", one, `{"triggerValue":"ten"}`, 422, "triggerValue"},
		{"PATCH", one, `{"triggerValue":-1}`, 422, "triggerValue"},
		{"PATCH", one, `{"triggerValue":1e30}`, 422, "triggerValue"},
		{"PATCH", one, `{"triggerValue":0.0000001}`, 422, "triggerValue"},
		{"PATCH", one, `{"triggerValue":true}`, 422, "triggerValue"},
		{"PATCH", one, `{"triggerType":"Percent of Limit","triggerValue":0}`, 422, "triggerValue"},
		{"PATCH", one, `{"triggerType":"Percent of Limit","triggerValue":100.01}`, 422, "triggerValue"},
		{"PATCH", one, `{"referenceLimit":"Sky"}`, 422, "referenceLimit"},
		{"PATCH", one, `{"referenceLimit":null}`, 422, "referenceLimit"},
		{"PATCH", one, `{"topupMode":"Half"}`, 422, "topupMode"},
		{"PATCH", one, `{"topupValue":0}`, 422, "topupValue"},
		{"PATCH", one, `{"topupMode":"To Percent Of Limit","topupValue":100}`, 422, "topupValue"},
		{"PATCH", one, `{"triggerType":"Percent of Limit","triggerValue":80,"topupMode":"To Percent Of Limit","topupValue":80}`, 422, "topupValue"},
		{"PATCH", one, `{"triggerType":"Percent of Limit","triggerValue":80,"topupMode":"To Percent Of Limit","topupValue":80,"topupReferenceLimit":"credit limit"}`, 422, "topupValue"},
		{"PATCH", one, `{"topupReferenceLimit":"Sky"}`, 422, "topupReferenceLimit"},
		{"PATCH", one, `{"autoCollect":2}`, 422, "autoCollect"},
		{"PATCH", one, `{"correspondenceTypeExpected":"Nobody's"}`, 422, "correspondenceTypeExpected"},
		{"PATCH", one, `{"correspondenceTypeCard":"Nobody's"}`, 422, "correspondenceTypeCard"},
		{"PATCH", one, `{"correspondenceTypeDirectDebit":7}`, 422, "correspondenceTypeDirectDebit"},
		{"PATCH", one, `{"minDaysBetweenTopups":-1}`, 422, "minDaysBetweenTopups"},
		{"PATCH", one, `{"minDaysBetweenTopups":1.5}`, 422, "minDaysBetweenTopups"},
		{"PATCH", one, `{"customerID":"99"}`, 422, "customerID"},
		{"PATCH", one, `{"customerID":"x"}`, 422, "customerID"},
		{"PATCH", one, `{"customerID":"10"}`, 409, "customerID"}, // 11 is linked
		{"PATCH", one, `{"colour":"red"}`, 422, "colour"},
		{"PATCH", api + "/autoTopupProfiles/99", `{"enabled":"No"}`, 404, ""},
		{"PATCH", api + "/autoTopupProfiles/99999999999999999999", `{"enabled":"No"}`, 404, ""},
		{"DELETE", one, ``, 409, "id"},
		{"DELETE", api + "/autoTopupProfiles/99", ``, 404, ""},
		{"POST", api + "/autoTopupProfiles/99/evaluate", ``, 404, ""},
		{"GET", list + "?idAfter=x", ``, 400, "idAfter"},
		{"GET", list + "?idAfter=-1", ``, 400, "idAfter"},
		{"GET", list + "?limit=0", ``, 400, "limit"},
		{"GET", list + "?createdSince=soon", ``, 400, "createdSince"},
		{"GET", list + "?updatedSince=0001-01-01", ``, 400, "updatedSince"},
		{"GET", api + "/expectedPayments?complete=2", ``, 400, "complete"},
		{"GET", api + "/expectedPayments?includeComplete=x", ``, 400, "includeComplete"},
		{"GET", api + "/expectedPayments?paymentID=x", ``, 400, "paymentID"},
		{"GET", api + "/correspondence?delivered=x", ``, 400, "delivered"},
		{"GET", api + "/correspondence?minDate=today", ``, 400, "minDate"},
		{"GET", api + "/correspondence?maxDate=2026-11-31", ``, 400, "maxDate"},
		{"GET", api + "/customers/99", ``, 404, ""},
		{"GET", api + "/customers/99/expectedPayments", ``, 404, ""},
		{"GET", api + "/customers/99/correspondence", ``, 404, ""},
		{"GET", api + "/customers/99/paymentCards", ``, 404, ""},
		{"PATCH", customer, `{"autoTopupProfileID":"99"}`, 422, "autoTopupProfileID"},
		{"PATCH", customer, `{"autoTopupProfileID":"2"}`, 422, "autoTopupProfileID"}, // restricted to 20
		{"PATCH", customer, `{"autoTopupProfileID":"x"}`, 422, "autoTopupProfileID"},
		{"PATCH", customer, `{"autoTopupAmount":-1}`, 422, "autoTopupAmount"},
		{"PATCH", customer, `{"autoTopupAmount":10.001}`, 422, "autoTopupAmount"},
		{"PATCH", customer, `{"outstanding":null}`, 422, "outstanding"},
		{"PATCH", customer, `{"overdue":"much"}`, 422, "overdue"},
		{"PATCH", customer, `{"unbilledCalls":[]}`, 422, "unbilledCalls"},
		{"PATCH", customer, `{"limits":{"Sky":1}}`, 422, "limits"},
		{"PATCH", customer, `{"limits":{"Credit Limit":"x"}}`, 422, "limits"},
		{"PATCH", customer, `{"limits":{"Credit Limit":1,"credit_limit":2}}`, 422, "limits"},
		{"PATCH", customer, `{"limits":[]}`, 422, "limits"},
		{"PATCH", customer, `{"paymentType":"cheque"}`, 422, "paymentType"},
		{"PATCH", customer, `{"paymentType":null}`, 422, "paymentType"},
		{"PATCH", customer, `{"balance":5}`, 422, "balance"},
		{"PATCH", api + "/customers/1", `{"outstanding":5}`, 404, ""},
		{"PATCH", api + "/customers/99", `{"outstanding":5}`, 404, ""},
		{"PATCH", expected, `{"paymentID":"99"}`, 422, "paymentID"},
		{"PATCH", expected, `{"paymentID":"x"}`, 422, "paymentID"},
		{"PATCH", expected, `{"ourReference":"` + long + `"}`, 422, "ourReference"},
		{"PATCH", expected, `{"customerReference":5}`, 422, "customerReference"},
		{"PATCH", expected, `{"expectedPaymentAmount":5}`, 422, "expectedPaymentAmount"},
		{"PATCH", api + "/expectedPayments/99", `{"ourReference":"x"}`, 404, ""},
		{"DELETE", api + "/expectedPayments/99", ``, 404, ""},
		{"POST", of10, `{}`, 422, "expectedPaymentType"},
		{"POST", of10, `{"expectedPaymentType":"Invoice"}`, 422, "expectedPaymentAmount"},
		{"POST", of10, `{"expectedPaymentType":"Auto Top-up","expectedPaymentAmount":5}`, 422, "expectedPaymentType"},
		{"POST", of10, `{"expectedPaymentType":"Nobody's","expectedPaymentAmount":5}`, 422, "expectedPaymentType"},
		{"POST", of10, `{"expectedPaymentType":null,"expectedPaymentAmount":5}`, 422, "expectedPaymentType"},
		{"POST", of10, `{"expectedPaymentType":2,"expectedPaymentAmount":5}`, 422, "expectedPaymentType"},
		{"POST", of10, invoice(`null`), 422, "expectedPaymentAmount"},
		{"POST", of10, invoice(`0`), 422, "expectedPaymentAmount"},
		{"POST", of10, invoice(`-5`), 422, "expectedPaymentAmount"},
		{"POST", of10, invoice(`5.001`), 422, "expectedPaymentAmount"},
		{"POST", of10, invoice(`1e30`), 422, "expectedPaymentAmount"},
		{"POST", of10, invoice(`"five"`), 422, "expectedPaymentAmount"},
		{"POST", of10, invoice(`5,"expectedPaymentDueDate":"31.12.2026"`), 422, "expectedPaymentDueDate"},
		{"POST", of10, invoice(`5,"expectedPaymentDueDate":"2026-02-30"`), 422, "expectedPaymentDueDate"},
		{"POST", of10, invoice(`5,"expectedPaymentDueDate":null`), 422, "expectedPaymentDueDate"},
		{"POST", of10, invoice(`5,"ourReference":"` + long + `"`), 422, "ourReference"},
		{"POST", of10, invoice(`5,"customerReference":7`), 422, "customerReference"},
		{"POST", of10, invoice(`5,"paymentCardID":"1000"`), 422, "paymentCardID"},
		{"POST", of10, invoice(`5`) + `{}`, 400, ""},
		{"POST", api + "/customers/99/expectedPayments", invoice(`5`), 404, ""},
		{"POST", api + "/customers/1/expectedPayments", invoice(`5`), 404, ""},
		{"POST", types, `{}`, 422, "expectedPaymentTypeName"},
		{"POST", types, `{"expectedPaymentTypeName":" "}`, 422, "expectedPaymentTypeName"},
		{"POST", types, `{"expectedPaymentTypeName":null}`, 422, "expectedPaymentTypeName"},
		{"POST", types, `{"expectedPaymentTypeName":"AUTO TOP-UP"}`, 409, "expectedPaymentTypeName"},
		{"POST", types, `{"expectedPaymentTypeName":"x","expectedPaymentTypeDisplayName":"` + long + `"}`, 422, "expectedPaymentTypeDisplayName"},
		{"POST", types, `{"expectedPaymentTypeName":"x","expectedPaymentTypeDescription":5}`, 422, "expectedPaymentTypeDescription"},
		{"PATCH", types + "/2", `{"expectedPaymentTypeName":"auto top-up"}`, 409, "expectedPaymentTypeName"},
		{"PATCH", types + "/2", `{"name":"x"}`, 422, "name"},
		{"PATCH", types + "/1", `{"expectedPaymentTypeName":"Ours"}`, 409, "id"},
		{"PATCH", types + "/1", `{"expectedPaymentTypeDescription":"Ours"}`, 409, "id"},
		{"PATCH", types + "/99", `{"expectedPaymentTypeName":"x"}`, 404, ""},
		{"DELETE", types + "/1", ``, 409, "id"},
		{"DELETE", types + "/99", ``, 404, ""},
		{"GET", types + "?limit=x", ``, 400, "limit"},
		{"GET", types + "/x", ``, 404, ""},
		{"GET", api + "/paymentCards?idAfter=x", ``, 400, "idAfter"},
		{"GET", api + "/paymentCards/99", ``, 404, ""},
		{"POST", api + "/correspondenceTypes", `{"name":"auto top-up card"}`, 409, "name"},
		{"POST", api + "/correspondenceTypes", `{"name":""}`, 422, "name"},
		{"POST", api + "/correspondenceTypes", `{}`, 422, "name"},
	} {
		status, text := k.call("root", c.method, c.path, c.body)
		field := `"fields":{"` + c.field + `":`
		if status != c.status || !strings.HasPrefix(text, `{"error":{"code":"`) || strings.Contains(text, `"fields":`) != (c.field != "") || c.field != "" && !strings.Contains(text, field) {
			t.Errorf("%s %s %s: %d %s; want %d %q", c.method, c.path, c.body, status, text, c.status, c.field)
		}
	}
	if after := k.state(); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
}

// TestMediaTypes: a body is JSON, by its media type or without one.
func TestMediaTypes(t *testing.T) {
	for media, want := range map[string]int{
		"": 201, "application/json": 201, "Application/JSON; charset=utf-8": 201,
		"text/xml": 415, "application/x-www-form-urlencoded": 415, "text/json": 415, ";": 415,
	} {
		k := newKit(t)
		before := k.state()
		r := httptest.NewRequest("POST", "http://localhost"+api+"/autoTopupProfiles", strings.NewReader(standard)).WithContext(k.as("root"))
		if media != "" {
			r.Header.Set("Content-Type", media)
		}
		w := httptest.NewRecorder()
		k.mux.ServeHTTP(w, r)
		k.contract(r, w)
		if w.Code != want || want == 415 && !strings.HasPrefix(w.Body.String(), `{"error":{"code":"unsupported_media_type"`) {
			t.Errorf("%q: %d %s", media, w.Code, w.Body)
		}
		if want == 415 && k.state() != before {
			t.Errorf("%q: something changed", media)
		}
	}
}

// TestScope: what is out of scope looks unknown, nobody changes its own customer, and the
// profiles of everybody are the operator's.
func TestScope(t *testing.T) {
	k := newKit(t)
	k.must(201, "root", "POST", api+"/autoTopupProfiles", standard)
	k.must(201, "root", "POST", api+"/autoTopupProfiles", strings.Replace(standard, `"Standard"`, `"Of 20","customerID":"20"`, 1))
	k.must(200, "root", "PATCH", api+"/customers/20", `{"autoTopupProfileID":"2"}`)
	k.run(t0)
	before := k.state()
	for _, c := range []struct {
		who, method, path, body string
		status                  int
	}{
		{"10", "GET", "/customers/20", "", 404},
		{"10", "PATCH", "/customers/20", `{"outstanding":1}`, 404},
		{"10", "PATCH", "/customers/10", `{"outstanding":1}`, 403},
		{"11", "GET", "/customers/10", "", 404},
		{"10", "GET", "/customers/11", "", 200},
		{"10!", "GET", "/customers/11", "", 200},
		{"10!", "POST", "/autoTopupProfiles/1/evaluate", "", 200},
		{"10!", "PATCH", "/customers/11", `{"outstanding":1}`, 403},
		{"10", "GET", "/autoTopupProfiles/2", "", 404},
		{"10", "PATCH", "/autoTopupProfiles/2", `{"enabled":"No"}`, 404},
		{"10", "DELETE", "/autoTopupProfiles/2", "", 404},
		{"10", "POST", "/autoTopupProfiles/2/evaluate", "", 404},
		{"10", "POST", "/autoTopupProfiles", strings.Replace(standard, "Standard", "Mine", 1), 403},
		{"10", "POST", "/autoTopupProfiles", strings.Replace(standard, `"Standard"`, `"Mine","customerID":"20"`, 1), 422},
		{"10", "PATCH", "/customers/11", `{"autoTopupProfileID":"2"}`, 422},
		{"10", "GET", "/expectedPayments/1", "", 404},
		{"10", "PATCH", "/expectedPayments/1", `{"ourReference":"x"}`, 404},
		{"10", "DELETE", "/expectedPayments/1", "", 404},
		{"20", "DELETE", "/expectedPayments/1", "", 403},
		{"20", "PATCH", "/expectedPayments/1", `{"ourReference":"x"}`, 403},
		{"10", "GET", "/customers/20/expectedPayments", "", 404},
		{"10", "POST", "/customers/20/expectedPayments", `{"expectedPaymentType":"Invoice","expectedPaymentAmount":5}`, 404},
		{"10", "POST", "/customers/10/expectedPayments", `{"expectedPaymentType":"Invoice","expectedPaymentAmount":5}`, 403},
		{"10!", "POST", "/customers/11/expectedPayments", `{"expectedPaymentType":"Invoice","expectedPaymentAmount":5}`, 403},
		{"10", "POST", "/expectedPaymentTypes", `{"expectedPaymentTypeName":"Mine"}`, 403},
		{"10", "PATCH", "/expectedPaymentTypes/1", `{"expectedPaymentTypeDescription":"x"}`, 403},
		{"10", "DELETE", "/expectedPaymentTypes/1", ``, 403},
		{"11", "GET", "/paymentCards/1000", "", 404},
		{"10", "GET", "/correspondence/1", "", 404},
		{"10", "GET", "/customers/20/correspondence", "", 404},
	} {
		if status, text := k.call(c.who, c.method, api+c.path, c.body); status != c.status {
			t.Errorf("%s: %s %s %s: %d %s, want %d", c.who, c.method, c.path, c.body, status, text, c.status)
		}
	}
	for _, path := range []string{"/expectedPayments?includeComplete=1", "/correspondence"} {
		if got := k.must(200, "10", "GET", api+path, ""); got != "[]\n" {
			t.Errorf("%s: %s", path, got)
		}
	}
	if after := k.state(); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
	// A reseller's own.
	k.must(201, "10", "POST", api+"/autoTopupProfiles", strings.Replace(standard, `"Standard"`, `"Of 11","customerID":"11"`, 1))
	k.must(200, "10", "PATCH", api+"/customers/11", `{"limits":{"Credit Limit":100},"autoTopupProfileID":"3"}`)
}

// TestRefuse: what is before the interface is told in its shape.
func TestRefuse(t *testing.T) {
	for status, want := range map[int]string{400: "malformed", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
		409: "conflict", 413: "too_large", 415: "unsupported_media_type", 429: "too_many_requests", 500: "internal", 503: "busy"} {
		w := httptest.NewRecorder()
		profiles.New(nil, profiles.Options{}).Refuse(w, httptest.NewRequest("GET", api+"/customers", nil), status, "a sentence")
		if got := w.Body.String(); w.Code != status || got != `{"error":{"code":"`+want+`","message":"a sentence"}}`+"\n" {
			t.Errorf("%d: %d %s", status, w.Code, got)
		}
	}
}

// TestEveryCodeHasAStatus holds the one table of errors.
func TestEveryCodeHasAStatus(t *testing.T) {
	for _, code := range billing.Codes() {
		status, word := profiles.StatusOf(code)
		if status < 400 || status > 599 || word == "" {
			t.Errorf("%s has status %d, %q", code, status, word)
		}
	}
}
