package tmf654

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"topupd/billing"
	"topupd/methods"
)

// TestIDs: what is written is read, in every form that clients send it in.
func TestIDs(t *testing.T) {
	written := map[string]func(string) bool{
		accountID(billing.Account(6340627)): func(s string) bool { o, ok := parseAccountID(s); return ok && o == billing.Account(6340627) },
		cardID(6337651):                     func(s string) bool { c, ok := parseCardID(s); return ok && c == 6337651 },
		bucketID{6336883, 840}.String():     func(s string) bool { b, ok := parseBucketID(s); return ok && b == bucketID{6336883, 840} },
	}
	for kind := range actionClasses {
		written[actionID(kind, 6534850)] = func(s string) bool { id, ok := parseActionID(s, kind); return ok && id == 6534850 }
	}
	for text, reads := range written {
		fields := strings.Split(text, "+")
		native := fields[0] + " /" + strings.ReplaceAll(strings.TrimPrefix(fields[1], "-"), "-", "/") + " " + strings.Join(fields[2:], " ") + " 0"
		unescaped, err := url.PathUnescape(strings.ReplaceAll(text, "+", "%2B"))
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{text, unescaped, strings.ReplaceAll(text, "+", " "), native} {
			if !reads(form) {
				t.Errorf("%s is not read as %q", text, form)
			}
		}
		for _, wrong := range []string{
			"", fields[2], text + "x", "0.0.0.2" + text[7:], strings.Replace(text, fields[2], "-"+fields[2], 1),
			strings.Replace(text, fields[2], "0"+fields[2], 1), strings.Replace(text, fields[1], "-other", 1),
			text + "+0+0+0+0", strings.Replace(text, fields[2], "99999999999999999999", 1), strings.Repeat(text, 30),
			idPrefix + "+" + fields[1], idPrefix + "+" + fields[1] + "+0",
		} {
			if reads(wrong) {
				t.Errorf("%s is read as %q", text, wrong)
			}
		}
	}
	for text, want := range map[string]bucketID{
		"0.0.0.1+-balance_group+6336883":   {6336883, 0},
		"0.0.0.1 /balance_group 6336883 0": {6336883, 0},
		// A revision cannot be told from a resource: it is the whole group.
		"0.0.0.1+-balance_group+6336883+978":     {6336883, 0},
		"0.0.0.1+-balance_group+6336883+840+1":   {},
		"0.0.0.1+-balance_group+6336883+0+0":     {},
		"0.0.0.1 /balance_group 6336883 840 0 7": {6336883, 840},
	} {
		got, ok := parseBucketID(text)
		if got != want && ok || ok != (want != bucketID{}) {
			t.Errorf("%s is %v, %v", text, got, ok)
		}
	}
	if got := serviceID(&billing.Service{ID: 6337523, Class: "/service/telco/gsm/sms"}); got != "0.0.0.1+-service-telco-gsm-sms+6337523" {
		t.Error(got)
	}
}

// TestBrokenText: what no reader and no export could give back is seen, and nothing else.
func TestBrokenText(t *testing.T) {
	for body, broken := range map[string]bool{
		`{"reason":"\ud800"}`:           true,
		`{"reason":"\ud800\ud800"}`:     true,
		`{"reason":"\udc00"}`:           true,
		`{"reason":"\uD83Dx"}`:          true,
		`["\ude00\ud83d"]`:              true,
		"{\"reason\":\"\xff\"}":         true,
		"[\"\xed\xa0\x80\"]":            true,
		`{"reason":"\ud83d\ude00"}`:     false,
		`{"reason":"\\ud800"}`:          false,
		`{"reason":"\\\"\u00fc\u0001"}`: false,
		`{"reason":"a\u0000b"}`:         true,
		`{"\u0000":1}`:                  true,
		`{"reason":"\\u0000"}`:          false,
		`{"reason":"grün \n"}`:          false,
		`"\ud83d\ude00\ud83d"`:          true,
	} {
		if !json.Valid([]byte(body)) {
			t.Fatalf("%q is no JSON", body)
		}
		if brokenText([]byte(body)) != broken {
			t.Errorf("%q is broken: %v", body, !broken)
		}
	}
}

// TestEveryCode: no code of the engine is missing from the table, and its status is one of
// the standard's or of the server's own.
func TestEveryCode(t *testing.T) {
	for _, c := range billing.Codes() {
		if words[statuses[c]] == "" {
			t.Errorf("code %s has status %d", c, statuses[c])
		}
		w := httptest.NewRecorder()
		status := fail(w, billing.Errorf(c, "id", "what is wrong"))
		var f map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil || status != w.Code {
			t.Fatal(err, status, w.Code)
		}
		if f["code"] != c.String() || f["reason"] == "" || f["@type"] != "Error" || len(f) != 8 {
			t.Errorf("%s: %s", c, w.Body)
		}
		if c == billing.Internal && strings.Contains(w.Body.String(), "what is wrong") {
			t.Errorf("an error of ours is told: %s", w.Body)
		}
	}
	w := httptest.NewRecorder()
	if fail(w, billing.Errorf(billing.NotFound, "bucket", "x")); w.Code != http.StatusBadRequest {
		t.Errorf("what a body names and is not there: %d", w.Code)
	}
	for status, word := range words {
		w := httptest.NewRecorder()
		if status == http.StatusConflict { // before the interface only a key's
			word = "key_reused"
		}
		if refuse(w, nil, status, "m"); w.Code != status || !strings.Contains(w.Body.String(), `"code":"`+word+`"`) {
			t.Errorf("%d: %d %s", status, w.Code, w.Body)
		}
	}
	w = httptest.NewRecorder()
	if refuse(w, nil, 415, "m"); w.Code != 400 {
		t.Errorf("415: %d", w.Code)
	}
}

