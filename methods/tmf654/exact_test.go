package tmf654_test

import (
	"strings"
	"testing"
)

// TestWrongCase: a member whose name differs in case is an unknown one, at any depth: it is
// not obeyed, and what it would stand for is missing.
func TestWrongCase(t *testing.T) {
	k := newKit(t)
	const (
		amount   = `"amount":{"amount":"2","units":"USD"}`
		account  = `"partyAccount":{"id":"` + alice + `"}`
		receiver = `"receiverPartyAccount":{"id":"0.0.0.1+-account+101"}`
	)
	before := k.state()
	for _, c := range []struct{ resource, body, code, member string }{
		{"topupBalance", `{` + amount + `,"PARTYACCOUNT":{"id":"` + alice + `"}}`, "missing", "bucket"},
		{"topupBalance", `{` + amount + `,"Bucket":{"id":"` + bucket + `"}}`, "missing", "bucket"},
		{"topupBalance", `{` + amount + `,"partyAccount":{"ID":"` + alice + `"}}`, "missing", "partyAccount.id"},
		{"topupBalance", `{"AMOUNT":{"amount":"2","units":"USD"},` + account + `}`, "missing", "amount"},
		{"topupBalance", `{"amount":{"Amount":"2","units":"USD"},` + account + `}`, "missing", "amount.amount"},
		{"topupBalance", `{` + amount + `,` + account + `,"isAutoTopup":true,"RecurringPeriod":"daily"}`, "missing", "recurringPeriod"},
		{"adjustBalance", `{` + amount + `,"PartyAccount":{"id":"` + alice + `"}}`, "missing", "bucket"},
		{"adjustBalance", `{` + amount + `,"logicalResource":{"VALUE":"1555101"}}`, "missing", "bucket"},
		{"transferBalance", `{` + amount + `,` + account + `,"ReceiverPartyAccount":{"id":"0.0.0.1+-account+101"}}`, "missing", "receiver"},
		{"reserveBalance", `{` + amount + `,"BUCKET":{"id":"` + bucket + `"}}`, "missing", "bucket"},
	} {
		k.refused("root", "POST", base+"/"+c.resource, c.body, 400, c.code, c.member)
	}
	if after := k.state(); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
	k.working()
	// With "ſ" for s: encoding/json takes that for the letter too.
	made := k.object(201, "root", "POST", base+"/topupBalance", `{`+amount+`,`+account+`,"ISAUTOTOPUP":"true","RECURRINGPERIOD":"daily",
		"NumberOfPeriods":7,"VOUCHER":"AAAAA-BBBBB","uſageType":"voice","paymentMethod":{"id":"0.0.0.1+-payinfo-cc+6337651","Name":"x"},
		"product":{"ID":"x"},"logicalResource":{"VALUE":"x"},"DESCRIPTION":"x","channel":{"id":"1","Colour":"red"}}`)
	if made["isAutoTopup"] != false || made["numberOfPeriods"] != nil || made["recurringPeriod"] != nil || made["voucher"] != "" || made["description"] != nil {
		t.Errorf("obeyed: %v", made)
	}
	if at, _ := made["logicalResource"].(map[string]any); at["value"] != "" {
		t.Errorf("shown: %v", at)
	}
	// What is only echoed is echoed as it came.
	if channel, _ := made["channel"].(map[string]any); channel["Colour"] != "red" {
		t.Errorf("lost: %v", made["channel"])
	}
	cost := k.object(201, "root", "POST", base+"/transferBalance", `{`+amount+`,`+account+`,`+receiver+`,
		"TRANSFERCOST":{"amount":1,"units":"USD"},"COSTOWNER":"receiver"}`)
	if cost["transferCost"] != nil {
		t.Errorf("obeyed: %v", cost)
	}
	held := k.must(201, "root", "POST", base+"/reserveBalance", `{`+amount+`,`+account+`,"validFor":{"EndDateTime":"2021-10-02T00:00:00Z"}}`)
	if strings.Contains(held, "2021-10-02") {
		t.Errorf("obeyed: %s", held)
	}
	k.verify()
}
