package tmf654_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"topupd/billing"
	"topupd/methods/tmf654"
)

var (
	fuzzRuns = flag.Int("contract.runs", 300, "requests that are generated from the contract")
	fuzzSeed = flag.Uint64("contract.seed", 1, "their seed")
)

// fuzzRound is how many requests one database takes: a state is compared after each.
const fuzzRound = 100

// TestContractFuzz: requests made from the contract, right and wrong ones, never end in a
// 5xx, and every answer is as the contract says (kit.send). What is refused changes
// nothing and charges nobody, also not later; what is created is where its Location says;
// a member that is given twice is always refused; the ledger stays whole.
func TestContractFuzz(t *testing.T) {
	operations, met := contractOperations(t), map[string]int{}
	for round := range (*fuzzRuns + fuzzRound - 1) / fuzzRound {
		fuzz(t, operations, uint64(round), min(fuzzRound, *fuzzRuns-round*fuzzRound), met)
		if t.Failed() {
			break
		}
	}
	for _, want := range []string{
		"POST topupBalance 201", "POST adjustBalance 201", "POST transferBalance 201", "POST reserveBalance 201", "POST bucket 201", "POST hub 201",
		"PATCH topupBalance 200", "PATCH adjustBalance 200", "PATCH transferBalance 200", "PATCH reserveBalance 200", "DELETE reserveBalance 204",
		"POST topupBalance 400", "POST adjustBalance 400", "POST transferBalance 400", "POST reserveBalance 400", "POST bucket 400", "POST hub 400",
		"POST adjustBalance 403", "PATCH reserveBalance 404", "a member twice",
	} {
		if *fuzzRuns >= 1200 && met[want] == 0 {
			t.Errorf("there was no %s", want)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(met)) {
		t.Logf("%6d %s", met[what], what)
	}
}

// fuzz sends requests to one database.
func fuzz(t *testing.T, operations []operation, round uint64, runs int, met map[string]int) {
	k := newKitWith(t, tmf654.Options{}, func(s *billing.Settings) { s.PaymentWait = 0 }) // it works between requests
	for _, login := range []string{"101", "102"} {
		k.load(`{"type":"account","i_account":` + login + `,"username":"1555` + login + `"}`)
	}
	g := generator{Rand: rand.New(rand.NewPCG(*fuzzSeed, round)), made: map[string][]string{}}
	before := k.state()
	for n := range runs {
		q := g.request(operations)
		w := k.send(q.who, q.method, q.path, q.body, q.headers...)
		told := fmt.Sprintf("-contract.seed %d, round %d, request %d: %s %s %v as %s\n%s\n%d %s", *fuzzSeed, round, n, q.method, q.path, q.headers, q.who, q.body, w.Code, w.Body)
		met[fmt.Sprintf("%s %s %d", q.method, q.resource, w.Code)]++
		if w.Code >= 500 {
			t.Errorf("an error of ours: %s", told)
		}
		if q.twice {
			met["a member twice"]++
			if w.Code < 400 {
				t.Errorf("a member was given twice: %s", told)
			}
		}
		if at := w.Header().Get("Location"); q.method == "POST" && w.Code == 201 {
			if u, err := url.Parse(at); err != nil || k.send(q.who, "GET", u.Path, "").Code != 200 {
				t.Errorf("%s is not there: %s", at, told)
			}
			g.made[q.resource] = append(g.made[q.resource], at[strings.LastIndex(at, "/")+1:])
		}
		k.work()
		after := k.state()
		if after != before && (q.method == "GET" || w.Code >= 400) {
			t.Errorf("this changed something: %s\n%s", told, firstDifference(before, after))
		}
		if before = after; n%25 == 24 {
			k.run(k.now.AddDate(0, 0, 1)) // recurring top-ups and reservations go on
			before = k.state()
		}
		if t.Failed() {
			t.Fatal(told)
		}
	}
	k.verify()
}

func firstDifference(before, after string) string {
	old := strings.Split(before, "\n")
	for i, line := range strings.Split(after, "\n") {
		if i >= len(old) || old[i] != line {
			return line
		}
	}
	return "something is gone"
}

// work lets the workers do what is due.
func (k *kit) work() {
	k.Helper()
	if err := k.e.Drain(k.as("root")); err != nil {
		k.Fatal(err)
	}
}

type operation struct {
	method, path string
	body         *openapi3.SchemaRef // nil for none
	params       []string            // of the query
}

// contractOperations are those of the contract, in a fixed order.
func contractOperations(t *testing.T) (all []operation) {
	doc, err := openapi3.NewLoader().LoadFromData(tmf654.New(newEmptyKit(t).e, tmf654.Options{}).OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o := operation{method: method, path: path}
			if op.RequestBody != nil {
				for _, media := range op.RequestBody.Value.Content { // the same one of each
					o.body = media.Schema
				}
			}
			for _, p := range op.Parameters {
				if p.Value.In == "query" {
					o.params = append(o.params, p.Value.Name)
				}
			}
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.method+a.path, b.method+b.path) })
	return all
}

