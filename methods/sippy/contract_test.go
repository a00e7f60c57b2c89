package sippy_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"topupd/methods/sippy"
	"topupd/methods/xmlrpc"
)

// answer is one reply as a panel gets it. What the scripts hold came with the
// header of served (k.step sees to that).
type answer struct {
	method string
	status int
	header http.Header
	text   string
}

func served(method, text string) answer {
	return answer{method, 200, http.Header{"Content-Type": {"text/xml"}, "Content-Length": {strconv.Itoa(len(text))}}, text}
}

// The patterns by which panels read; the client of each is in sippy.md 1.10.
var (
	wholeReply  = regexp.MustCompile(`^<\?xml version='1\.0'\?>\s*<methodResponse>[\s\S]*</methodResponse>\s*$`)
	result      = regexp.MustCompile(`<name>result</name>\s*<value><string>(OK)</string></value>`)
	payment     = regexp.MustCompile(`<name>result</name>\s*<value><string>(OK|FAILED|PENDING)</string></value>`)
	faultReply  = regexp.MustCompile(`<name>faultCode</name>\s*<value><int>(-?\d+)</int></value>[\s\S]*?<name>faultString</name>\s*<value><string>([^<&>]*)</string></value>`)
	scalar      = regexp.MustCompile(`<name>([^<]*)</name>\s*<value>(?:<([a-z]+)>([^<]*)</[a-z]+>|<nil/>)</value>`)
	anyValue    = regexp.MustCompile(`<value>(?:<string>[^<]*</string></value>|<(?:int|double|boolean)>[^<\s]+</(?:int|double|boolean)></value>|<nil/></value>|<struct>|<array><data>)`)
	integer     = regexp.MustCompile(`^-?(0|[1-9]\d*)$`)
	double      = regexp.MustCompile(`^-?(0|[1-9]\d*)\.(\d|\d*[1-9])$`)
	emptyStruct = regexp.MustCompile(`<struct\s*/>|<struct>\s*</struct\s*>`)
	emptyArray  = regexp.MustCompile(`<array>\s*<data>\s*</data>\s*</array>|<data\s*/>|<array\s*/>`)
)

// contract is 1.10, point by point: what a panel that lives by the point finds
// wrong with an answer, "" when nothing. Point 13 is TestMemberOrder.
var contract = map[int]func(answer) string{
	1: func(a answer) string { return unless(a.status == 200, a.status) },
	2: func(a answer) string {
		return texts(a.text, "int", integer) + found(a.text, `</?(i1|i2|i4|i8|biginteger|ex:\w+)\b`)
	},
	3: func(a answer) string {
		words := result
		if strings.HasPrefix(a.method, "makePayment") {
			words = payment
		}
		if !strings.Contains(a.text, "<fault>") && !strings.HasPrefix(a.method, "system.") && !words.MatchString(a.text) {
			return "result is not found"
		}
		if n, m := strings.Count(a.text, "<value>"), len(anyValue.FindAllString(a.text, -1)); n != m {
			return fmt.Sprintf("of %d values %d have a known type", n, m)
		}
		return ""
	},
	4: func(a answer) string {
		return texts(a.text, "double", double) + found(a.text, `</?(float|bigdecimal)\b`)
	},
	5: func(a answer) string { return texts(a.text, "boolean", regexp.MustCompile(`^[01]$`)) },
	6: func(a answer) string {
		all := regexp.MustCompile(`(?i)<[a-z:]*\bnil\b[^>]*>`).FindAllString(a.text, -1)
		return unless(len(all) == strings.Count(a.text, "<value><nil/></value>"), all)
	},
	7: func(a answer) string {
		if !strings.Contains(a.text, "<fault>") {
			return ""
		}
		return unless(faultReply.MatchString(a.text) && strings.Count(a.text, "<member>") == 2, a.text)
	},
	8: func(a answer) string {
		return found(a.text, `<value>\s+<|<array>\s|<data>\s|</data>\s|\s</value>`)
	},
	9: func(a answer) string {
		if a.method != "getLowBalance" || strings.Contains(a.text, "<fault>") {
			return ""
		}
		return unless(strings.Count(a.text, "<struct>") == 1 && !strings.Contains(a.text, "<array>") &&
			len(scalar.FindAllString(a.text, -1)) == strings.Count(a.text, "<member>"), "not flat")
	},
	10: func(a answer) string {
		got := a.header.Values("Content-Type")
		return unless(slices.Equal(got, []string{"text/xml"}), got)
	},
	11: func(a answer) string {
		got := a.header.Values("Content-Length")
		return unless(slices.Equal(got, []string{strconv.Itoa(len(a.text))}) && a.header.Get("Transfer-Encoding") == "", got)
	},
	12: func(a answer) string {
		return unless(wholeReply.MatchString(a.text) && utf8.ValidString(a.text) && !strings.Contains(a.text, "\uFEFF"), a.text[:min(60, len(a.text))])
	},
	14: func(a answer) string {
		for _, s := range emptyStruct.FindAllString(a.text, -1) {
			if s != "<struct></struct>" && s != "<struct/>" {
				return s
			}
		}
		for _, s := range emptyArray.FindAllString(a.text, -1) {
			if s != "<array><data></data></array>" {
				return s
			}
		}
		return ""
	},
}

