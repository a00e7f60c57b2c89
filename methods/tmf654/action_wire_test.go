package tmf654_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"topupd/methods/jsonl"
)

// Accounts of the seed beside the source page's.
const (
	bob   = "0.0.0.1+-account+101"
	carol = "0.0.0.1+-account+102"
	zoe   = "0.0.0.1+-account+200" // another customer's, in EUR
)

func (k *kit) load(lines string) {
	k.Helper()
	if _, err := jsonl.Import(k.as("root"), k.e, jsonl.ImportOptions{Source: strings.NewReader(lines), Name: "more"}); err != nil {
		k.Fatal(err)
	}
}

// clock moves the kit's clock.
func (k *kit) clock(at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = at
}

func usd(amount, rest string) string {
	return `{"amount":{"amount":` + amount + `,"units":"USD"},` + rest + `}`
}

func of(member, id string) string { return `"` + member + `":{"id":"` + id + `"}` }

const everyEcho = `"description":"d","reason":"r","channel":{"id":"1","name":"My Shop"},"requestor":{"id":"7","@referredType":"Individual"},` +
	`"relatedParty":[{"id":"8","@referredType":"Individual","role":"payer"}],"product":[{"id":"0.0.0.1+-service-telco-gsm-sms+6337523"}]`

// TestWireAdjusts: the life of adjustments on the wire.
func TestWireAdjusts(t *testing.T) {
	k := newKit(t)
	k.load(`{"type":"account","i_account":101,"username":"15551230101"}`)
	at := base + "/adjustBalance"
	k.say("10", "POST", at, usd("2.5", of("bucket", bucket)+`,"adjustType":"oneTime","usageType":"monetary",`+everyEcho+`,"logicalResource":[{"id":"9","value":"15551230627"}]`))
	k.say("10", "POST", forum+"/adjustBalance", usd(`"-4.5"`, of("partyAccount", "0.0.0.1 /account 101 0")))
	k.say("10", "POST", at, usd("-0.500001", `"logicalResource":{"value":"15551230101"}`)) // beyond what it has
	k.say("10", "POST", at, usd("-0.5", `"logicalResource":{"value":"15551230101"}`))
	k.say("10", "GET", at+"?fields=id,amount,status&limit=2&offset=1", "")
	k.say("10", "GET", at+"?partyAccount.id="+bob+"&fields=id,partyAccount", "")
	k.say("10", "GET", at+"?bucket.id="+bucket+"&channel.name=My+Shop&fields=channel", "")
	k.say("20", "GET", at, "")
	k.say("20", "GET", at+"/0.0.0.1+-adjustment+1", "")
	k.say("10", "PATCH", at+"/0.0.0.1+-adjustment+1", `{"reason":"another","channel":{"id":"5"},"requestor":null,"status":"confirmed"}`)
	k.say("10", "PATCH", at+"/0.0.0.1+-adjustment+1", `{"status":"cancelled"}`)
	k.say("10", "DELETE", at+"/0.0.0.1+-adjustment+1", "")
	k.say("10", "GET", at+"/0.0.0.1+-adjustment+1?fields=reason,channel,requestor", "")
	k.golden("adjusts.txt")
	k.verify()
}

// TestWireTransfers: the life of transfers on the wire.
func TestWireTransfers(t *testing.T) {
	k := newKit(t)
	k.load(`{"type":"account","i_account":102,"username":"15551230102"}`)
	at := base + "/transferBalance"
	k.say("10", "POST", at, usd("2", of("bucket", bucket)+","+of("receiverBucket", "0.0.0.1+-balance_group+101+840+0")+`,"transferCost":{"amount":"0.5","units":"USD"},`+everyEcho+`,"receiver":{"id":"77","@referredType":"Individual"},"receiverProduct":[{"id":"x"}],"usageType":"monetary","receiverBucketUsageType":"monetary"`))
	k.say("10", "POST", at, usd("2", of("partyAccount", alice)+","+of("receiverPartyAccount", bob)+`,"transferCost":{"value":0.5,"unit":"USD"},"costOwner":"Receiver"`))
	k.say("10", "POST", at, usd("8.5", of("partyAccount", bob)+`,"receiverLogicalResource":{"value":"15551230102"},"transferCost":{"amount":0,"units":"USD"}`))
	k.say("10", "POST", at, usd("8.5", of("partyAccount", bob)+`,"receiverLogicalResource":[{"value":"15551230102"}]`)) // it has none left
	k.say("10", "POST", at, usd("1", of("partyAccount", alice)+","+of("receiverPartyAccount", zoe)))
	k.say("root", "POST", at, usd("1", of("partyAccount", alice)+","+of("receiverPartyAccount", zoe)))
	k.say("10", "GET", at+"?partyAccount.id="+alice+"&fields=id,costOwner,transferCost,receiverPartyAccount", "")
	k.say("20", "GET", at, "")
	k.say("10", "GET", at+"/0.0.0.1+-transfer+3", "")
	k.say("20", "GET", at+"/0.0.0.1+-transfer+3", "")
	k.say("10", "PATCH", at+"/0.0.0.1+-transfer+3", `{"description":"new"}`)
	k.say("10", "PATCH", at+"/0.0.0.1+-transfer+3", `{"status":"cancelled"}`)
	k.say("10", "PATCH", at+"/0.0.0.1+-transfer+3", `{"receiver":{"id":"1"}}`)
	k.say("10", "DELETE", at+"/0.0.0.1+-transfer+3", "")
	k.golden("transfers.txt")
	k.verify()
}