// generator makes requests out of the contract; a tame one is mostly right.
type generator struct {
	*rand.Rand
	tame     bool
	who, to  int64 // accounts that a tame one is about
	unit     string
	distinct int
	twice    bool
	made     map[string][]string // ids by their resource
}

type request struct {
	who, method, path, body, resource string
	headers                           []string
	twice                             bool // an object of the body has a member twice
}

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func (g *generator) request(operations []operation) request {
	o := pick(g, operations...)
	for o.body == nil && !g.oneIn(4) { // most are about bodies
		o = pick(g, operations...)
	}
	g.tame, g.twice = g.oneIn(2), false
	g.who, g.to = pick(g, int64(6340627), 101), pick(g, int64(102), 104)
	g.unit = pick(g, "USD", "USD", "USD", "SMS", "MB")
	if strings.HasSuffix(o.path, "/topupBalance") {
		g.unit = "USD"
	}
	q := request{method: o.method, path: strings.Replace(o.path, "{id}", g.pathID(o.path), 1), who: pick(g, "10", "10", "10", "root", "20", "10!")}
	if g.tame {
		q.who = "10"
	}
	q.resource = resourceOf(o.path)
	if g.oneIn(4) {
		q.path = strings.Replace(q.path, base, forum, 1)
	}
	if o.body != nil {
		q.body = g.value("", "", o.body.Value, 0)
		if !g.tame && g.oneIn(30) {
			q.body = q.body[:g.IntN(len(q.body))+1] + pick(g, "", "}", "{}", "x")
		}
		q.twice = g.twice && json.Valid([]byte(q.body))
		if g.oneIn(3) {
			q.headers = append(q.headers, "Idempotency-Key", strconv.Itoa(g.IntN(3)))
		}
		if g.oneIn(20) {
			q.headers = append(q.headers, "Content-Type", pick(g, "application/json", "application/merge-patch+json", "text/plain", "x", "application/json;charset=latin1"))
		}
		return q
	}
	query := url.Values{}
	for _, name := range o.params {
		if g.oneIn(3) {
			query.Set(name, g.filter(name))
		}
	}
	if len(query) > 0 {
		q.path += "?" + query.Encode()
	}
	return q
}

// pathID is an id for an address: mostly of what may be there.
func (g *generator) pathID(path string) string {
	resource := resourceOf(path)
	switch made := g.made[resource]; {
	case !g.tame && g.oneIn(4):
		return pick(g, "1", "x", "0.0.0.1+-topup+0", "0.0.0.1+-adjustment+99999999999999999999", "%00", "%FF", "0.0.0.1", strings.Repeat("9", 300))
	case len(made) > 0 && !g.oneIn(5):
		return pick(g, made...)
	case resource == "hub":
		return strconv.Itoa(1 + g.IntN(5))
	case resource == "bucket":
		return g.bucket(g.who)
	case resource == "accumulatedBalance":
		return g.account(g.who)
	}
	return "0.0.0.1+" + pick(g, "-topup", "-adjustment", "-transfer", "-reservation") + "+" + strconv.Itoa(1+g.IntN(20))
}

func resourceOf(path string) string {
	resource, _, _ := strings.Cut(strings.TrimPrefix(path, base+"/"), "/")
	return resource
}

func (g *generator) account(tame int64) string {
	if !g.tame {
		tame = pick(g, int64(6340627), 101, 102, 103, 104, 200, 999, 0)
	}
	return "0.0.0.1+-account+" + strconv.FormatInt(tame, 10)
}

