package tmf654_test

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"topupd/methods/tmf654"
)

// TestContractIsComplete: each route is in the contract, at both addresses, and each
// operation of the contract has its routes.
func TestContractIsComplete(t *testing.T) {
	i := tmf654.New(newKit(t).e, tmf654.Options{})
	doc, err := openapi3.NewLoader().LoadFromData(i.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	var routed, written []string
	for _, r := range i.Routes {
		routed = append(routed, r.Pattern)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			written = append(written, method+" "+path, method+" "+strings.Replace(path, base, forum, 1))
			if op.Responses.Default() != nil || op.OperationID == "" || op.Summary == "" {
				t.Errorf("%s %s is not complete", method, path)
			}
		}
	}
	slices.Sort(routed)
	slices.Sort(written)
	if !slices.Equal(routed, written) {
		t.Errorf("routes\n%s\ncontract\n%s", strings.Join(routed, "\n"), strings.Join(written, "\n"))
	}
}

// refused holds that a call is refused in the shape of errors.
func (k *kit) refused(who, method, path, body string, status int, code, member string) {
	k.Helper()
	got, text := k.call(who, method, path, body)
	var f map[string]any
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		k.Errorf("%s %s %s: %d %s: %v", method, path, body, got, text, err)
		return
	}
	reason, _ := f["reason"].(string)
	if got != status || f["code"] != code || reason == "" || f["status"] != strconv.Itoa(status) || f["@type"] != "Error" || len(f) != 8 {
		k.Errorf("%s %s %s: %d %s; want %d %s", method, path, body, got, text, status, code)
	}
	if message, _ := f["message"].(string); member != "" && !strings.Contains(message+" "+reason, member) {
		k.Errorf("%s %s %s: %s does not name %s", method, path, body, text, member)
	}
}

