package tmf654_test

import (
	"encoding/json"
	"testing"
)

// TestPatchRules: null removes what may go, what is left has to be what POST takes, and
// every word of a status is read.
func TestPatchRules(t *testing.T) {
	k := newKit(t)
	stop := k.working()
	topup := base + "/topupBalance/" + k.object(201, "root", "POST", base+"/topupBalance", once)["id"].(string)
	stop()
	held := base + "/reserveBalance/" + k.object(201, "root", "POST", base+"/reserveBalance", usd("1", of("partyAccount", alice)))["id"].(string)
	for _, at := range []string{topup, held} {
		k.must(200, "root", "PATCH", at, `{"logicalResource":{"value":"555","name":"phone"}}`)
		got := k.object(200, "root", "PATCH", at, `{"logicalResource":{"value":null}}`)["logicalResource"].(map[string]any)
		if got["value"] != "" || got["name"] != "phone" {
			t.Errorf("%s: %v", at, got)
		}
		k.refused("root", "PATCH", at, `{"channel":{"name":"x"}}`, 400, "missing", "channel.id")
		k.refused("root", "PATCH", at, `{"requestor":{}}`, 400, "missing", "requestor.id")
		k.must(200, "root", "PATCH", at, `{"channel":{"id":"1","name":"x"}}`)
		k.must(200, "root", "PATCH", at, `{"channel":{"name":"y"}}`) // it has one
		k.refused("root", "PATCH", at, `{"channel":{"id":null}}`, 400, "invalid", "channel.id cannot be null")
		k.refused("root", "PATCH", at, `{"status":null}`, 400, "invalid", "status cannot be null")
		var channel map[string]any
		raw, err := json.Marshal(k.object(200, "root", "GET", at, "")["channel"])
		if err == nil {
			err = json.Unmarshal(raw, &channel)
		}
		if err != nil || channel["id"] != "1" || channel["name"] != "y" {
			t.Errorf("%s: %s, %v", at, raw, err)
		}
		if got := k.object(200, "root", "PATCH", at, `{"channel":null}`)["channel"]; got != nil {
			t.Errorf("%s: %v", at, got)
		}
	}
	for _, word := range []string{"canceled", "cancelled", "Canceled", "CANCELLED"} {
		if got := k.object(200, "root", "PATCH", held, `{"status":"`+word+`"}`)["status"]; got != "CANCELLED" {
			t.Errorf("%s: %v", word, got)
		}
	}
}