func (g *generator) bucket(tame int64) string {
	resource := map[string]string{"USD": "840", "SMS": "1000001", "MB": "1000002"}[g.unit]
	if !g.tame {
		tame, resource = pick(g, int64(6340627), 101, 102, 103, 200, 999, 0), pick(g, "840", "1000001", "1000002", "978", "7", "0")
	}
	if tame == 6340627 {
		tame = 6336883
	}
	return "0.0.0.1+-balance_group+" + strconv.FormatInt(tame, 10) + "+" + resource + "+0"
}

func (g *generator) filter(name string) string {
	switch name {
	case "partyAccount.id":
		return g.account(g.who)
	case "bucket.id":
		return g.bucket(g.who)
	case "offset", "limit":
		return pick(g, "0", "1", "2", "5000", "-1", "x", "99999999999999999999")
	case "fields":
		return pick(g, "id", "id,status", "amount,,id", "x", "")
	case "@type":
		return pick(g, "TopupBalance", "AdjustBalance", "x")
	case "usageType":
		return pick(g, "monetary", "sms", "x")
	}
	return pick(g, "CONFIRMED", "cancelled", "true", "1", "\x00", "")
}

// odd are values that fit hardly any schema.
var odd = []string{
	`null`, `true`, `""`, `-1`, `0.5`, `[]`, `{}`, `1e400`, `-1e400`, `-0`, `1E2`, `[null]`, `"\u0000"`, `"\ud800"`, "\"\xff\"", `{"id":null}`, `{"amount":1}`, `[[[[[[[[1]]]]]]]]`,
	`9223372036854.775808`, `"` + strings.Repeat("é", 2000) + `"`, `12345678901234567890`, `0.0000001`,
}

// value is the text of a value of a schema, which is the member name of parent.
func (g *generator) value(parent, name string, s *openapi3.Schema, depth int) string {
	if !g.tame && (g.oneIn(25) || depth > 8) {
		return pick(g, odd...)
	}
	switch {
	case name == "amount" && s.Type == nil, name == "value" && s.Type == nil:
		return g.number()
	case len(s.OneOf) > 0:
		return g.value(parent, name, s.OneOf[g.IntN(len(s.OneOf))].Value, depth+1)
	case s.Type == nil:
		return `"x"`
	case s.Type.Is("object"):
		return g.object(name, s, depth)
	case s.Type.Is("array"):
		var items []string
		for range g.IntN(3) {
			items = append(items, g.value(parent, name, s.Items.Value, depth+1))
		}
		return "[" + strings.Join(items, ",") + "]"
	case s.Type.Is("boolean"):
		return pick(g, "true", "false")
	case s.Type.Is("integer"), s.Type.Is("number"):
		return pick(g, "1", "2", "12")
	}
	text, err := json.Marshal(g.word(parent, name, s))
	if err != nil {
		panic(err) // a text always has a form
	}
	return string(text)
}

// number is mostly small: much more than there is, is refused for that.
func (g *generator) number() string {
	switch {
	case g.oneIn(12):
		return "500"
	case g.tame || g.oneIn(2):
		return pick(g, "1", "2", `"3"`, "1.0", `"1e0"`)
	case g.oneIn(40):
		return pick(g, "9223372036854.775807", "9000000000000", "-9000000000000")
	}
	return pick(g, "0", "-1", "0.01", "0.000001", "0.0000001", "-0", "190", "1e400", `"NaN"`, `"1e999"`, `" 2 "`, `"two"`, "0.30000000000000004", "1E-400", "9223372036854.775808")
}

// wanted are the members that a tame request has although the contract leaves them free,
// unwelcome those that it would often be refused for.
var (
	wanted    = []string{"partyAccount", "receiverPartyAccount"}
	unwelcome = []string{"voucher", "isAutoTopup", "numberOfPeriods", "recurringPeriod", "product", "validFor", "isShared", "remainingValue", "reservedValue", "logicalResource", "receiverLogicalResource", "transferCost", "secret", "status", "usageType", "receiverBucketUsageType"}
)

