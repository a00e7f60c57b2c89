package tmf654_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestKeys: with one Idempotency-Key one charge, whoever asks at once; without, one each.
func TestKeys(t *testing.T) {
	k := newKit(t)
	k.working()
	k.must(201, "root", "POST", base+"/topupBalance", once)
	k.must(201, "root", "POST", base+"/topupBalance", once)
	k.expect("CONFIRMED CONFIRMED", 196)
	bodies := make([]string, 10)
	var all sync.WaitGroup
	for n := range bodies {
		all.Go(func() {
			w := k.send("root", "POST", base+"/topupBalance", once, "Idempotency-Key", "same")
			bodies[n] = fmt.Sprint(w.Code, w.Body)
		})
	}
	all.Wait()
	for _, b := range bodies {
		if b != bodies[0] || !strings.HasPrefix(b, "201") {
			t.Errorf("%s, and %s", bodies[0], b)
		}
	}
	k.expect("CONFIRMED CONFIRMED CONFIRMED", 198)
	if w := k.send("root", "POST", base+"/topupBalance", strings.Replace(once, `"2"`, `"3"`, 1), "Idempotency-Key", "same"); w.Code != 409 || !strings.Contains(w.Body.String(), `"code":"key_reused"`) {
		t.Errorf("the key with another request: %d %s", w.Code, w.Body)
	}
	// A decline under a key is told again, and not tried again.
	body := `{"amount":{"amount":2,"units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+101"}}`
	first := k.send("root", "POST", base+"/topupBalance", body, "Idempotency-Key", "declined").Body.String()
	if again := k.send("root", "POST", base+"/topupBalance", body, "Idempotency-Key", "declined").Body.String(); again != first || !strings.Contains(first, `"declined"`) {
		t.Errorf("%s, and %s", first, again)
	}
	k.expect("CONFIRMED CONFIRMED CONFIRMED FAILED", 198)
}

// TestKeyOfADeletedTopup: a repeat is answered as the first request was, whatever became of
// the top-up.
func TestKeyOfADeletedTopup(t *testing.T) {
	k := newKit(t)
	stop := k.working()
	body := `{"amount":{"amount":2,"units":"USD"},"isAutoTopup":true,"recurringPeriod":"daily","partyAccount":{"id":"` + alice + `"}}`
	first := k.send("10", "POST", base+"/topupBalance", body, "Idempotency-Key", "k1")
	stop()
	var made map[string]any
	if err := json.Unmarshal(first.Body.Bytes(), &made); err != nil || first.Code != 201 {
		t.Fatal(first.Code, first.Body, err)
	}
	k.must(204, "10", "DELETE", base+"/topupBalance/"+made["id"].(string), "")
	again := k.send("10", "POST", base+"/topupBalance", body, "Idempotency-Key", "k1")
	if again.Code != 201 || again.Header().Get("Idempotency-Replayed") != "true" || !strings.Contains(again.Body.String(), made["id"].(string)) {
		t.Errorf("%d %s", again.Code, again.Body)
	}
	k.must(404, "10", "GET", base+"/topupBalance/"+made["id"].(string), "")
	k.expect("", 194)
}