func unless(good bool, what any) string {
	if good {
		return ""
	}
	return fmt.Sprintf("%.300v", what)
}

func found(text, pattern string) string { return regexp.MustCompile(pattern).FindString(text) }

// texts is the first content of an element that does not look as it must.
func texts(text, element string, form *regexp.Regexp) string {
	for _, m := range regexp.MustCompile(`<`+element+`>([^<]*)</`).FindAllStringSubmatch(text, -1) {
		if !form.MatchString(m[1]) {
			return m[0]
		}
	}
	return ""
}

// broken are the points that an answer breaks, in words.
func (a answer) broken() []string {
	var out []string
	for point := 1; point <= 14; point++ {
		if check := contract[point]; check != nil {
			if what := check(a); what != "" {
				out = append(out, fmt.Sprintf("1.10.%d: %s", point, what))
			}
		}
	}
	return out
}

func (a answer) keepsTheContract(t *testing.T) {
	t.Helper()
	for _, what := range a.broken() {
		t.Errorf("%s breaks %s\n%s", a.method, what, a.text)
	}
}

var methodName = regexp.MustCompile(`<methodName>\s*([^<\s]*)\s*</methodName>`)

func methodOf(body string) string {
	if m := methodName.FindStringSubmatch(body); m != nil {
		return m[1]
	}
	return ""
}

// recorded is every answer that the scripts hold.
func recorded(t *testing.T) []answer {
	t.Helper()
	files, err := filepath.Glob(scripts)
	must(t, err)
	var all []answer
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
		for i := 0; i < len(lines); {
			who, isCall := strings.CutPrefix(lines[i], "--> ")
			i++
			if !isCall {
				continue
			}
			body := block(lines, &i)
			i++
			reply := strings.TrimRight(block(lines, &i), "\n") + "\n"
			if _, ok := actors[who]; ok {
				all = append(all, served(methodOf(body), reply))
			}
		}
	}
	return all
}

// everyMethod is the table and what the dispatcher has beside it.
func everyMethod() []string {
	names := []string{"system.getCapabilities", "system.listMethods", "system.methodHelp", "system.methodSignature", "system.multicall"}
	for _, m := range sippy.Methods(nil, sippy.Options{}) {
		names = append(names, m.Name)
	}
	return names
}

// Each method has a recorded success and a recorded fault, so that what is held
// below is held for all of them.
func TestEveryMethodIsRecorded(t *testing.T) {
	good, bad := map[string]bool{}, map[string]bool{}
	for _, a := range recorded(t) {
		if strings.Contains(a.text, "<fault>") {
			bad[a.method] = true
		} else {
			good[a.method] = true
		}
	}
	for _, name := range everyMethod() {
		if !good[name] {
			t.Errorf("no script holds a success of %s", name)
		}
		if !bad[name] && name != "system.listMethods" && name != "system.getCapabilities" { // which take whatever they are sent
			t.Errorf("no script holds a fault of %s", name)
		}
	}
}

func TestRecordedRepliesKeepTheContract(t *testing.T) {
	for _, a := range recorded(t) {
		a.keepsTheContract(t)
	}
}

// A panel without a parser finds in every reply the very members that a parser
// finds, in their order, and as many rows.
func TestPatternsFindWhatAParserFinds(t *testing.T) {
	for _, a := range recorded(t) {
		if strings.Contains(a.text, "<fault>") {
			continue
		}
		v := parsed(t, a)
		var got []string
		for _, m := range scalar.FindAllStringSubmatch(a.text, -1) {
			kind := m[2]
			if kind == "" {
				kind = "nil"
			}
			got = append(got, unescape(m[1])+" "+kind+" "+unescape(m[3]))
		}
		if want := scalars(v); !slices.Equal(got, want) {
			t.Errorf("%s: found\n%q\nin\n%q", a.method, got, want)
		}
		for _, m := range v.Members() {
			if m.Value.Kind() == xmlrpc.KindArray && flat(m.Value) {
				list := regexp.MustCompile(`<name>` + m.Name + `</name>\s*<value><array><data>([\s\S]*?)</data></array>`).FindStringSubmatch(a.text)
				if list == nil || strings.Count(list[1], "<value><struct>") != len(m.Value.Items()) {
					t.Errorf("%s: %s has %d rows, found %.300q", a.method, m.Name, len(m.Value.Items()), list)
				}
			}
		}
	}
}

