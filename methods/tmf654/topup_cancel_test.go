package tmf654_test

import (
	"context"
	"testing"
	"time"

	"topupd/billing"
)

// TestCancel: cancelling and deleting stop what is to come, and undo nothing.
func TestCancel(t *testing.T) {
	k := newKit(t)
	id := k.begin("daily", "")
	k.run(t0.Add(day))
	k.expect("CONFIRMED CONFIRMED", 196)
	list, _ := k.list("root", base+"/topupBalance")
	child := base + "/topupBalance/" + list[1]["id"].(string)
	k.refused("root", "DELETE", child, "", 409, "conflict", "")
	k.refused("root", "PATCH", child, `{"status":"cancelled"}`, 409, "conflict", "")
	for range 2 { // again is as good as once
		if got := k.object(200, "root", "PATCH", base+"/topupBalance/"+id, `{"status":"CANCELLED"}`); got["status"] != "CANCELLED" || got["impactedBucket"] == nil {
			t.Errorf("%v", got)
		}
	}
	k.run(t0.Add(5 * day))
	k.expect("CANCELLED CONFIRMED", 196)
	k.must(204, "root", "DELETE", base+"/topupBalance/"+id, "")
	k.must(404, "root", "DELETE", base+"/topupBalance/"+id, "")
	k.must(404, "root", "GET", base+"/topupBalance/"+id, "")
	k.must(200, "root", "GET", child, "")
	k.expect("CONFIRMED", 196)
	// The history keeps what was paid (T-32, T-111).
	kept := k.object(200, "root", "GET", base+"/balanceAction/"+id, "")
	if kept["status"] != "CANCELLED" || kept["payment"] == nil || kept["isAutoTopup"] != true {
		t.Errorf("the history has %v", kept)
	}
	if all, counts := k.list("root", base+"/balanceActionHistory?@type=TopupBalance"); len(all) != 2 || all[0]["id"] != id {
		t.Errorf("the history lists %s: %v", counts, all)
	}
	k.must(404, "20", "GET", base+"/balanceAction/"+id, "")
	// A rule that runs is deleted at once, and its charges stop.
	id = k.begin("weekly", "")
	k.must(204, "root", "DELETE", base+"/topupBalance/"+id, "")
	k.run(t0.Add(30 * day))
	k.expect("CONFIRMED", 198)
	err := k.store.View(context.Background(), func(r billing.Reader) error {
		_, err := r.ActiveMandate(billing.Account(6340627), billing.PurposeRecurring)
		return err
	})
	if billing.ErrorCode(err) != billing.NotFound {
		t.Errorf("the consent did not end with the last rule: %v", err)
	}
	k.verify()
}

// TestDeleteWhilePaying: a recurring top-up whose first period is being charged stays in
// the lists until that is settled: whoever pays for it gets its answer.
func TestDeleteWhilePaying(t *testing.T) {
	k := newKit(t)
	body := `{"amount":{"amount":2,"units":"USD"},"isAutoTopup":true,"recurringPeriod":"daily","partyAccount":{"id":"` + alice + `"}}`
	status := make(chan int)
	go func() { status <- k.send("root", "POST", base+"/topupBalance", body).Code }()
	const id = base + "/topupBalance/0.0.0.1+-topup+1"
	for {
		if code, _ := k.call("root", "GET", id, ""); code == 200 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	k.must(409, "root", "DELETE", id, "")
	stop := k.working()
	if got := <-status; got != 201 {
		t.Errorf("the POST is answered with %d", got)
	}
	stop()
	k.expect("CONFIRMED", 194)
	k.must(204, "root", "DELETE", id, "")
}
