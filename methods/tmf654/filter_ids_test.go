package tmf654_test

import (
	"strings"
	"testing"
)

// TestFilterSpellings: an id in a filter is an id, however it is spelled: with plus signs,
// in the native form, with a revision, alone and among others.
func TestFilterSpellings(t *testing.T) {
	k := newKit(t)
	stop := k.working()
	k.must(201, "root", "POST", base+"/topupBalance", `{"amount":{"amount":"2","units":"USD"},"paymentMethod":{"id":"0.0.0.1+-payinfo-cc+6337651"},"partyAccount":{"id":"`+alice+`"}}`)
	stop()
	const who = `"amount":{"amount":"3","units":"USD"},"partyAccount":{"id":"` + alice + `"}`
	k.must(201, "root", "POST", base+"/adjustBalance", `{`+who+`}`)
	k.must(201, "root", "POST", base+"/transferBalance", `{`+who+`,"receiverPartyAccount":{"id":"0.0.0.1+-account+101"}}`)
	k.must(201, "root", "POST", base+"/reserveBalance", `{`+who+`}`)
	k.must(201, "root", "POST", base+"/bucket", `{"usageType":"sms","partyAccount":{"id":"`+alice+`"}}`)
	const native, group = "0.0.0.1+/account+6340627+7", "0.0.0.1+/balance_group+6336883"
	list, _ := k.list("root", base+"/bucket?partyAccount.id=0.0.0.1+-account+101")
	bob, _ := list[0]["id"].(string)
	for _, c := range []struct{ path, want string }{
		{"topupBalance?id=0.0.0.1%20/topup%201%200", "1 of 1"},
		{"topupBalance?id=0.0.0.1+/topup+1", "1 of 1"},
		{"topupBalance?id=0.0.0.1+/topup+1+0,0.0.0.1+-topup+9", "1 of 1"},
		{"topupBalance?id=0.0.0.1+/topup+2+0", "0 of 0"},
		{"topupBalance?id=0.0.0.1+/adjustment+1+0", "0 of 0"},
		{"adjustBalance?id=0.0.0.1+/adjustment+2+0", "1 of 1"},
		{"transferBalance?id=0.0.0.1+/transfer+3+0", "1 of 1"},
		{"reserveBalance?id=0.0.0.1+/reservation+4+0", "1 of 1"},
		{"balanceAction?id=0.0.0.1+/topup+1+0,0.0.0.1+/transfer+3+0", "2 of 2"},
		{"balanceAction?id=0.0.0.1+/transfer+1+0", "0 of 0"},
		{"accumulatedBalance?id=" + native, "1 of 1"},
		{"accumulatedBalance?id=" + native + ",0.0.0.1+/account+101+0", "2 of 2"},
		{"accumulatedBalance?id=0.0.0.1+/account+6340627+1000001", "1 of 1"},
		{"accumulatedBalance?partyAccount.id=" + native, "2 of 2"},
		{"topupBalance?paymentMethod.id=0.0.0.1+/payinfo/cc+6337651+0", "1 of 1"},
		{"topupBalance?paymentMethod.id=0.0.0.1+/payinfo/cc+6337652+0", "0 of 0"},
		{"topupBalance?product.id=0.0.0.1+/service/telco/gsm/sms+6337523+4", "1 of 1"},
		{"topupBalance?product.id=0.0.0.1+/service/telco/gsm/data+6337523+4", "0 of 0"},
		{"topupBalance?partyAccount.id=" + native + ",0.0.0.1+/account+101+0", "1 of 1"},
		{"adjustBalance?partyAccount.id=0.0.0.1+/account+101+0," + native, "1 of 1"},
		{"adjustBalance?partyAccount.id=0.0.0.1+/account+101+0,0.0.0.1+/account+102+0", "0 of 0"},
		{"adjustBalance?bucket.id=" + group + ",0.0.0.1+/balance_group+9", "1 of 1"},
		{"topupBalance?bucket.id=" + group + "+840+0+0,0.0.0.1+/balance_group+9", "1 of 1"},
		{"adjustBalance?bucket.id=" + group + "+1000001+0," + group + "+978+0", "0 of 0"},
		{"bucket?bucket.id=" + group + "," + bob, "3 of 3"},
		{"transferBalance?receiverBucket.id=" + spell(bob), "1 of 1"},
		{"transferBalance?receiverBucket.id=" + group + "+840+0", "0 of 0"},
		{"transferBalance?receiverPartyAccount.id=0.0.0.1+/account+101+3", "1 of 1"},
		{"topupBalance?id=nobody", "0 of 0"},
	} {
		if _, counts := k.list("root", base+"/"+c.path); counts != c.want {
			t.Errorf("%s: %s, want %s", c.path, counts, c.want)
		}
	}
}

// spell is an id with the class in the native form.
func spell(id string) string { return strings.Replace(id, "+-", "+/", 1) }
