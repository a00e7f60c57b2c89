package tmf654_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"topupd/billing"
)

// TestBadActions: each member missing, of a wrong type or range, each id that is foreign
// or none, is refused in the shape of errors, and nothing is changed.
func TestBadActions(t *testing.T) {
	k := newKit(t)
	const sms = "0.0.0.1+-balance_group+101+1000001+0"
	k.put(`{"type":"account","i_account":101,"username":"1555101"}`)
	k.must(201, "10", "POST", base+"/bucket", `{"usageType":"sms",`+of("partyAccount", bob)+`}`)
	k.must(201, "10", "POST", base+"/adjustBalance", `{"amount":{"amount":3,"units":"SMS"},`+of("bucket", sms)+`}`)
	k.must(201, "10", "POST", base+"/reserveBalance", usd("1", of("partyAccount", bob)))
	before := k.state()
	give := of("partyAccount", alice) + "," + of("receiverPartyAccount", bob)
	type call struct {
		body   string
		status int
		code   string
		member string
	}
	// What all three have in common.
	amounts := func(rest string) []call {
		with := func(amount string) string { return `{"amount":` + amount + `,` + rest + `}` }
		return []call{
			{`{` + rest + `}`, 400, "missing", "amount"},
			{with(`null`), 400, "invalid", "amount"},
			{with(`2`), 400, "invalid", "amount"},
			{with(`{}`), 400, "missing", "amount.amount"},
			{with(`{"amount":1}`), 400, "missing", "amount.units"},
			{with(`{"units":"USD"}`), 400, "missing", "amount.amount"},
			{with(`{"amount":0,"units":"USD"}`), 400, "invalid", "amount"},
			{with(`{"amount":"two","units":"USD"}`), 400, "invalid", "amount.amount"},
			{with(`{"amount":1e400,"units":"USD"}`), 400, "", "amount"},
			{with(`{"amount":"1e300","units":"USD"}`), 400, "overflow", "amount.amount"},
			{with(`{"amount":0.0000001,"units":"USD"}`), 400, "invalid", "amount.amount"},
			{with(`{"amount":true,"units":"USD"}`), 400, "invalid", "amount.amount"},
			{with(`{"amount":1,"units":""}`), 400, "invalid", "amount.units"},
			{with(`{"amount":1,"units":7}`), 400, "invalid", "amount.units"},
			{with(`{"amount":1,"units":"BEER"}`), 400, "invalid", "amount.units"},
			{with(`{"amount":1,"units":"EUR"}`), 400, "wrong_currency", "units"},
			{with(`{"amount":1,"units":"GB"}`), 400, "not_found", "bucket"},
			{with(`{"amount":"9999999999999","units":"GB"}`), 400, "overflow", "amount"},
			{with(`{"amount":0.5,"units":"SMS"}`), 400, "invalid", "amount"},
			{usd("1", rest+`,"usageType":"data"`), 400, "invalid", "usageType"},
			{usd("1", rest+`,"usageType":7`), 400, "invalid", "usageType"},
			{usd("1", rest+`,"channel":{"name":"x"}`), 400, "missing", "channel.id"},
			{usd("1", rest+`,"channel":"x"`), 400, "invalid", "channel"},
			{usd("1", rest+`,"requestor":[]`), 400, "invalid", "requestor"},
			{usd("1", rest+`,"relatedParty":{"id":"1"}`), 400, "invalid", "relatedParty"},
			{usd("1", rest+`,"description":7`), 400, "invalid", "description"},
			{usd("1", rest+`,"reason":"`+strings.Repeat("x", 1025)+`"`), 400, "invalid", "reason"},
			{usd("1", rest+`,"product":7`), 400, "invalid", "product"},
			{usd("1", rest+`,"reason":"a\u0000b"`), 400, "invalid", "body"},
			{usd("1", rest+`,"logicalResource":{"value":"a\u0000b"}`), 400, "invalid", "body"},
			{usd("1", rest+`,"channel":{"id":"1","name":"`+strings.Repeat("x", 17000)+`"}`), 400, "invalid", ""},
			{`[]`, 400, "invalid", "body"},
			{`{`, 400, "invalid", "body"},
			{`null`, 400, "invalid", "body"},
		}
	}
	// How an account is named, with the prefix of the members.
	named := func(prefix, other string) []call {
		m := func(name string) string {
			if prefix == "" {
				return name
			}
			return prefix + strings.ToUpper(name[:1]) + name[1:]
		}
		with := func(s string) string { return strings.Replace(usd("1", other+s), ",}", "}", 1) }
		return []call{
			{with(``), 400, "missing", m("bucket")},
			{with(of(m("partyAccount"), "x")), 400, "invalid", m("partyAccount")},
			{with(of(m("partyAccount"), "")), 400, "invalid", m("partyAccount")},
			{with(`"` + m("partyAccount") + `":{}`), 400, "missing", m("partyAccount")},
			{with(`"` + m("partyAccount") + `":"x"`), 400, "invalid", m("partyAccount")},
			{with(of(m("partyAccount"), bucket)), 400, "invalid", m("partyAccount")},
			{with(of(m("partyAccount"), "0.0.0.1+-account+9")), 400, "not_found", m("partyAccount")},
			{with(of(m("partyAccount"), zoe)), 400, "not_found", m("partyAccount")},
			{with(of(m("bucket"), "x")), 400, "invalid", m("bucket")},
			{with(of(m("bucket"), bob)), 400, "invalid", m("bucket")},
			{with(of(m("bucket"), "0.0.0.1+-balance_group+9+840+0")), 400, "not_found", m("bucket")},
			{with(of(m("bucket"), "0.0.0.1+-balance_group+200+978+0")), 400, "not_found", m("bucket")},
			{with(of(m("bucket"), "0.0.0.1+-balance_group+101+978+0")), 400, "invalid", "units"},
			{with(of(m("bucket"), "0.0.0.1+-balance_group+101+7+0")), 400, "not_found", m("bucket")},
			{with(of(m("bucket"), sms)), 400, "invalid", "units"},
			{with(of(m("bucket"), bucket) + `,` + of(m("partyAccount"), bob)), 400, "invalid", m("partyAccount")},
			{with(`"` + m("logicalResource") + `":{"value":"nobody"}`), 400, "not_found", m("logicalResource")},
			{with(`"` + m("logicalResource") + `":{"value":7}`), 400, "invalid", m("logicalResource")},
			{with(of(m("bucket"), bucket) + `,"` + m("logicalResource") + `":{"value":"1555101"}`), 400, "invalid", m("logicalResource")},
			{with(of(m("partyAccount"), alice) + `,"` + m("logicalResource") + `":[{"value":"1555101"}]`), 400, "invalid", m("logicalResource")},
		}
	}
	for path, calls := range map[string][]call{
		"/adjustBalance": append(append(amounts(of("partyAccount", alice)), named("", "")...),
			call{usd("-192.000001", of("partyAccount", alice)), 409, "conflict", "amount"},
			call{usd("-4.000001", of("partyAccount", bob)), 409, "conflict", "amount"}, // 1 of 5 is reserved
			call{usd("9223372036854.775807", of("partyAccount", alice)), 400, "overflow", "amount"},
			call{usd("1", of("partyAccount", alice)+`,"adjustType":7`), 400, "invalid", "adjustType"},
		),
		"/reserveBalance": append(append(amounts(of("partyAccount", alice)), named("", "")...),
			call{usd("-1", of("partyAccount", alice)), 400, "invalid", "amount"},
			call{usd("192.000001", of("partyAccount", alice)), 409, "conflict", "amount"},
			call{usd("1", of("partyAccount", alice)+`,"validFor":{"endDateTime":"2021-09-29T21:15:11Z"}`), 400, "invalid", "validFor"},
			call{usd("1", of("partyAccount", alice)+`,"validFor":{"endDateTime":"tomorrow"}`), 400, "invalid", ""},
			call{usd("1", of("partyAccount", alice)+`,"validFor":{"startDateTime":"2099-01-01T00:00:00Z"}`), 400, "invalid", "validFor.startDateTime"},
			call{usd("1", of("partyAccount", alice)+`,"validFor":{"startDateTime":"2020-01-02T00:00:00Z","endDateTime":"2020-01-01T00:00:00Z"}`), 400, "invalid", "validFor"},
			call{usd("1", of("partyAccount", alice)+`,"validFor":7`), 400, "invalid", "validFor"},
		),
		"/transferBalance": append(append(append(amounts(give), named("", of("receiverPartyAccount", carol)+",")...), named("receiver", of("partyAccount", alice)+",")...),
			call{usd("-1", give), 400, "invalid", "amount"},
			call{usd("192.000001", give), 409, "conflict", "amount"},
			call{usd("1", of("partyAccount", alice)+","+of("receiverPartyAccount", alice)), 400, "invalid", "receiver"},
			call{usd("1", give+`,"costOwner":"bank"`), 400, "invalid", "costOwner"},
			call{usd("1", give+`,"costOwner":7`), 400, "invalid", "costOwner"},
			call{usd("1", give+`,"transferCost":{"amount":1}`), 400, "missing", "transferCost.units"},
			call{usd("1", give+`,"transferCost":{"amount":-1,"units":"USD"}`), 400, "invalid", "transferCost"},
			call{usd("1", give+`,"transferCost":{"amount":1,"units":"EUR"}`), 400, "invalid", "transferCost"},
			call{usd("1", give+`,"transferCost":{"amount":"x","units":"USD"}`), 400, "invalid", "transferCost"},
			call{usd("1", give+`,"transferCost":{"amount":2,"units":"USD"},"costOwner":"receiver"`), 400, "invalid", "transferCost"},
			call{usd("1", give+`,"transferCost":{"amount":1,"units":"USD","value":"2","unit":"USD"}`), 400, "invalid", "transferCost"},
			call{usd("1", give+`,"transferCost":{"amount":1,"units":"USD","unit":"EUR"}`), 400, "invalid", "transferCost"},
			call{usd("192", give+`,"transferCost":{"value":"0.000001","unit":"USD"}`), 409, "conflict", "amount"},
			call{usd("1", give+`,"receiverBucketUsageType":"sms"`), 400, "invalid", "receiverBucketUsageType"},
		),
		"/bucket": {
			{`{` + of("partyAccount", bob) + `}`, 400, "missing", "usageType"},
			{`{"usageType":"data"}`, 400, "missing", "partyAccount"},
			{`{"usageType":"voice",` + of("partyAccount", bob) + `}`, 400, "invalid", "usageType"},
			{`{"usageType":7,` + of("partyAccount", bob) + `}`, 400, "invalid", "usageType"},
			{`{"usageType":"data",` + of("partyAccount", zoe) + `}`, 400, "not_found", "partyAccount"},
			{`{"usageType":"data",` + of("partyAccount", "x") + `}`, 400, "invalid", "partyAccount"},
			{`{"usageType":"data","isShared":true,` + of("partyAccount", bob) + `}`, 400, "invalid", "isShared"},
			{`{"usageType":"data","isShared":"perhaps",` + of("partyAccount", bob) + `}`, 400, "invalid", "isShared"},
			{`{"usageType":"data","validFor":{"endDateTime":"2030-01-01T00:00:00Z"},` + of("partyAccount", bob) + `}`, 400, "invalid", "validFor"},
			{`{"usageType":"data","remainingValue":{"amount":1,"units":"KB"},` + of("partyAccount", bob) + `}`, 400, "invalid", "remainingValue"},
			{`{"usageType":"data","remainingValue":{"units":"KB"},` + of("partyAccount", bob) + `}`, 400, "missing", "remainingValue"},
			{`{"usageType":"data","remainingValue":{"amount":0,"units":"SMS"},` + of("partyAccount", bob) + `}`, 400, "invalid", "usageType"},
			{`{"usageType":"data","remainingValue":{"amount":0,"units":"KB"},"reservedValue":{"amount":0,"units":"SMS"},` + of("partyAccount", bob) + `}`, 400, "invalid", "reservedValue"},
			{`{"usageType":"monetary","remainingValue":{"amount":0,"units":"EUR"},` + of("partyAccount", bob) + `}`, 400, "wrong_currency", "units"},
			{`{"usageType":"data",` + of("partyAccount", alice) + `,"logicalResource":{"value":"1555101"}}`, 400, "invalid", "logicalResource"},
			{`{"usageType":"sms",` + of("partyAccount", bob) + `}`, 409, "exists", "bucket"},
			{`{"usageType":"monetary",` + of("partyAccount", bob) + `}`, 409, "exists", "bucket"},
		},
	} {
		for _, c := range calls {
			if c.code == "" { // what cannot be parsed may be told as either
				if status, text := k.call("10", "POST", base+path, c.body); status != c.status {
					t.Errorf("POST %s %s: %d %s", path, c.body, status, text)
				}
				continue
			}
			k.refused("10", "POST", base+path, c.body, c.status, c.code, c.member)
		}
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"PATCH", "/adjustBalance/0.0.0.1+-adjustment+1", `{"amount":{"amount":1,"units":"USD"}}`, 400, "invalid"},
		{"PATCH", "/adjustBalance/0.0.0.1+-adjustment+1", `{"status":"dancing"}`, 400, "invalid"},
		{"PATCH", "/adjustBalance/0.0.0.1+-adjustment+1", `{"status":"failed"}`, 409, "conflict"},
		{"PATCH", "/adjustBalance/0.0.0.1+-adjustment+1", `{"status":null}`, 400, "invalid"},
		{"PATCH", "/adjustBalance/0.0.0.1+-adjustment+1", `[]`, 400, "invalid"},
		{"PATCH", "/adjustBalance/0.0.0.1+-adjustment+2", `{}`, 404, "not_found"}, // a reservation's number
		{"PATCH", "/reserveBalance/0.0.0.1+-reservation+2", `{"validFor":{"endDateTime":"2030-01-01T00:00:00Z"}}`, 400, "invalid"},
		{"PATCH", "/reserveBalance/0.0.0.1+-reservation+2", `{"description":"` + strings.Repeat("x", 1025) + `"}`, 400, "invalid"},
		{"DELETE", "/reserveBalance/0.0.0.1+-reservation+99", ``, 404, "not_found"},
		{"DELETE", "/reserveBalance/x", ``, 404, "not_found"},
		{"DELETE", "/adjustBalance/0.0.0.1+-adjustment+99", ``, 404, "not_found"},
		{"DELETE", "/transferBalance/0.0.0.1+-transfer+1", ``, 404, "not_found"},
		{"DELETE", "/bucket/" + sms, ``, 409, "conflict"},
		{"DELETE", "/bucket/0.0.0.1+-balance_group+101+840+0", ``, 409, "conflict"},
		{"DELETE", "/bucket/0.0.0.1+-balance_group+101+978+0", ``, 404, "not_found"},
		{"GET", "/bucket/0.0.0.1+-balance_group+101+1000002+0", ``, 404, "not_found"},
		{"GET", "/accumulatedBalance/0.0.0.1+-account+9", ``, 404, "not_found"},
		{"GET", "/balanceAction/0.0.0.1+-transfer+1", ``, 404, "not_found"},
	} {
		k.refused("10", c.method, base+c.path, c.body, c.status, c.code, "")
	}
	if after := k.state(); after != before {
		t.Errorf("a refused call changed something:\n%s\n%s", before, after)
	}
	k.verify()
}