// TestWireReservations: the life of reservations on the wire, and their end by the clock.
func TestWireReservations(t *testing.T) {
	k := newKit(t)
	at := base + "/reserveBalance"
	k.say("10", "POST", at, usd("100", of("bucket", bucket)+`,"validFor":{"startDateTime":"2021-09-29T00:00:00Z","endDateTime":"2021-09-29T22:15:11Z"},`+everyEcho))
	k.say("10", "POST", at, usd("92", of("partyAccount", alice)))
	k.say("10", "POST", at, usd("0.000001", of("partyAccount", alice))) // nothing is left
	k.say("10", "GET", base+"/bucket/"+bucket+"?fields=remainingValue,reservedValue", "")
	k.say("10", "PATCH", at+"/0.0.0.1+-reservation+2", `{"status":"cancelled","reason":"not needed"}`)
	k.say("10", "PATCH", at+"/0.0.0.1+-reservation+2", `{"status":"CANCELLED"}`)
	k.say("10", "PATCH", at+"/0.0.0.1+-reservation+2", `{"status":"confirmed"}`)
	k.clock(t0.Add(time.Hour))
	if err := k.e.Drain(k.as("root")); err != nil {
		t.Fatal(err)
	}
	k.say("10", "GET", at+"/0.0.0.1+-reservation+1", "")
	k.say("10", "PATCH", at+"/0.0.0.1+-reservation+1", `{"status":"expired","description":"over"}`)
	k.say("10", "PATCH", at+"/0.0.0.1+-reservation+1", `{"status":"cancelled"}`)
	k.say("10", "POST", at, usd("1", of("partyAccount", alice)))
	k.say("10", "GET", at+"?status=CONFIRMED&fields=id,status", "")
	k.say("20", "DELETE", at+"/0.0.0.1+-reservation+3", "")
	k.say("10", "DELETE", at+"/0.0.0.1+-reservation+3", "")
	k.say("10", "DELETE", at+"/0.0.0.1+-reservation+3", "")
	k.say("10", "GET", at+"/0.0.0.1+-reservation+3", "")
	k.say("10", "GET", at+"?fields=id,status", "")
	k.say("10", "GET", base+"/bucket/"+bucket+"?fields=remainingValue,reservedValue", "")
	k.golden("reservations.txt")
	k.verify()
}

// TestWireBuckets: buckets of messages and data, and what accounts have in all.
func TestWireBuckets(t *testing.T) {
	k := newKit(t)
	const sms, kb = "0.0.0.1+-balance_group+101+1000001+0", "0.0.0.1+-balance_group+101+1000002+0"
	at := base + "/bucket"
	k.say("10", "POST", at, `{"usageType":"sms",`+of("partyAccount", bob)+`,"name":"Text messages","description":"d","isShared":false,"remainingValue":{"amount":0,"units":"SMS"},"reservedValue":{"amount":"0","units":"SMS"},"validFor":{"startDateTime":"2021-01-01T00:00:00Z"},"logicalResource":[{"id":"1","value":"v"}],"product":[{"id":"p"}],"relatedParty":[{"id":"8"}],"status":"active"}`)
	k.say("10", "POST", at, `{"usageType":"data",`+of("partyAccount", bob)+`}`)
	k.say("10", "POST", at, `{"usageType":"sms",`+of("partyAccount", bob)+`}`)
	k.say("10", "POST", at, `{"usageType":"monetary",`+of("partyAccount", bob)+`}`)
	k.say("10", "POST", base+"/adjustBalance", `{"amount":{"amount":1.5,"units":"GB"},`+of("bucket", kb)+`,"usageType":"data"}`)
	k.say("10", "POST", base+"/reserveBalance", `{"amount":{"amount":512,"units":"MB"},`+of("partyAccount", bob)+`}`)
	k.say("10", "POST", base+"/transferBalance", `{"amount":{"amount":1,"units":"KB"},`+of("partyAccount", bob)+`,`+of("receiverPartyAccount", alice)+`}`) // it has no such bucket
	k.say("10", "GET", at+"/"+kb, "")
	k.say("10", "GET", at+"/0.0.0.1+-balance_group+101?fields=id,remainingValueName,usageType,status", "")
	k.say("10", "GET", at+"?partyAccount.id="+bob+"&fields=id,remainingValue", "")
	k.say("10", "GET", at+"?id="+sms+"&fields=id,name", "")
	k.say("10", "GET", at+"?usageType=monetary&fields=id&limit=2", "")
	k.say("20", "GET", at+"?fields=id", "")
	k.say("20", "GET", at+"/"+sms, "")
	k.say("10", "GET", base+"/accumulatedBalance/"+bob, "")
	k.say("10", "GET", base+"/accumulatedBalance/"+bob+"+1000002?fields=id,name,totalBalance,bucket", "")
	k.say("10", "GET", base+"/accumulatedBalance?partyAccount.id="+bob+"&fields=id,totalBalance", "")
	k.say("10", "GET", base+"/accumulatedBalance/"+alice+"+1000002", "")
	k.say("20", "GET", base+"/accumulatedBalance/"+bob, "")
	k.say("10", "DELETE", at+"/"+kb, "")
	k.say("20", "DELETE", at+"/"+sms, "")
	k.say("10", "DELETE", at+"/0.0.0.1+-balance_group+101", "")
	k.say("10", "DELETE", at+"/"+sms, "")
	k.say("10", "GET", at+"/"+sms, "")
	k.say("10", "DELETE", at+"/"+sms, "")
	k.golden("buckets.txt")
	k.verify()
}