// TestBadInput: each member missing, of a wrong type or range, each id that is foreign or
// none, is refused in the shape, and nothing is changed or charged.
func TestBadInput(t *testing.T) {
	k := newKit(t)
	stop := k.working()
	done := k.object(201, "root", "POST", base+"/topupBalance", once)["id"].(string)
	rule := k.object(201, "root", "POST", base+"/topupBalance", recurring)["id"].(string)
	k.must(200, "root", "PATCH", base+"/topupBalance/"+rule, `{"status":"cancelled"}`)
	stop()
	before := k.state()
	const list = base + "/topupBalance"
	amount := func(a string) string { return `{"amount":` + a + `,"bucket":{"id":"` + bucket + `"}}` }
	with := func(members string) string {
		return `{"amount":{"amount":"2","units":"USD"},"partyAccount":{"id":"` + alice + `"},` + members + `}`
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		code, member       string
	}{
		{"POST", list, ``, 400, "invalid", ""},
		{"POST", list, `{`, 400, "invalid", "body"},
		{"POST", list, `[]`, 400, "invalid", "body"},
		{"POST", list, `null`, 400, "invalid", "body"},
		{"POST", list, `{}{}`, 400, "invalid", "body"},
		{"POST", list, `{}`, 400, "missing", "amount"},
		{"POST", list, `{"bucket":{"id":"` + bucket + `"}}`, 400, "missing", "amount"},
		{"POST", list, `{"amount":{"amount":"2","units":"USD"}}`, 400, "missing", "bucket"},
		{"POST", list, with(`"amount":{"amount":"3","units":"USD"}`), 400, "invalid", "body"},
		{"POST", list, with(`"Amount":{"amount":"3","units":"USD"}`), 400, "invalid", "body"},
		{"POST", list, amount(`{"amount":2,"units":"USD","AMOUNT":3}`), 400, "invalid", "body"},
		{"POST", list, with(`"relatedParty":[{"id":"1"},{"id":"2","ID":"3"}]`), 400, "invalid", "body"},
		{"POST", list, amount(`null`), 400, "invalid", "amount"},
		{"POST", list, amount(`2`), 400, "invalid", "amount"},
		{"POST", list, amount(`{}`), 400, "missing", "amount.units"},
		{"POST", list, amount(`{"units":"USD"}`), 400, "missing", "amount.amount"},
		{"POST", list, amount(`{"amount":"2"}`), 400, "missing", "amount.units"},
		{"POST", list, amount(`{"amount":null,"units":"USD"}`), 400, "invalid", "amount.amount"},
		{"POST", list, amount(`{"amount":"","units":"USD"}`), 400, "invalid", "amount.amount"},
		{"POST", list, amount(`{"amount":"two","units":"USD"}`), 400, "invalid", "amount.amount"},
		{"POST", list, amount(`{"amount":true,"units":"USD"}`), 400, "invalid", "amount.amount"},
		{"POST", list, amount(`{"amount":[2],"units":"USD"}`), 400, "invalid", "amount.amount"},
		{"POST", list, amount(`{"amount":0,"units":"USD"}`), 400, "invalid", "amount"},
		{"POST", list, amount(`{"amount":-2,"units":"USD"}`), 400, "invalid", "amount"},
		{"POST", list, amount(`{"amount":1e400,"units":"USD"}`), 400, "invalid", "amount.amount"},
		{"POST", list, amount(`{"amount":"1e400","units":"USD"}`), 400, "overflow", "amount.amount"},
		{"POST", list, amount(`{"amount":1e18,"units":"USD"}`), 400, "overflow", "amount.amount"},
		{"POST", list, amount(`{"amount":2.001,"units":"USD"}`), 400, "invalid", "amount"},
		{"POST", list, amount(`{"amount":0.0000001,"units":"USD"}`), 400, "invalid", "amount"},
		{"POST", list, amount(`{"amount":"NaN","units":"USD"}`), 400, "invalid", "amount.amount"},
		{"POST", list, amount(`{"amount":2,"units":""}`), 400, "invalid", "amount.units"},
		{"POST", list, amount(`{"amount":2,"units":7}`), 400, "invalid", "amount.units"},
		{"POST", list, amount(`{"amount":2,"units":"usd"}`), 400, "invalid", "amount.units"},
		{"POST", list, amount(`{"amount":2,"units":"SMS"}`), 400, "invalid", "amount.units"},
		{"POST", list, amount(`{"amount":2,"units":"EUR"}`), 400, "wrong_currency", "amount.units"},
		{"POST", list, `{"amount":{"amount":"2","units":"USD"},"bucket":"x"}`, 400, "invalid", "bucket"},
		{"POST", list, `{"amount":{"amount":"2","units":"USD"},"bucket":{}}`, 400, "missing", "bucket.id"},
		{"POST", list, `{"amount":{"amount":"2","units":"USD"},"bucket":{"id":"6336883"}}`, 400, "invalid", "bucket.id"},
		{"POST", list, `{"amount":{"amount":"2","units":"USD"},"bucket":{"id":"0.0.0.1+-balance_group+1+840+0"}}`, 400, "not_found", "bucket"},
		{"POST", list, `{"amount":{"amount":"2","units":"USD"},"bucket":{"id":"0.0.0.1+-balance_group+6336883+978+0"}}`, 400, "not_found", "bucket"},
		{"POST", list, `{"amount":{"amount":"2","units":"USD"},"bucket":{"id":"0.0.0.1+-balance_group+6336883+1000001+0"}}`, 400, "not_found", "bucket"},
		{"POST", list, `{"amount":{"amount":"2","units":"USD"},"bucket":{"id":"` + bucket + `"},"partyAccount":{"id":"0.0.0.1+-account+101"}}`, 400, "invalid", "bucket and partyAccount"},
		{"POST", list, `{"amount":{"amount":"2","units":"USD"},"partyAccount":{"id":7}}`, 400, "invalid", "partyAccount.id"},
		{"POST", list, `{"amount":{"amount":"2","units":"USD"},"partyAccount":{"id":"x"}}`, 400, "invalid", "partyAccount.id"},
		{"POST", list, `{"amount":{"amount":"2","units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+99"}}`, 400, "not_found", "partyAccount"},
		{"POST", list, `{"amount":{"amount":"2","units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+9223372036854775807"}}`, 400, "invalid", "partyAccount.id"},
		{"POST", list, `{"amount":{"amount":"2","units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+104"}}`, 400, "not_found", "card"},
		{"POST", list, with(`"paymentMethod":{"id":"x"}`), 400, "invalid", "paymentMethod.id"},
		{"POST", list, with(`"paymentMethod":{"id":"0.0.0.1+-payinfo-cc+1001"}`), 400, "not_found", "card"},
		{"POST", list, with(`"product":{"id":"x"}`), 400, "invalid", "product.id"},
		{"POST", list, with(`"product":{"id":"0.0.0.1+-payinfo-cc+6337651"}`), 400, "invalid", "product.id"},
		{"POST", list, with(`"product":[{"id":"0.0.0.1+-service-x+7"}]`), 400, "not_found", "product"},
		{"POST", list, with(`"product":7`), 400, "invalid", "product"},
		{"POST", list, with(`"isAutoTopup":"maybe"`), 400, "invalid", "isAutoTopup"},
		{"POST", list, with(`"isAutoTopup":1`), 400, "invalid", "isAutoTopup"},
		{"POST", list, with(`"isAutoTopup":true`), 400, "missing", "recurringPeriod"},
		{"POST", list, with(`"isAutoTopup":true,"recurringPeriod":"hourly"`), 400, "invalid", "recurringPeriod"},
		{"POST", list, with(`"isAutoTopup":true,"recurringPeriod":7`), 400, "invalid", "recurringPeriod"},
		{"POST", list, with(`"recurringPeriod":"daily"`), 400, "invalid", "recurringPeriod"},
		{"POST", list, with(`"isAutoTopup":"false","numberOfPeriods":2`), 400, "invalid", "numberOfPeriods"},
		{"POST", list, with(`"isAutoTopup":true,"recurringPeriod":"daily","numberOfPeriods":0`), 400, "invalid", "numberOfPeriods"},
		{"POST", list, with(`"isAutoTopup":true,"recurringPeriod":"daily","numberOfPeriods":"0"`), 400, "invalid", "numberOfPeriods"},
		{"POST", list, with(`"isAutoTopup":true,"recurringPeriod":"daily","numberOfPeriods":-1`), 400, "invalid", "numberOfPeriods"},
		{"POST", list, with(`"isAutoTopup":true,"recurringPeriod":"daily","numberOfPeriods":1.5`), 400, "invalid", "numberOfPeriods"},
		{"POST", list, with(`"isAutoTopup":true,"recurringPeriod":"daily","numberOfPeriods":"two"`), 400, "invalid", "numberOfPeriods"},
		{"POST", list, with(`"usageType":"voice"`), 400, "invalid", "usageType"},
		{"POST", list, with(`"usageType":7`), 400, "invalid", "usageType"},
		{"POST", list, with(`"voucher":7`), 400, "invalid", "voucher"},
		{"POST", list, with(`"voucher":"AAAAA-BBBBB","isAutoTopup":true,"recurringPeriod":"daily"`), 400, "invalid", "voucher"},
		{"POST", list, with(`"voucher":"AAAAA-BBBBB","paymentMethod":{"id":"0.0.0.1+-payinfo-cc+6337651"}`), 400, "invalid", "voucher"},
		{"POST", list, with(`"channel":"web"`), 400, "invalid", "channel"},
		{"POST", list, with(`"channel":{"name":"no id"}`), 400, "missing", "channel.id"},
		{"POST", list, with(`"requestor":{"name":"no id"}`), 400, "missing", "requestor.id"},
		{"POST", list, with(`"relatedParty":{"id":"1"}`), 400, "invalid", "relatedParty"},
		{"POST", list, with(`"logicalResource":"x"`), 400, "invalid", "logicalResource"},
		{"POST", list, with(`"description":7`), 400, "invalid", "description"},
		{"POST", list, with(`"reason":"` + strings.Repeat("x", 1025) + `"`), 400, "invalid", "reason"},
		{"POST", list, with(`"channel":{"id":"1","x":"` + strings.Repeat("x", 17<<10) + `"}`), 400, "invalid", "echoed"},
		{"GET", list + "?limit=-1", ``, 400, "invalid", "limit"},
		{"GET", list + "?offset=-1", ``, 400, "invalid", "offset"},
		{"GET", list + "?offset=x", ``, 400, "invalid", "offset"},
		{"GET", list + "?a=%zz", ``, 400, "invalid", "query"},
		{"GET", list + "/0.0.0.1+-topup+99", ``, 404, "not_found", ""},
		{"GET", list + "/x", ``, 404, "not_found", ""},
		{"GET", list + "/0.0.0.1+-account+6340627", ``, 404, "not_found", ""},
		{"PATCH", list + "/x", `{"reason":"x"}`, 404, "not_found", ""},
		{"PATCH", list + "/0.0.0.1+-topup+99", `{"reason":"x"}`, 404, "not_found", ""},
		{"PATCH", list + "/" + done, `[]`, 400, "invalid", "body"},
		{"PATCH", list + "/" + done, `{"status":"cancelled"}`, 409, "conflict", "status"},
		{"PATCH", list + "/" + done, `{"status":"failed"}`, 409, "conflict", "status"},
		{"PATCH", list + "/" + done, `{"status":"dancing"}`, 400, "invalid", "status"},
		{"PATCH", list + "/" + done, `{"status":7}`, 400, "invalid", "status"},
		{"PATCH", list + "/" + done, `{"reason":7}`, 400, "invalid", "reason"},
		{"PATCH", list + "/" + done, `{"amount":{"amount":3,"units":"USD"}}`, 400, "invalid", "amount"},
		{"PATCH", list + "/" + done, `{"numberOfPeriods":3}`, 400, "invalid", "numberOfPeriods"},
		{"PATCH", list + "/" + done, `{"reason":"x","colour":"red"}`, 400, "invalid", "colour"},
		{"PATCH", list + "/" + rule, `{"status":"completed"}`, 409, "conflict", "status"},
		{"DELETE", list + "/" + done, ``, 409, "conflict", ""},
		{"DELETE", list + "/x", ``, 404, "not_found", ""},
		{"DELETE", list + "/0.0.0.1+-topup+99", ``, 404, "not_found", ""},
	} {
		k.refused("root", c.method, c.path, c.body, c.status, c.code, c.member)
	}
	// What is out of scope is as if it was not there.
	foreign := `{"amount":{"amount":"2","units":"USD"},`
	k.refused("20", "POST", list, foreign+`"bucket":{"id":"`+bucket+`"}}`, 400, "not_found", "bucket")
	k.refused("20", "POST", list, foreign+`"partyAccount":{"id":"`+alice+`"}}`, 400, "not_found", "partyAccount")
	k.refused("20", "GET", list+"/"+done, ``, 404, "not_found", "")
	k.refused("20", "PATCH", list+"/"+rule, `{"status":"cancelled"}`, 404, "not_found", "")
	k.refused("20", "DELETE", list+"/"+rule, ``, 404, "not_found", "")
	if after := k.state(); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
	for _, headers := range [][]string{{"Content-Type", "text/plain"}, {"Content-Type", "application/json;charset=latin-1"}, {"Idempotency-Key", "a b"}} {
		if w := k.send("root", "POST", list, once, headers...); w.Code != 400 || !strings.Contains(w.Body.String(), `"@type":"Error"`) {
			t.Errorf("%v: %d %s", headers, w.Code, w.Body)
		}
	}
	for _, body := range []string{"amount=2", `["` + bucket + `"]`, `{"amount":`, ""} {
		for _, kind := range []string{"", "application/x-www-form-urlencoded"} {
			w := k.send("root", "POST", list, body, "Content-Type", kind)
			if w.Code != 400 || !strings.Contains(w.Body.String(), "Content-Type") {
				t.Errorf("%q as %q: %d %s", body, kind, w.Code, w.Body)
			}
		}
	}
	if after := k.state(); after != before {
		t.Error("something changed")
	}
}

