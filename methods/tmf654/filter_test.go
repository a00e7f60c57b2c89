package tmf654_test

import (
	"testing"
)

// TestFilters: what requests may call by several words is found by each of them, and a
// member that only some kinds have is asked of these.
func TestFilters(t *testing.T) {
	k := newKit(t)
	stop := k.working()
	k.must(201, "root", "POST", base+"/topupBalance", once)
	rule := k.object(201, "root", "POST", base+"/topupBalance", recurring)["id"].(string)
	k.must(400, "root", "POST", base+"/topupBalance", `{"amount":{"amount":"2","units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+101"}}`)
	stop()
	k.idle = true
	k.must(201, "root", "POST", base+"/topupBalance", once) // nobody works: it stays
	const who = `"amount":{"amount":"3","units":"USD"},"partyAccount":{"id":"` + alice + `"}`
	k.must(201, "root", "POST", base+"/adjustBalance", `{`+who+`,"adjustType":"oneTime"}`)
	k.must(201, "root", "POST", base+"/transferBalance", `{`+who+`,"receiverPartyAccount":{"id":"0.0.0.1+-account+101"}}`)
	k.must(201, "root", "POST", base+"/reserveBalance", `{`+who+`}`)
	for _, c := range []struct{ path, want string }{
		{"topupBalance?recurringPeriod=daily", "1 of 1"},
		{"topupBalance?recurringPeriod=DAILY", "1 of 1"},
		{"topupBalance?recurringPeriod=1+Day", "1 of 1"},
		{"topupBalance?recurringPeriod=1%20day", "1 of 1"},
		{"topupBalance?recurringPeriod=weekly,daily", "1 of 1"},
		{"topupBalance?recurringPeriod=weekly", "0 of 0"},
		{"topupBalance?recurringPeriod=hourly", "0 of 0"},
		{"topupBalance?status=CONFIRMED", "2 of 2"},
		{"topupBalance?status=confirmed", "2 of 2"},
		{"topupBalance?status=Completed", "2 of 2"},
		{"topupBalance?status=failed", "1 of 1"},
		{"topupBalance?status=in+progress", "1 of 1"},
		{"topupBalance?status=created,failed", "2 of 2"},
		{"topupBalance?status=canceled", "0 of 0"},
		{"topupBalance?status=dancing", "0 of 0"},
		{"topupBalance?partyAccount.status=Active", "4 of 4"},
		{"topupBalance?partyAccount.status=suspended", "0 of 0"},
		{"topupBalance?adjustType=oneTime", "4 of 4"}, // no top-up has it
		{"adjustBalance?adjustType=oneTime", "1 of 1"},
		{"adjustBalance?recurringPeriod=daily", "1 of 1"},
		{"bucket?product.id=0.0.0.1+-service-telco-gsm-sms+6337523", "0 of 0"},
		{"bucket?status=ACTIVE&partyAccount.id=" + alice, "1 of 1"},
		{"balanceAction?status=completed", "5 of 5"},
		{"balanceAction?recurringPeriod=daily", "1 of 1"},
		{"balanceAction?isAutoTopup=false", "3 of 3"},
		{"balanceAction?isAutoTopup=true&@type=TransferBalance", "0 of 0"},
		{"balanceAction?adjustType=oneTime", "1 of 1"},
		{"balanceAction?adjustType=recurring", "0 of 0"},
		{"balanceAction?receiverPartyAccount.id=0.0.0.1+-account+101", "1 of 1"},
		{"balanceAction?validFor.endDateTime=2021", "0 of 0"},
		{"balanceAction?usageType=monetary", "7 of 7"},
		{"balanceAction?colour=red", "7 of 7"},
		{"balanceActionHistory?adjustType=oneTime,recurring", "1 of 1"},
		{"balanceAction?id=" + escaped(rule) + "&recurringPeriod=daily", "1 of 1"},
		{"balanceAction?id=" + escaped(rule) + "&adjustType=oneTime", "0 of 0"},
	} {
		if _, counts := k.list("root", base+"/"+c.path); counts != c.want {
			t.Errorf("%s: %s, want %s", c.path, counts, c.want)
		}
	}
}

// TestBucketFilters: a bucket is found by its id under either name, and by both only when
// they are of one bucket.
func TestBucketFilters(t *testing.T) {
	k := newKit(t)
	const group = "0.0.0.1+-balance_group+6336883"
	const sms, money = group + "+1000001+0", bucket
	k.must(201, "root", "POST", base+"/bucket", `{"usageType":"sms","partyAccount":{"id":"`+alice+`"}}`)
	other, _ := k.list("root", base+"/bucket?partyAccount.id=0.0.0.1+-account+101")
	bob, _ := other[0]["id"].(string)
	for _, c := range []struct{ query, want string }{
		{"id=" + money, "1 of 1"},
		{"bucket.id=" + money, "1 of 1"},
		{"id=" + group, "2 of 2"},
		{"id=" + money + "&bucket.id=" + money, "1 of 1"},
		{"id=" + money + "&bucket.id=" + group, "1 of 1"},
		{"id=" + group + "&bucket.id=" + sms, "1 of 1"},
		{"id=" + money + "&bucket.id=" + sms, "0 of 0"},
		{"id=" + sms + "&bucket.id=" + money, "0 of 0"},
		{"id=" + money + "&bucket.id=" + bob, "0 of 0"},
		{"id=" + bob + "&bucket.id=" + money, "0 of 0"},
		{"id=" + money + "&bucket.id=nobody", "0 of 0"},
		{"bucket.id=" + money + "," + bob, "2 of 2"},
		{"id=" + money + "," + bob, "2 of 2"},
		{"id=" + money + "," + bob + "&bucket.id=" + bob, "1 of 1"},
		{"id=" + money + "," + bob + "&bucket.id=" + sms, "0 of 0"},
		{"id=" + money + "," + bob + "&bucket.id=" + sms + "," + bob, "1 of 1"},
		{"id=" + money + "&bucket.id=" + sms + "," + bob, "0 of 0"},
		{"id=" + money + "&partyAccount.id=0.0.0.1+-account+101", "0 of 0"},
	} {
		if _, counts := k.list("root", base+"/bucket?"+c.query); counts != c.want {
			t.Errorf("%s: %s, want %s", c.query, counts, c.want)
		}
	}
}