// TestParts: a name that occurs twice is found when the contract is put together.
func TestParts(t *testing.T) {
	base := `{"openapi":"3.0.3","info":{"title":"x","version":"1"},"paths":{},"components":{"schemas":{"A":{"type":"object"}}}}`
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for _, twice := range []string{
		base,
		`{"components":{"schemas":{"A":{"type":"string"}}}}`,
		`{"paths":{"/b":{}}}`,
		`{"paths":{"/c":{"get":{"responses":{"200":{"$ref":"#/components/responses/None"}}}}}}`,
		`{`,
	} {
		files := fstest.MapFS{"openapi/base.json": file(base), "openapi/a.json": file(`{"paths":{"/b":{}}}`), "openapi/c.json": file(twice)}
		if _, err := readDocument(files); err == nil {
			t.Errorf("%s went together", twice)
		}
	}
	if _, err := readDocument(parts); err != nil {
		t.Error(err)
	}
}

// TestMerge holds the merge patch of RFC 7396.
func TestMerge(t *testing.T) {
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":{"b":"c"}}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		var target, patch any
		if json.Unmarshal([]byte(c[0]), &target) != nil || json.Unmarshal([]byte(c[1]), &patch) != nil {
			t.Fatal(c)
		}
		got, err := json.Marshal(merge(target, patch))
		if err != nil || string(got) != c[2] {
			t.Errorf("%s with %s is %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

// TestQuantities: numbers and texts, exactly, and nothing stands in for what is missing.
func TestQuantities(t *testing.T) {
	for body, want := range map[string]int64{
		`{"amount":"2","units":"USD"}`:                   2_000_000,
		`{"amount":2,"units":"USD"}`:                     2_000_000,
		`{"amount":0.30000000000000004,"units":"USD"}`:   300_000,
		`{"amount":" 1e1 ","units":"USD"}`:               10_000_000,
		`{"amount":"9223372036854.775807","units":"X"}`:  9223372036854775807,
		`{"amount":-0.000001,"units":"USD"}`:             -1,
		`{"amount":"9223372036854.775808","units":"US"}`: 0,
		`{"amount":0.0000001,"units":"USD"}`:             0,
		`{"amount":1e400,"units":"USD"}`:                 0,
		`{"units":"USD"}`:                                0,
		`{"amount":2}`:                                   0,
		`{"amount":"two","units":"USD"}`:                 0,
		`{"amount":"NaN","units":"USD"}`:                 0,
	} {
		var q quantityIn
		if err := json.Unmarshal([]byte(body), &q); err != nil {
			t.Fatal(err)
		}
		got, _, err := q.read("amount")
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%s: %d, %v", body, got, err)
		}
	}
	if got := string(newQuantity(2_000_000, "USD").Amount); got != "2.0" {
		t.Error(got)
	}
	if got := string(billed(194_000_000, "USD").Amount); got != "-194.0" {
		t.Error(got)
	}
}

// TestQuery: plus signs of ids, the page, filters and fields.
func TestQuery(t *testing.T) {
	r := httptest.NewRequest("GET", "/x?partyAccount.id=0.0.0.1+-account+1&channel.name=My+Shop&fields=a,%20b&offset=2&limit=5000&list.n=2,3", nil)
	q, err := readQuery(r)
	if err != nil || q.offset != 2 || q.limit != maxLimit || len(q.filters) != 3 {
		t.Fatalf("%+v, %v", q, err)
	}
	if id, there := q.take("partyAccount.id"); !there || id != "0.0.0.1+-account+1" {
		t.Errorf("id %q", id)
	}
	for body, want := range map[string]bool{
		`{"channel":{"name":"My Shop"},"list":[{"n":1.0},{"n":3.0}]}`: true,
		`{"channel":{"name":"My+Shop"},"list":[{"n":2}]}`:             true,
		`{"channel":{"name":"My Shop"}}`:                              true, // no such member: left out of account
		`{"channel":{"name":"my shop"},"list":[{"n":2}]}`:             false,
		`{"channel":null,"list":[{"n":2}]}`:                           false,
		`{"channel":{"name":"My Shop"},"list":[{"n":4}]}`:             false,
	} {
		var v map[string]any
		if err := methods.DecodeNumbers([]byte(body), &v); err != nil {
			t.Fatal(err)
		}
		if q.matches(v) != want {
			t.Errorf("%s matches: %v", body, !want)
		}
	}
	if got, err := q.project([]byte(`{"c":1,"b":{"x":[1]},"a":null}`)); err != nil || string(got) != `{"b":{"x":[1]},"a":null}` {
		t.Errorf("%s, %v", got, err)
	}
	for _, bad := range []string{"offset=-1", "limit=-1", "limit=x", "offset=1&offset=2", "offset=1.5", "a=%zz"} {
		r.URL.RawQuery = bad
		if _, err := readQuery(r); billing.ErrorCode(err) != billing.Invalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