// TestBodyWithoutType: the source page's own command sends its file as a form, and others
// send no type.
func TestBodyWithoutType(t *testing.T) {
	k := newKit(t)
	k.working()
	for _, kind := range []string{"", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=UTF-8"} {
		w := k.send("root", "POST", base+"/topupBalance", " "+once, "Content-Type", kind)
		if w.Code != 201 {
			t.Errorf("%q: %d %s", kind, w.Code, w.Body)
		}
	}
}

const (
	once      = `{"amount":{"amount":"2","units":"USD"},"bucket":{"id":"` + bucket + `"}}`
	recurring = `{"amount":{"amount":"2","units":"USD"},"recurringPeriod":"daily","isAutoTopup":"true","numberOfPeriods":"2","partyAccount":{"id":"` + alice + `"}}`
)

// TestBlocked: a customer that a run blocked may read and pay, and change nothing.
func TestBlocked(t *testing.T) {
	k := newKit(t)
	k.working()
	id := k.object(201, "10!", "POST", base+"/topupBalance", once)["id"].(string)
	k.must(200, "10!", "GET", base+"/topupBalance/"+id, "")
	k.must(403, "10!", "PATCH", base+"/topupBalance/"+id, `{"reason":"x"}`)
	k.must(403, "10!", "DELETE", base+"/topupBalance/"+id, "")
}

// TestRefuse: what is before the interface is told in its shape.
func TestRefuse(t *testing.T) {
	i := tmf654.New(newKit(t).e, tmf654.Options{})
	for status, code := range map[int]string{401: "unauthorized", 405: "method_not_allowed", 413: "too_large", 429: "too_many_requests", 503: "busy"} {
		w := httptest.NewRecorder()
		i.Refuse(w, nil, status, "m")
		var f map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil || w.Code != status || f["code"] != code || f["reason"] != "m" || len(f) != 8 {
			t.Errorf("%d: %d %s", status, w.Code, w.Body)
		}
	}
}

// TestNoRoomForCredit: what could not be credited any more is not charged.
func TestNoRoomForCredit(t *testing.T) {
	k := newKit(t)
	k.must(201, "10", "POST", base+"/adjustBalance", `{"amount":{"amount":"9223372036662","units":"USD"},"partyAccount":{"id":"`+alice+`"}}`)
	k.must(400, "10", "POST", base+"/topupBalance", `{"amount":{"amount":2,"units":"USD"},"partyAccount":{"id":"`+alice+`"}}`)
	if got := k.statuses(); got != "" {
		t.Errorf("the top-ups are %s", got)
	}
}