// TestWireHistory: all kinds of actions in one list, under both of its names.
func TestWireHistory(t *testing.T) {
	k := newKit(t)
	stop := k.working()
	k.must(201, "10", "POST", base+"/topupBalance", once)
	stop()
	k.must(201, "10", "POST", base+"/adjustBalance", usd("1", of("partyAccount", bob)))
	k.must(201, "10", "POST", base+"/transferBalance", usd("1", of("partyAccount", alice)+","+of("receiverPartyAccount", bob)))
	k.must(201, "root", "POST", base+"/transferBalance", usd("1", of("partyAccount", alice)+","+of("receiverPartyAccount", carol)))
	k.must(201, "10", "POST", base+"/reserveBalance", usd("1", of("partyAccount", bob)))
	k.must(204, "10", "DELETE", base+"/reserveBalance/0.0.0.1+-reservation+5", "")
	at := base + "/balanceAction"
	k.say("10", "GET", at+"?fields=id,href,@type,@baseType,status,amount", "")
	k.say("10", "GET", base+"/balanceActionHistory?fields=href&limit=1", "")
	k.say("10", "GET", at+"?@type=TransferBalance&fields=id", "")
	k.say("10", "GET", at+"?@type=Dance&fields=id", "")
	k.say("10", "GET", at+"?partyAccount.id="+bob+"&fields=id", "")
	k.say("10", "GET", at+"?bucket.id=0.0.0.1+-balance_group+101+1000001+0&fields=id", "")
	k.say("20", "GET", at, "")
	k.say("10", "GET", at+"/0.0.0.1+-reservation+5", "")
	k.say("10", "GET", at+"/0.0.0.1+-topup+1?fields=id,@type,payment", "")
	k.say("10", "GET", at+"/0.0.0.1+-adjustment+1", "")
	k.say("20", "GET", at+"/0.0.0.1+-adjustment+2", "")
	k.golden("history.txt")
}

// TestActionsReadTheSame: an action reads in every form of its id, at both addresses, and
// its answer is what GET shows.
func TestActionsReadTheSame(t *testing.T) {
	k := newKit(t)
	for path, body := range map[string]string{
		"/adjustBalance":   usd("1", of("partyAccount", alice)),
		"/transferBalance": usd("1", of("partyAccount", alice)+","+of("receiverPartyAccount", bob)),
		"/reserveBalance":  usd("1", of("partyAccount", alice)),
		"/bucket":          `{"usageType":"sms",` + of("partyAccount", alice) + `}`,
	} {
		w := k.send("10", "POST", base+path, body)
		var made struct{ ID, Href string }
		if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != 201 {
			t.Fatal(path, w.Code, w.Body)
		}
		if w.Header().Get("Location") != made.Href || !strings.HasSuffix(made.Href, path+"/"+made.ID) {
			t.Errorf("%s: Location %q of %q", path, w.Header().Get("Location"), made.ID)
		}
		for _, id := range []string{made.ID, strings.ReplaceAll(made.ID, "+", "%2B"), strings.ReplaceAll(made.ID, "+", "%20")} {
			if got := k.must(200, "10", "GET", base+path+"/"+id, ""); got != w.Body.String() {
				t.Errorf("%s reads\n%s\nnot\n%s", id, got, w.Body)
			}
		}
		got := k.must(200, "10", "GET", forum+path+"/"+made.ID, "")
		if strings.ReplaceAll(got, "/tmf-api/", "/brm/") != w.Body.String() {
			t.Errorf("%s reads %s", made.ID, got)
		}
		list, counts := k.list("10", base+path+"?id="+made.ID)
		if len(list) != 1 || list[0]["id"] != made.ID || counts != "1 of 1" {
			t.Errorf("%s: %v, %s", path, list, counts)
		}
		if list, counts = k.list("10", base+path+"?offset=1000"); len(list) != 0 || strings.HasSuffix(counts, "of 0") {
			t.Errorf("%s beyond the end: %v, %s", path, list, counts)
		}
		k.refused("10", "GET", base+path+"/0.0.0.1+-account+1", "", 404, "not_found", "")
		k.refused("10", "GET", base+path+"?limit=-1", "", 400, "invalid", "limit")
	}
}
