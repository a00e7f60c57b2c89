package tmf654_test

import (
	"encoding/json"
	"testing"

	"topupd/billing"
)

// TestTransferOfDeleted: a transfer is shown while one of its accounts is there, at all of
// its addresses; the other one is closed, and its bucket names nothing.
func TestTransferOfDeleted(t *testing.T) {
	k := newKit(t)
	made := func(from, to string) string {
		t.Helper()
		var got struct{ ID string }
		if err := json.Unmarshal([]byte(k.must(201, "10", "POST", base+"/transferBalance", usd("2", of("partyAccount", from)+","+of("receiverPartyAccount", to)))), &got); err != nil {
			t.Fatal(err)
		}
		return got.ID
	}
	there, back := made(alice, carol), made(carol, alice)
	k.must(201, "10", "POST", base+"/adjustBalance", usd("1", of("partyAccount", carol)))
	k.must(201, "10", "POST", base+"/adjustBalance", usd("-1", of("partyAccount", carol)))
	drop := func(account int64) {
		t.Helper()
		if err := k.e.DeleteOwner(k.as("10"), billing.Account(account)); err != nil {
			t.Fatal(err)
		}
	}
	shown := func(path, want string, ids ...string) {
		t.Helper()
		for _, who := range []string{"10", "root"} {
			list, counts := k.list(who, base+path)
			if counts != want || len(list) != len(ids) {
				t.Errorf("%s as %s: %s, %v", path, who, counts, list)
				continue
			}
			for i, id := range ids {
				if list[i]["id"] != id {
					t.Errorf("%s as %s: %v, want %s", path, who, list[i]["id"], id)
				}
			}
		}
	}
	drop(102)
	shown("/transferBalance", "2 of 2", there, back)
	shown("/transferBalance?id="+escaped(back), "1 of 1", back)
	shown("/transferBalance?partyAccount.id="+alice, "1 of 1", there)
	shown("/transferBalance?partyAccount.id="+carol, "1 of 1", back)
	for _, name := range []string{"/balanceAction", "/balanceActionHistory"} {
		shown(name, "2 of 2", there, back) // carol's adjustments went with her
		shown(name+"?limit=1&offset=1", "1 of 2", back)
		shown(name+"?id="+escaped(there), "1 of 1", there)
		shown(name+"?partyAccount.id="+carol, "1 of 1", back)
	}
	shown("/adjustBalance?partyAccount.id="+carol, "0 of 0")
	shown("/reserveBalance?partyAccount.id="+carol, "0 of 0")
	shown("/topupBalance?partyAccount.id="+carol, "0 of 0")
	shown("/bucket?partyAccount.id="+carol, "0 of 0")
	shown("/accumulatedBalance?partyAccount.id="+carol, "0 of 0")
	for _, name := range []string{"/transferBalance/", "/balanceAction/", "/balanceActionHistory/"} {
		x := k.object(200, "10", "GET", base+name+there, "")
		if party := x["receiverPartyAccount"].(map[string]any); party["id"] != carol || party["status"] != "closed" {
			t.Errorf("%s: the receiver is %v", name, party)
		}
		bucket := x["receiverBucket"].(map[string]any)["id"].(string)
		k.refused("10", "GET", base+"/bucket/"+bucket, "", 404, "not_found", "")
		k.must(404, "20", "GET", base+name+there, "")
	}
	if x := k.object(200, "10", "PATCH", base+"/transferBalance/"+back, `{"reason":"closed since"}`); x["reason"] != "closed since" {
		t.Errorf("changed to %v", x)
	}
	k.refused("10", "DELETE", base+"/transferBalance/"+back, "", 409, "conflict", "id")

	k.debit(6340627, 192)
	drop(6340627)
	shown("/transferBalance", "0 of 0")
	shown("/balanceAction", "0 of 0")
	shown("/transferBalance?id="+escaped(there), "0 of 0")
	for _, name := range []string{"/transferBalance/", "/balanceAction/", "/balanceActionHistory/"} {
		k.refused("root", "GET", base+name+there, "", 404, "not_found", "")
	}
	k.refused("root", "PATCH", base+"/transferBalance/"+there, `{"reason":"late"}`, 404, "not_found", "")
	k.verify()
}
