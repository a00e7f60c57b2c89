package subscription

import (
	"encoding/binary"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf16"

	"topupd/billing"
)

// inXML is a request with members as they are given.
func inXML(members string) string {
	return `<` + requestRoot + ` xmlns="` + requestNamespace + `" xmlns:i="` + xmlSchemaInstance + `">` + members + `</` + requestRoot + `>`
}

const inXMLGood = "<Amount>2</Amount><PaymentId>1</PaymentId><Threshold>3</Threshold>"

func wide(text string, order binary.AppendByteOrder, mark bool) string {
	var b []byte
	if mark {
		text = "\uFEFF" + text
	}
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// Everything that is taken, and means the same.
func TestAccepted(t *testing.T) {
	for name, x := range map[string]exchange{
		"as documented":     {media: "application/json", body: pay1},
		"texts":             {media: "application/json", body: `{"paymentid":"1","AMOUNT":" 2.00 ","threshold":"3"}`},
		"a double's tail":   {media: "application/json", body: `{"PaymentId":1,"Amount":2.0000000000000004,"Threshold":2.9999999999999996}`},
		"an exponent":       {media: "application/json", body: `{"PaymentId":1,"Amount":2e0,"Threshold":0.3E1}`},
		"others":            {media: "application/json", body: `{"x":{"Amount":9},"PaymentId":1,"y":[1,[2]],"Amount":2,"z":null,"Threshold":3}`},
		"a byte order mark": {media: "application/json", body: "\uFEFF" + pay1},
		"UTF-16":            {media: "application/json; charset=utf-16", body: wide(pay1, binary.LittleEndian, false)},
		"UTF-16, big":       {media: "text/json; charset=\"UTF-16\"", body: wide(pay1, binary.BigEndian, true)},
		"spaces":            {media: "Application/JSON ; charset=UTF-8", body: " \r\n" + pay1 + "\n"},
		"in order":          {media: "application/xml", body: inXML(inXMLGood)},
		"out of order":      {media: "application/xml", body: inXML("<Threshold>3</Threshold><PaymentId>1</PaymentId><Amount>2</Amount>")},
		"no namespace":      {media: "text/xml", body: `<` + requestRoot + `>` + inXMLGood + `</` + requestRoot + `>`},
		"a prefix":          {media: "text/xml", body: `<p:` + requestRoot + ` xmlns:p="` + requestNamespace + `"><p:Amount>2</p:Amount><p:PaymentId>1</p:PaymentId><p:Threshold>3</p:Threshold></p:` + requestRoot + `>`},
		"a declaration":     {media: "text/xml", body: `<?xml version="1.0" encoding="utf-8"?><!-- c -->` + "\n" + inXML(" "+inXMLGood+"<!-- c -->\n<Colour><a>1</a></Colour>") + "\n<?p?>"},
		"XML in UTF-16":     {media: "text/xml", body: wide(`<?xml version="1.0" encoding="utf-16"?>`+inXML(inXMLGood), binary.LittleEndian, true)},
		"character data":    {media: "text/xml", body: inXML("<Amount><![CDATA[2]]></Amount><PaymentId>&#49;</PaymentId><Threshold> 3 </Threshold>")},
		"another namespace": {media: "text/xml", body: inXML(inXMLGood + `<Amount xmlns="urn:x">9</Amount>`)},
		"a form":            {media: "application/x-www-form-urlencoded", body: "PaymentId=1&Amount=2&Threshold=3"},
		"an escaped form":   {media: "application/x-www-form-urlencoded; charset=utf-8", body: "payment%49d=1&amount=%32.0&threshold=+3+&x"},
		"an encoding":       {media: "application/json", body: pay1, headers: []string{"Content-Encoding", "identity"}},
	} {
		k := newKit(t)
		w := k.play(x)
		s, err := k.engine.AutoTopup(as("acme"), 1)
		must(t, err)
		if w.Code != 200 || s.Payment != 1 || s.Amount != 2_000_000 || s.Threshold == nil || *s.Threshold != 3_000_000 {
			t.Errorf("%s: %d %s, %+v", name, w.Code, w.Body, s)
		}
	}
}

// Whatever is wrong: an answer in the interface's shape that names it, in the form of the
// request, and nothing is changed.
func TestRefused(t *testing.T) {
	k := newKit(t)
	check := newContract(t)
	if w := k.enable(`{"PaymentId":2,"Amount":9,"Threshold":1}`); w.Code != 200 {
		t.Fatal(w.Body)
	}
	before := k.state()
	deep := strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth)
	for _, tt := range []struct {
		name  string
		media string
		body  string
		code  int
		want  string
	}{
		{"a text as id", "application/json", `{"PaymentId":"one"}`, 400, "request.PaymentId"},
		{"an empty id", "application/json", `{"PaymentId":""}`, 400, "request.PaymentId"},
		{"null as id", "application/json", `{"PaymentId":null}`, 400, "request.PaymentId"},
		{"a fraction as id", "application/json", `{"PaymentId":1.5}`, 400, "request.PaymentId"},
		{"true as id", "application/json", `{"PaymentId":true}`, 400, "request.PaymentId"},
		{"an object as id", "application/json", `{"PaymentId":{"PaymentId":1}}`, 400, "request.PaymentId"},
		{"a list as id", "application/json", `{"PaymentId":[1]}`, 400, "request.PaymentId"},
		{"too high an id", "application/json", `{"PaymentId":9223372036854775808}`, 400, "out of range"},
		{"no id", "application/json", `{"Amount":2,"Threshold":3}`, 400, "request.PaymentId"},
		{"a negative id", "application/json", `{"PaymentId":-1}`, 400, "request.PaymentId"},
		{"an id twice", "application/json", `{"PaymentId":1,"paymentid":2}`, 400, "twice"},
		{"a text as amount", "application/json", `{"PaymentId":1,"Amount":"two"}`, 400, "request.Amount"},
		{"an empty amount", "application/json", `{"PaymentId":1,"Amount":""}`, 400, "request.Amount"},
		{"null as amount", "application/json", `{"PaymentId":1,"Amount":null}`, 400, "request.Amount"},
		{"a negative amount", "application/json", `{"PaymentId":1,"Amount":-0.01}`, 400, "request.Amount"},
		{"a part of a cent", "application/json", `{"PaymentId":1,"Amount":0.001}`, 400, "request.Amount"},
		{"seven decimals", "application/json", `{"PaymentId":1,"Amount":2.0000001}`, 400, "request.Amount"},
		{"too high an amount", "application/json", `{"PaymentId":1,"Amount":1000000000.01}`, 400, "request.Amount"},
		{"a huge amount", "application/json", `{"PaymentId":1,"Amount":1e30}`, 400, "out of range"},
		{"a huge exponent", "application/json", `{"PaymentId":1,"Amount":1e999999999}`, 400, "request.Amount"},
		{"no number", "application/json", `{"PaymentId":1,"Amount":"NaN"}`, 400, "request.Amount"},
		{"a comma", "application/json", `{"PaymentId":1,"Amount":"2,00"}`, 400, "request.Amount"},
		{"hexadecimal", "application/json", `{"PaymentId":1,"Amount":"0x10"}`, 400, "request.Amount"},
		{"other digits", "application/json", `{"PaymentId":1,"Amount":"٢"}`, 400, "request.Amount"},
		{"an amount twice", "application/json", `{"PaymentId":1,"Amount":1,"Amount":2}`, 400, "twice"},
		{"a negative line", "application/json", `{"PaymentId":1,"Threshold":-1}`, 400, "request.Threshold"},
		{"a text as line", "application/json", `{"PaymentId":1,"Threshold":"low"}`, 400, "request.Threshold"},
		{"null as line", "application/json", `{"PaymentId":1,"Threshold":null}`, 400, "request.Threshold"},
		{"too precise a line", "application/json", `{"PaymentId":1,"Threshold":0.0000001}`, 400, "request.Threshold"},
		{"a huge line", "application/json", `{"PaymentId":1,"Threshold":9223372036855}`, 400, "request.Threshold"},

		{"empty", "application/json", "", 400, `"request"`},
		{"blank", "application/json", " \n", 400, `"request"`},
		{"null", "application/json", "null", 400, `"request"`},
		{"a list", "application/json", "[" + pay1 + "]", 400, `"request"`},
		{"a text", "application/json", `"x"`, 400, `"request"`},
		{"half", "application/json", pay1[:20], 400, `"request"`},
		{"more", "application/json", pay1 + "{}", 400, `"request"`},
		{"a comma more", "application/json", `{"PaymentId":1,}`, 400, `"request"`},
		{"no quotes", "application/json", `{PaymentId:1}`, 400, `"request"`},
		{"bad UTF-8", "application/json", "{\"\xff\":1}", 400, `"request"`},
		{"odd UTF-16", "application/json; charset=utf-16", "{}x", 400, `"request"`},
		{"deep", "application/json", `{"x":` + strings.Repeat("[", 20000), 400, `"request"`},
		{"XML as JSON", "application/json", pay1XML, 400, `"request"`},
		{"HTML as JSON", "text/html", "<p>1</p>", 400, `"request"`},

		{"JSON as XML", "application/xml", pay1, 400, "<request>"},
		{"half of XML", "text/xml", pay1XML[:100], 400, "<request>"},
		{"no XML", "text/xml", " ", 400, "<request>"},
		{"two roots", "text/xml", pay1XML + pay1XML, 400, "<request>"},
		{"text after it", "text/xml", pay1XML + "x", 400, "<request>"},
		{"another root", "text/xml", "<EnableAutoTopupRequest>" + inXMLGood + "</EnableAutoTopupRequest>", 400, "<request>"},
		{"a foreign root", "text/xml", `<` + requestRoot + ` xmlns="urn:x">` + inXMLGood + `</` + requestRoot + `>`, 400, "<request>"},
		{"a document type", "text/xml", `<!DOCTYPE x [<!ENTITY e "1">]>` + inXML("<PaymentId>&e;</PaymentId>"), 400, "<request>"},
		{"an entity", "text/xml", inXML("<PaymentId>&e;</PaymentId>"), 400, "<request>"},
		{"an outer file", "text/xml", `<!DOCTYPE x SYSTEM "file:///etc/passwd">` + pay1XML, 400, "<request>"},
		{"deep XML", "text/xml", inXML(deep), 400, "<request>"},
		{"another encoding", "text/xml", `<?xml version="1.0" encoding="iso-8859-1"?>` + pay1XML, 400, "<request>"},
		{"text between", "text/xml", inXML("x" + inXMLGood), 400, "<request>"},
		{"an element inside", "text/xml", inXML("<PaymentId><a/>1</PaymentId>"), 400, "<request.PaymentId>"},
		{"nil", "text/xml", inXML(`<PaymentId>1</PaymentId><Amount i:nil="true"/>`), 400, "<request.Amount>"},
		{"an empty element", "text/xml", inXML(`<PaymentId>1</PaymentId><Amount/>`), 400, "<request.Amount>"},
		{"an element twice", "text/xml", inXML(inXMLGood + `<Amount>9</Amount>`), 400, "<request.Amount>"},
		{"a long element", "text/xml", inXML(`<PaymentId>` + strings.Repeat("1<!-- -->", maxNumber+1) + `</PaymentId>`), 400, "<request.PaymentId>"},
		{"a wrong element", "text/xml", inXML(`<PaymentId>1</PaymentId><Threshold>-1</Threshold>`), 400, "<request.Threshold>"},

		{"a bad escape", "application/x-www-form-urlencoded", "PaymentId=%zz", 400, `"request"`},
		{"an empty value", "application/x-www-form-urlencoded", "PaymentId=1&Amount=", 400, "request.Amount"},
		{"a value twice", "application/x-www-form-urlencoded", "PaymentId=1&PaymentId=1", 400, "twice"},
		{"JSON as a form", "application/x-www-form-urlencoded", pay1, 400, "request.PaymentId"},

		{"no type", "", pay1, 415, "Content-Type"},
		{"another type", "text/csv", pay1, 415, "text/csv"},
		{"a part of a form", "multipart/form-data; boundary=x", pay1, 415, "multipart"},
		{"no type at all", "json", pay1, 415, "json"},
		{"a broken type", "application/json; =", pay1, 415, "media type"},
		{"another set", "application/json; charset=ebcdic", pay1, 415, "ebcdic"},
		{"too large", "application/json", strings.Repeat(" ", maxBody+1), 413, "too large"},
	} {
		x := exchange{media: tt.media, body: tt.body}
		w := k.play(x)
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.want) || !strings.Contains(w.Body.String(), "Message") {
			t.Errorf("%s: %d %s, want %d with %s", tt.name, w.Code, w.Body, tt.code, tt.want)
		}
		check.answer(t, x, w)
	}
	if w := k.play(exchange{media: "application/json", body: pay1, headers: []string{"Content-Encoding", "gzip"}}); w.Code != 415 {
		t.Errorf("gzip: %d", w.Code)
	}
	if after := k.state(); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
}