// parsed reads a reply with the codec, which knows calls only.
func parsed(t *testing.T, a answer) xmlrpc.Value {
	t.Helper()
	text := strings.Replace(a.text, "<methodResponse>", "<methodCall><methodName>m</methodName>", 1)
	call, err := xmlrpc.DecodeCall([]byte(strings.Replace(text, "</methodResponse>", "</methodCall>", 1)), xmlrpc.Limits{})
	if err != nil || len(call.Params) != 1 {
		t.Fatalf("%s: %v in\n%s", a.method, err, a.text)
	}
	return call.Params[0]
}

// scalars are all members that are no struct or array.
func scalars(v xmlrpc.Value) []string {
	var out []string
	for _, m := range v.Members() {
		if k := m.Value.Kind(); k != xmlrpc.KindStruct && k != xmlrpc.KindArray {
			out = append(out, m.Name+" "+k.String()+" "+m.Value.Text())
		}
		out = append(out, scalars(m.Value)...)
	}
	for _, item := range v.Items() {
		out = append(out, scalars(item)...)
	}
	return out
}

// flat is an array of structs of scalars.
func flat(v xmlrpc.Value) bool {
	return !slices.ContainsFunc(v.Items(), func(row xmlrpc.Value) bool {
		return slices.ContainsFunc(row.Members(), func(m xmlrpc.Member) bool { return m.Value.Members() != nil || m.Value.Items() != nil })
	})
}

func unescape(s string) string {
	var out string
	if err := xml.Unmarshal([]byte("<s>"+s+"</s>"), &out); err != nil {
		return err.Error()
	}
	return out
}

// 1.10.13: no two replies of a method have two members in different order.
func TestMemberOrder(t *testing.T) {
	before := map[string]bool{}
	for _, a := range recorded(t) {
		if strings.Contains(a.text, "<fault>") || a.method == "system.multicall" {
			continue
		}
		for _, wrong := range order(before, a.method, parsed(t, a)) {
			t.Errorf("%s\n%s", wrong, a.text)
		}
	}
}

// order notes which member comes before which, and returns what contradicts it.
func order(before map[string]bool, where string, v xmlrpc.Value) []string {
	var wrong []string
	members := v.Members()
	for i, m := range members {
		for _, later := range members[i+1:] {
			before[where+": "+m.Name+" before "+later.Name] = true
			if back := where + ": " + later.Name + " before " + m.Name; before[back] {
				wrong = append(wrong, back+", and the other way round")
			}
		}
		if m.Name != "audit_info" { // whose members are those of a call
			wrong = append(wrong, order(before, where+"."+m.Name, m.Value)...)
		}
	}
	for _, item := range v.Items() {
		wrong = append(wrong, order(before, where, item)...)
	}
	return wrong
}

