package tmf654_test

import (
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topupd/db/dbtest"
)

// page is an example of the source page: its request and its answer.
func page(t *testing.T, name string) (request, answer string) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	request, answer, found := strings.Cut(string(b), "\n---\n")
	if !found {
		t.Fatalf("%s has no answer", name)
	}
	return request, answer
}

// ours takes out of an answer what the page's system chose and we choose otherwise: the
// numbers of top-ups and payments, and the host.
var numbers = regexp.MustCompile(`(topup|item-payment)\+\d+`)

func ours(t *testing.T, body string) (v map[string]any) {
	t.Helper()
	body = numbers.ReplaceAllString(body, "$1+N")
	body = strings.ReplaceAll(strings.ReplaceAll(body, "http://host:port/", "/"), "http://host:8080/", "/")
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber() // 2.0 is not 2
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// members are the names of an answer in their order.
var members = regexp.MustCompile(`"[@A-Za-z]+":`)

// TestSourcePage: the two examples, their bodies verbatim: every key, null and digit.
func TestSourcePage(t *testing.T) {
	for _, name := range []string{"page_once.txt", "page_recurring.txt"} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			request, want := page(t, name)
			if name == "page_recurring.txt" { // its account owes
				k.debit(6340627, 493)
				k.now = time.Date(2021, 9, 29, 21, 36, 42, 0, time.UTC)
				want = strings.Replace(want, "03:06:43", "03:06:42", 1) // its card took a second
			}
			k.working()
			w := k.send("root", "POST", base+"/topupBalance", request)
			if w.Code != 201 {
				t.Fatal(w.Code, w.Body)
			}
			got := w.Body.String()
			if d := cmp.Diff(ours(t, want), ours(t, got)); d != "" {
				t.Errorf("not as on the page (-page +got):\n%s", d)
			}
			if d := cmp.Diff(members.FindAllString(strings.ReplaceAll(want, " ", ""), -1), members.FindAllString(got, -1)); d != "" {
				t.Errorf("the order of members:\n%s", d)
			}
			var body struct{ ID, Href string }
			if err := json.Unmarshal([]byte(got), &body); err != nil {
				t.Fatal(err)
			}
			if l := w.Header().Get("Location"); l != body.Href || !strings.HasSuffix(l, "/topupBalance/"+body.ID) {
				t.Errorf("Location %q of %q", l, body.ID)
			}
			// It reads the same in every form of its id, at both addresses.
			for _, id := range []string{body.ID, url.PathEscape(body.ID), strings.ReplaceAll(body.ID, "+", "%2B"), strings.ReplaceAll(body.ID, "+", "%20")} {
				if read := k.must(200, "root", "GET", base+"/topupBalance/"+id, ""); read != got {
					t.Errorf("%s reads\n%s\nnot\n%s", id, read, got)
				}
				if read := k.must(200, "root", "GET", forum+"/topupBalance/"+id, ""); strings.ReplaceAll(read, "/tmf-api/", "/brm/") != got {
					t.Errorf("%s reads %s", id, read)
				}
			}
			for _, id := range []string{alice, escaped(alice), strings.ReplaceAll(alice, "+", "%20"), "0.0.0.1%20/account%206340627%200"} {
				if list, counts := k.list("root", base+"/topupBalance?partyAccount.id="+id); len(list) != 1 || list[0]["id"] != body.ID || counts != "1 of 1" {
					t.Errorf("filter %s: %v, %s", id, list, counts)
				}
			}
			k.verify()
		})
	}
}

// TestWireTopups: the life of top-ups on the wire.
func TestWireTopups(t *testing.T) {
	dbtest.SQLiteOnly(t, "its requests name ids, which have gaps on PostgreSQL where a transaction ran again")
	k := newKit(t)
	k.working()
	k.say("root", "POST", base+"/topupBalance", `{"amount":{"amount":2.5,"units":"USD"},"bucket":{"id":"0.0.0.1+-balance_group+6336883"},"partyAccount":{"id":"`+alice+`"},"usageType":"monetary","description":"d","reason":"r","channel":{"id":"1","name":"My Shop"},"requestor":{"id":"7","@referredType":"Individual"},"relatedParty":[{"id":"8","@referredType":"Individual","role":"payer"}],"logicalResource":[{"id":"9","value":"15551230100"}],"product":[{"id":"0.0.0.1+-service-telco-gsm-sms+6337523"}],"paymentMethod":{"id":"0.0.0.1+-payinfo-cc+6337651"},"relatedTopupBalance":{"id":"x","@referredType":"y","role":"child"},"voucher":null,"validFor":{"endDateTime":"2030-01-01T00:00:00Z"}}`)
	k.say("root", "POST", base+"/topupBalance", `{"amount":{"amount":"7","units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+101"}}`)
	k.say("root", "POST", forum+"/topupBalance", `{"amount":{"amount":"7","units":"USD"},"partyAccount":{"id":"0.0.0.1 /account 102 0"}}`)
	k.say("10", "POST", base+"/topupBalance", `{"amount":{"amount":"3","units":"USD"},"isAutoTopup":true,"recurringPeriod":"1 Month","partyAccount":{"id":"`+alice+`"}}`, "Idempotency-Key", "k1")
	k.say("10", "POST", base+"/topupBalance", `{"amount":{"amount":"3","units":"USD"},"isAutoTopup":true,"recurringPeriod":"1 Month","partyAccount":{"id":"`+alice+`"}}`, "Idempotency-Key", "k1")
	k.say("10", "GET", base+"/topupBalance?fields=id,status,isAutoTopup,paymentMethod&limit=2&offset=1", "")
	k.say("root", "GET", base+"/topupBalance?status=FAILED&fields=id,impactedBucket,payment", "")
	k.say("root", "GET", base+"/topupBalance?channel.name=My+Shop&fields=channel", "")
	k.say("20", "GET", base+"/topupBalance", "")
	k.say("10", "GET", base+"/topupBalance/0.0.0.1+-topup+2", "")
	k.say("20", "GET", base+"/topupBalance/0.0.0.1+-topup+2", "")
	k.say("10", "PATCH", base+"/topupBalance/0.0.0.1+-topup+4", `{"status":"cancelled","reason":"moved","channel":{"id":"5"},"requestor":null}`)
	k.say("10", "DELETE", base+"/topupBalance/0.0.0.1+-topup+1", "")
	k.say("10", "DELETE", base+"/topupBalance/0.0.0.1+-topup+2", "")
	k.say("10", "DELETE", base+"/topupBalance/0.0.0.1+-topup+4", "")
	k.say("10", "GET", base+"/topupBalance/0.0.0.1+-topup+4", "")
	k.say("10", "GET", base+"/topupBalance?fields=id", "")
	k.golden("topups.txt")
	k.verify()
}