func (g *generator) object(name string, s *openapi3.Schema, depth int) string {
	var members []string
	has := map[string]bool{}
	for _, member := range slices.Sorted(maps.Keys(s.Properties)) {
		switch {
		case slices.Contains(s.Required, member), slices.Contains(wanted, member):
			has[member] = g.tame || !g.oneIn(10)
		case slices.Contains(unwelcome, member):
			has[member] = g.oneIn(8)
		default:
			has[member] = g.oneIn(4)
		}
	}
	if auto := g.oneIn(8); has["isAutoTopup"] && auto { // which needs another
		has["recurringPeriod"] = true
	}
	for _, member := range slices.Sorted(maps.Keys(has)) {
		if has[member] {
			members = append(members, `"`+member+`":`+g.value(name, member, s.Properties[member].Value, depth+1))
		}
	}
	if !g.tame && g.oneIn(12) {
		members = append(members, `"`+pick(g, "unknown", "id", "href", "@type")+`":`+pick(g, odd...))
	}
	if !g.tame && len(members) > 0 && g.oneIn(40) {
		again := members[g.IntN(len(members))]
		if end := strings.Index(again, `":`); g.oneIn(2) {
			again = strings.ToUpper(again[:end]) + again[end:]
		}
		members = append(members, again)
		g.twice = true
	}
	return "{" + strings.Join(members, ",") + "}"
}

// word is a text that means something to a member.
func (g *generator) word(parent, name string, s *openapi3.Schema) string {
	switch name {
	case "id":
		return g.ref(parent)
	case "units", "unit":
		if g.tame {
			return g.unit
		}
		return pick(g, "USD", "USD", "EUR", "JPY", "SMS", "KB", "MB", "GB", "usd", "XXX", "ⓤSD", " ")
	case "usageType", "receiverBucketUsageType":
		if g.tame || g.oneIn(2) {
			return map[string]string{"USD": "monetary", "SMS": "sms", "MB": "data"}[g.unit]
		}
		return pick(g, "monetary", "SMS", "data", "other", "voice")
	case "value": // of a logicalResource
		return pick(g, "1555101", "1555102", "nobody", "\x00")
	case "status":
		return pick(g, "cancelled", "CONFIRMED", "expired", "x")
	case "isAutoTopup":
		return pick(g, "true", "False")
	case "recurringPeriod":
		return pick(g, "daily", "1 Week", "monthly", "yearly")
	case "numberOfPeriods":
		return pick(g, "1", "3", "0")
	case "costOwner":
		return pick(g, "originator", "Receiver", "nobody")
	case "startDateTime", "endDateTime":
		return pick(g, "2021-09-30T22:15:11Z", "2021-10-02T00:00:00+05:30", "2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "soon")
	case "callback":
		g.distinct++
		return pick(g, "http://panel.example.com/", "https://panel.example.com:8443/a?b=", "ftp://x/", "http://", "x") + strconv.Itoa(g.distinct)
	case "query":
		return pick(g, "eventType=TopupBalanceCreateEvent", "?eventType=x", "eventType=AdjustBalanceCreateEvent,TopupBalanceCreateEvent", "a=b", "%zz")
	case "secret":
		return pick(g, "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "whsec_x", "secret")
	case "voucher":
		return pick(g, "VOUCHER1", "nothing", "")
	}
	if s.MaxLength != nil && !g.tame && g.oneIn(10) {
		return strings.Repeat("w", int(*s.MaxLength)+g.IntN(2))
	}
	return pick(g, "text", "Überweisung", "a\tb", "<b>", "\u2028", "\x00")
}

func (g *generator) ref(parent string) string {
	switch {
	case !g.tame && g.oneIn(15):
		return pick(g, "x", "1", "0.0.0.1+-account+-1", "\x00", "0.0.0.1+-account+99999999999999999999")
	case parent == "bucket":
		return g.bucket(g.who)
	case parent == "receiverBucket":
		return g.bucket(g.to)
	case parent == "partyAccount":
		return g.account(g.who)
	case parent == "receiverPartyAccount":
		return g.account(g.to)
	case parent == "paymentMethod":
		card := map[int64]string{6340627: "6337651", 101: "1001"}[g.who]
		if !g.tame {
			card = pick(g, "6337651", "1001", "1003", "2000", "9", "0")
		}
		return "0.0.0.1+-payinfo-cc+" + card
	case parent == "product":
		return pick(g, "0.0.0.1+-service-telco-gsm-sms+6337523", "p")
	}
	return pick(g, "7", "Ünal", "0.0.0.1+-topup+1")
}
