package tmf654_test

import "testing"

// TestPages: the page, its counts, and what is beside it.
func TestPages(t *testing.T) {
	k := newKit(t)
	stop := k.working()
	for range 3 {
		k.must(201, "root", "POST", base+"/topupBalance", once)
	}
	k.must(201, "root", "POST", base+"/topupBalance", `{"amount":{"amount":2,"units":"EUR"},"partyAccount":{"id":"0.0.0.1+-account+200"}}`)
	stop()
	for query, want := range map[string]string{
		"":                               "4 of 4",
		"?limit=2":                       "2 of 4",
		"?offset=3":                      "1 of 4",
		"?offset=9":                      "0 of 4",
		"?limit=0":                       "0 of 4",
		"?limit=99999999":                "4 of 4",
		"?amount.units=USD":              "3 of 3",
		"?amount.units=USD&limit=1":      "1 of 3",
		"?amount.units=USD,EUR&offset=1": "3 of 4",
		"?amount.amount=2":               "4 of 4",
		"?isAutoTopup=true":              "0 of 0",
		"?isAutoTopup=FALSE":             "4 of 4",
		"?status=CONFIRMED":              "4 of 4",
		"?product.id=0.0.0.1+-service-telco-gsm-sms+6337523": "3 of 3",
		"?bucket.id=" + bucket:                               "3 of 3",
		"?bucket.id=0.0.0.1+-balance_group+6336883":          "3 of 3",
		"?bucket.id=0.0.0.1+-balance_group+6336883+978+0":    "0 of 0",
		"?bucket.id=x":                          "0 of 0",
		"?partyAccount.id=x":                    "0 of 0",
		"?partyAccount.id=0.0.0.1+-account+200": "1 of 1",
		"?partyAccount.id=0.0.0.1+-account+200&bucket.id=" + bucket: "0 of 0",
		"?partyAccount.id=0.0.0.1+-account+99":                      "0 of 0",
		"?partyAccount.id=" + alice + ",0.0.0.1+-account+200":       "4 of 4",
		"?nothing.such=1": "4 of 4",
	} {
		if _, counts := k.list("root", base+"/topupBalance"+query); counts != want {
			t.Errorf("%s: %s, want %s", query, counts, want)
		}
	}
	if _, counts := k.list("20", base+"/topupBalance"); counts != "1 of 1" {
		t.Errorf("another customer sees %s", counts)
	}
	if _, counts := k.list("20", base+"/topupBalance?partyAccount.id="+alice); counts != "0 of 0" {
		t.Errorf("another customer sees %s", counts)
	}
	list, _ := k.list("root", base+"/topupBalance?fields=isAutoTopup,paymentMethod&limit=1")
	if len(list[0]) != 2 {
		t.Errorf("fields give %v", list[0])
	}
}

// TestImportedRuleInLists: one whose first periods were executed elsewhere has no payment of
// its own, and is not cancelled.
func TestImportedRuleInLists(t *testing.T) {
	k := newKit(t)
	k.put(`{"type":"recurring_topup","id":50,"i_account":6340627,"amount":"2.00","currency":"USD","period":"daily","anchor":"2021-09-27T21:15:11Z","next":2}`)
	k.expect("CREATED", 192)
	k.run(t0)
	k.expect("CREATED CONFIRMED", 194)
	list, _ := k.list("root", base+"/topupBalance")
	if id := list[0]["id"].(string); list[0]["payment"] != nil || k.object(200, "root", "GET", base+"/topupBalance/"+id, "")["status"] != "CONFIRMED" {
		t.Errorf("the rule is %v", list[0])
	}
	k.object(200, "root", "PATCH", base+"/topupBalance/"+list[0]["id"].(string), `{"status":"cancelled"}`)
	k.expect("CANCELLED CONFIRMED", 194)
}