// sendIn is send with a context that is there already.
func (k *kit) sendIn(ctx context.Context, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://host:8080"+path, strings.NewReader(body)).WithContext(ctx)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	k.mux.ServeHTTP(w, r)
	return w
}

// TestActionsOnce: with a key a request happens once, also what it moved.
func TestActionsOnce(t *testing.T) {
	k := newKit(t)
	body := usd("1", of("partyAccount", alice)+","+of("receiverPartyAccount", bob))
	for range 2 {
		_, err := k.e.Once(k.as("10"), billing.OnceParams{Key: "k"}, func(ctx context.Context) (billing.Answer, error) {
			w := k.sendIn(ctx, "POST", base+"/transferBalance", body)
			return billing.Answer{Status: w.Code, Body: w.Body.Bytes()}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := k.balance(101); got != 6*billing.Micro {
		t.Errorf("bob has %d", got)
	}
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(k.must(200, "10", "GET", base+"/transferBalance", "")), &list); err != nil || len(list) != 1 {
		t.Errorf("%d transfers, %v", len(list), err)
	}
}

// TestBlockedActions: a customer that a run blocked reads, and changes nothing.
func TestBlockedActions(t *testing.T) {
	k := newKit(t)
	before := k.state()
	for _, path := range []string{"/adjustBalance", "/transferBalance", "/reserveBalance", "/bucket"} {
		k.refused("10!", "POST", base+path, `{}`, 403, "forbidden", "")
		k.must(200, "10!", "GET", base+path, "")
	}
	if k.state() != before {
		t.Error("something was changed")
	}
}