// The checks above see what they are for: each point broken by hand.
func TestContractSeesABrokenReply(t *testing.T) {
	get := served("getLowBalance", "")
	get.text = string(xmlrpc.AppendResponse(nil, xmlrpc.Struct(
		xmlrpc.Member{Name: "result", Value: xmlrpc.String("OK")}, xmlrpc.Member{Name: "threshold", Value: xmlrpc.Nil()},
		xmlrpc.Member{Name: "charge_card", Value: xmlrpc.Bool(true)}, xmlrpc.Member{Name: "charge_amount", Value: xmlrpc.Double("10")},
		xmlrpc.Member{Name: "i_debit_credit_card", Value: xmlrpc.Int(7)})))
	list := served("listAccounts", string(xmlrpc.AppendResponse(nil, xmlrpc.Struct(
		xmlrpc.Member{Name: "result", Value: xmlrpc.String("OK")}, xmlrpc.Member{Name: "accounts", Value: xmlrpc.Array()},
		xmlrpc.Member{Name: "customer", Value: xmlrpc.Struct()}))))
	fault := served("getLowBalance", string(xmlrpc.AppendFault(nil, xmlrpc.Fault{Code: 401, String: "Wrong i_account"})))
	for _, a := range []*answer{&get, &list, &fault} {
		a.header.Set("Content-Length", strconv.Itoa(len(a.text)))
		a.keepsTheContract(t)
	}
	for _, c := range []struct {
		point    int
		in       answer
		old, new string
	}{
		{2, get, "<int>7</int>", "<i4>7</i4>"},
		{2, get, "<int>7</int>", "<int>+7</int>"},
		{3, get, "<string>OK</string>", "OK"},
		{3, get, "OK", "ok"},
		{3, get, "OK", "PENDING"},
		{3, fault, "<string>Wrong i_account</string>", "Wrong i_account"},
		{3, get, "<double>10.0</double>", "<base64>MTA=</base64>"},
		{4, get, "10.0", "10"},
		{4, get, "10.0", "10.50"},
		{4, get, "10.0", "1e+01"},
		{4, get, "double", "float"},
		{5, get, "<boolean>1<", "<boolean>true<"},
		{6, get, "<nil/>", "<nil />"},
		{6, get, "<nil/>", "<nil></nil>"},
		{6, get, "<nil/>", "<ex:nil/>"},
		{7, fault, "faultCode", "faultString"},
		{7, fault, "<int>401</int>", "<string>401</string>"},
		{7, fault, "Wrong i_account", "a &lt; b"},
		{8, get, "<value><struct>", "<value>\n<struct>"},
		{8, get, "<value><int>", "<value> <int>"},
		{8, list, "<array><data>", "<array>\n<data>"},
		{9, get, "<nil/>", "<array><data></data></array>"},
		{12, get, "'1.0'", `"1.0"`},
		{12, get, "<?xml", "\uFEFF<?xml"},
		{12, get, "'1.0'", "'1.0' encoding='utf-8'"},
		{12, get, "OK", "OK\xff"},
		{14, list, "<array><data></data></array>", "<array><data/></array>"},
		{14, list, "<array><data></data></array>", "<array/>"},
		{14, list, "<struct></struct>", "<struct>\n</struct>"},
	} {
		a := c.in
		a.text = strings.ReplaceAll(a.text, c.old, c.new)
		if contract[c.point](a) == "" {
			t.Errorf("1.10.%d does not see %s", c.point, c.new)
		}
	}
	for point, change := range map[int]func(*answer){
		1:  func(a *answer) { a.status = 400 },
		10: func(a *answer) { a.header.Set("Content-Type", "text/html") },
		11: func(a *answer) { a.header.Del("Content-Length") },
	} {
		a := served("setLowBalance", fault.text)
		change(&a)
		if got := a.broken(); len(got) != 1 || !strings.HasPrefix(got[0], fmt.Sprintf("1.10.%d:", point)) {
			t.Errorf("1.10.%d: %q", point, got)
		}
	}
	before := map[string]bool{}
	a, b := xmlrpc.Member{Name: "a", Value: xmlrpc.Nil()}, xmlrpc.Member{Name: "b", Value: xmlrpc.Nil()}
	if order(before, "m", xmlrpc.Struct(a, b)) != nil || order(before, "m", xmlrpc.Array(xmlrpc.Struct(b, a))) == nil {
		t.Error("1.10.13 does not see two orders")
	}
}

// On a real connection, twice: the same bytes, with their length before them.
func TestContractOnAConnection(t *testing.T) {
	url := newKit(t).serve(t, loopback...)
	post := func(method, members string) answer {
		t.Helper()
		params := "<params><param><value><struct>" + members + "</struct></value></param></params>"
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url,
			strings.NewReader("<?xml version='1.0'?><methodCall><methodName>"+method+"</methodName>"+params+"</methodCall>"))
		must(t, err)
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		must(t, err)
		if len(response.TransferEncoding) > 0 {
			t.Errorf("%s came %v", method, response.TransferEncoding)
		}
		return answer{method, response.StatusCode, response.Header, string(body)}
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	for _, name := range everyMethod() {
		first := post(name, "")
		first.keepsTheContract(t)
		if again := post(name, ""); again.text != first.text {
			t.Errorf("%s answers\n%s\nand then\n%s", name, first.text, again.text)
		}
	}
	for method, members := range map[string]string{
		"getLowBalance":        "<member><name>i_account</name><value><int>100</int></value></member>",
		"getAccountInfo":       "<member><name>i_account</name><value><int>100</int></value></member>",
		"getCustomerInfo":      "<member><name>i_customer</name><value><int>11</int></value></member>",
		"listAccounts":         "",
		"listCustomers":        "",
		"getPaymentsList":      "<member><name>i_account</name><value><int>100</int></value></member>",
		"getServicePlanInfo":   "<member><name>i_billing_plan</name><value><int>1</int></value></member>",
		"listDebitCreditCards": "<member><name>i_account</name><value><int>100</int></value></member>",
	} {
		first := post(method, members)
		first.keepsTheContract(t)
		if again := post(method, members); strings.Contains(first.text, "<fault>") || again.text != first.text {
			t.Errorf("%s answers\n%s\nand then\n%s", method, first.text, again.text)
		}
	}
}

// heading is how k.step looks at the head of an answer, which no script holds.
func heading(method string, w *httptest.ResponseRecorder) []string {
	a := answer{method, w.Code, w.Header(), w.Body.String()}
	return a.broken()
}