// A page that a browser shows cannot be made of what a text holds.
func TestNoPageInAnAnswer(t *testing.T) {
	k := newKit(t)
	w := k.play(exchange{media: `x/<script>alert(1)</script>`, body: "x", headers: []string{"Accept", "text/html"}})
	if w.Code != 415 || strings.Contains(w.Body.String(), "<") || w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

// What is before the interface refuses in its shape.
func TestRefuse(t *testing.T) {
	for accept, want := range map[string]string{
		"":         `{"Message":"Too <many>."}`,
		"text/xml": `<Error><Message>Too &lt;many&gt;.</Message></Error>`,
	} {
		r := httptest.NewRequest("POST", address, nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		New(nil, Options{}).Refuse(w, r, 429, "Too <many>.")
		if w.Code != 429 || w.Body.String() != want {
			t.Errorf("%d %s, want %s", w.Code, w.Body, want)
		}
	}
}

// A customer that a person blocked gets nothing; one that owes may read and pay.
func TestBlockedCustomer(t *testing.T) {
	k := newKit(t)
	check := newContract(t)
	for block, want := range map[billing.Block]map[string]int{
		billing.BlockOperator: {"GET": 403, "POST": 403, "DELETE": 403},
		billing.BlockBilling:  {"GET": 200, "POST": 200, "DELETE": 403},
	} {
		actor := actors["acme"]
		actor.Blocked = block
		for method, code := range want {
			x := exchange{method: method, media: "application/json", body: pay1}
			r := httptest.NewRequestWithContext(billing.WithActor(as("acme"), actor), method, address, strings.NewReader(pay1))
			r.Header.Set("Content-Type", x.media)
			w := httptest.NewRecorder()
			k.handler.ServeHTTP(w, r)
			if w.Code != code {
				t.Errorf("%s, blocked for %s: %d %s, want %d", method, block, w.Code, w.Body, code)
			}
			check.answer(t, x, w)
		}
	}
}
