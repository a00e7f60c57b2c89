package tmf654_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"topupd/billing"
	"topupd/methods/jsonl"
	"topupd/methods/tmf654"
)

const day = 24 * time.Hour

// put imports lines.
func (k *kit) put(lines string) {
	k.Helper()
	if _, err := jsonl.Import(k.as("root"), k.e, jsonl.ImportOptions{Source: strings.NewReader(lines), Name: "lines"}); err != nil {
		k.Fatal(err)
	}
}

// card gives Alice's card another token.
func (k *kit) card(token string) {
	k.Helper()
	k.put(`{"type":"card","i_debit_credit_card":6337651,"i_account":6340627,"gateway":"sandbox","token":"` + token + `","primary":true}`)
}

// begin makes a recurring top-up of 2 and returns its id.
func (k *kit) begin(period, periods string) string {
	k.Helper()
	stop := k.working()
	defer stop()
	n := ""
	if periods != "" {
		n = `,"numberOfPeriods":` + periods
	}
	body := `{"amount":{"amount":2,"units":"USD"},"isAutoTopup":true,"recurringPeriod":"` + period + `"` + n + `,"partyAccount":{"id":"` + alice + `"}}`
	return k.object(201, "root", "POST", base+"/topupBalance", body)["id"].(string)
}

// statuses are those of all top-ups, by id.
func (k *kit) statuses() string {
	k.Helper()
	list, _ := k.list("root", base+"/topupBalance")
	var words []string
	for _, t := range list {
		words = append(words, t["status"].(string))
	}
	return strings.Join(words, " ")
}

func (k *kit) expect(statuses string, dollars int64) {
	k.Helper()
	if got := k.statuses(); got != statuses {
		k.Errorf("the top-ups are %s, want %s", got, statuses)
	}
	if got := k.balance(6340627); got != dollars*billing.Micro {
		k.Errorf("the balance is %s, want %d", billing.FormatMicros(got), dollars)
	}
}

// TestTwoPeriods: numberOfPeriods 2 is two executions, also across a restart and an outage
// of two days; the second is a resource of its own, linked to the first.
func TestTwoPeriods(t *testing.T) {
	k := newKit(t)
	parent := k.begin("daily", "2")
	k.expect("CONFIRMED", 194)
	k.run(t0.Add(day - time.Second))
	k.expect("CONFIRMED", 194)
	k.run(t0.Add(3 * day)) // two days were missed: the latest is made up, once
	k.expect("CONFIRMED CONFIRMED", 196)
	k.run(t0.Add(3 * day))
	k.run(t0.Add(4 * day))
	k.run(t0.Add(40 * day))
	k.expect("CONFIRMED CONFIRMED", 196)
	list, _ := k.list("root", base+"/topupBalance")
	child := list[1]
	link, _ := child["relatedTopupBalance"].(map[string]any)
	if child["isAutoTopup"] != false || link["id"] != parent || link["role"] != "parent" || child["id"] == parent {
		t.Errorf("the second is %v", child)
	}
	if child["requestedDate"] != "2021-10-03T02:45:11+05:30" {
		t.Errorf("the second was made %v", child["requestedDate"])
	}
	// The first shows the newest.
	whole := k.object(200, "root", "GET", base+"/topupBalance/"+parent, "")
	same, _ := json.Marshal(child["payment"])
	if got, _ := json.Marshal(whole["payment"]); !bytes.Equal(got, same) || whole["isAutoTopup"] != true || whole["numberOfPeriods"] != 2.0 {
		t.Errorf("the first is %v", whole)
	}
	k.verify()
}

// TestMonthEnds: the 31st falls on a short month's last day and returns to the 31st.
func TestMonthEnds(t *testing.T) {
	k := newKit(t)
	k.now = time.Date(2024, 1, 31, 12, 0, 0, 0, time.UTC)
	k.begin("monthly", "")
	dollars := int64(194)
	for _, c := range []struct {
		date string
		due  bool
	}{
		{"2024-02-28", false}, {"2024-02-29", true}, {"2024-03-29", false}, {"2024-03-30", false}, {"2024-03-31", true},
		{"2024-04-29", false}, {"2024-04-30", true}, {"2024-05-30", false}, {"2024-05-31", true},
	} {
		at, err := time.Parse(time.DateOnly, c.date)
		if err != nil {
			t.Fatal(err)
		}
		k.run(at.Add(12*time.Hour - time.Second))
		if got := k.balance(6340627); got != dollars*billing.Micro {
			t.Fatalf("%s: charged too early", c.date)
		}
		k.run(at.Add(12 * time.Hour))
		if c.due {
			dollars += 2
		}
		if got := k.balance(6340627); got != dollars*billing.Micro {
			t.Fatalf("%s: %s, want %d", c.date, billing.FormatMicros(got), dollars)
		}
	}
}

// TestMissedPeriods: by the setting, each missed period at most once.
func TestMissedPeriods(t *testing.T) {
	for setting, want := range map[billing.MissedPeriods]int64{billing.MissedCurrent: 196, billing.MissedAll: 200, billing.MissedNone: 194} {
		k := newKitWith(t, tmf654.Options{}, func(s *billing.Settings) { s.MissedPeriods = setting })
		k.begin("weekly", "")
		for range 5 { // one charge is open at a time
			k.run(t0.Add(3*7*day + 25*time.Hour))
		}
		if got := k.balance(6340627); got != want*billing.Micro {
			t.Errorf("%s: %s, want %d", setting, billing.FormatMicros(got), want)
		}
		k.verify()
	}
}

// TestFirstDecline: a rule starts with a paid period; one that does not is over.
func TestFirstDecline(t *testing.T) {
	k := newKit(t)
	stop := k.working()
	body := `{"amount":{"amount":2,"units":"USD"},"isAutoTopup":true,"recurringPeriod":"daily","partyAccount":{"id":"0.0.0.1+-account+101"}}`
	k.refused("root", "POST", base+"/topupBalance", body, 400, "declined", "-topup+1")
	stop()
	for n := range 5 {
		k.run(t0.Add(time.Duration(n) * day))
	}
	list, _ := k.list("root", base+"/topupBalance")
	if len(list) != 1 || list[0]["status"] != "FAILED" || list[0]["impactedBucket"] != nil || list[0]["payment"] != nil || k.balance(101) != 5*billing.Micro {
		t.Errorf("%v", list)
	}
}

// TestThreeFailures: a soft decline is tried again by the period's plan; three failed
// periods in a row suspend the rule, and its owner is told once; a new card lets it go on with the
// next period that is to come.
func TestThreeFailures(t *testing.T) {
	k := newKit(t)
	k.put(`{"type":"account","i_account":6340627,"i_customer":10,"email":"alice@acme.example"}`)
	id := k.begin("daily", "7")
	k.card("tok_declined")
	for n := time.Duration(1); n <= 3; n++ {
		k.run(t0.Add(n * day))
		k.run(t0.Add(n*day + 59*time.Minute))
		if !strings.HasSuffix(k.statuses(), "CREATED") { // the retry is to come
			t.Errorf("day %d: %s", n, k.statuses())
		}
		k.run(t0.Add(n*day + time.Hour))
	}
	k.expect("FAILED FAILED FAILED FAILED", 194)
	notices := map[billing.NoticeKind]int{}
	err := k.store.View(context.Background(), func(r billing.Reader) error {
		list, err := r.Notices(billing.Account(6340627), 0, 100)
		for _, n := range list {
			notices[n.Kind]++
			if n.Kind == billing.NoticeRule && !strings.Contains(n.Body, "2.00 USD, daily") {
				t.Errorf("the notice says %s", n.Body)
			}
		}
		return err
	})
	if err != nil || notices[billing.NoticeRule] != 1 || notices[billing.NoticeDeclined] != 3 || notices[billing.NoticeSuspended] != 0 {
		t.Errorf("notices %v, %v", notices, err)
	}
	k.run(t0.Add(4 * day))
	k.run(t0.Add(6 * day))
	k.expect("FAILED FAILED FAILED FAILED", 194)
	k.card("tok_ok")
	k.run(t0.Add(6 * day)) // what was missed meanwhile is not made up
	k.expect("FAILED FAILED FAILED FAILED", 194)
	for n := time.Duration(7); n <= 12; n++ {
		k.run(t0.Add(n * day))
	}
	// Seven periods in all: one paid at once, three failed, three paid.
	k.expect("CONFIRMED FAILED FAILED FAILED CONFIRMED CONFIRMED CONFIRMED", 200)
	if whole := k.object(200, "root", "GET", base+"/topupBalance/"+id, ""); whole["numberOfPeriods"] != 7.0 {
		t.Errorf("%v", whole)
	}
	k.verify()
}

// TestFailedAgain: with the setting, a period that was not paid is made up by another.
func TestFailedAgain(t *testing.T) {
	k := newKitWith(t, tmf654.Options{}, func(s *billing.Settings) { s.FailedTopupsAgain = true })
	k.begin("daily", "2")
	k.card("tok_declined")
	k.run(t0.Add(day))
	k.run(t0.Add(day + time.Hour))
	k.card("tok_ok")
	k.run(t0.Add(2 * day))
	k.run(t0.Add(3 * day))
	k.expect("CONFIRMED FAILED CONFIRMED", 196)
}

// TestHardDecline: such a card is not tried again, and the rule waits at once.
func TestHardDecline(t *testing.T) {
	for token, why := range map[string]billing.Suspension{"tok_lost": billing.SuspendedHard, "tok_authentication_required": billing.NeedsCustomer} {
		k := newKit(t)
		k.begin("daily", "")
		k.card(token)
		for n := time.Duration(1); n < 5; n++ {
			k.run(t0.Add(n * day))
		}
		k.expect("FAILED FAILED", 194)
		k.holds(why)
	}
}

// holds is why Alice's rule is suspended.
func (k *kit) holds(why billing.Suspension) {
	k.Helper()
	err := k.store.View(context.Background(), func(r billing.Reader) error {
		rules, err := r.TopupRulesOf(billing.Account(6340627))
		if err == nil && (len(rules) != 1 || rules[0].Suspended != why) {
			k.Errorf("the rules are %+v, want suspended %s", rules, why)
		}
		return err
	})
	if err != nil {
		k.Fatal(err)
	}
}

// TestNoCard: without a card the period fails and leaves a trace; three in a row suspend.
func TestNoCard(t *testing.T) {
	k := newKit(t)
	k.begin("daily", "")
	if err := k.e.DeleteCard(k.as("root"), billing.Account(6340627), 6337651); err != nil {
		t.Fatal(err)
	}
	for n := time.Duration(1); n < 6; n++ {
		k.run(t0.Add(n * day))
	}
	k.expect("FAILED FAILED FAILED FAILED", 194)
	k.holds(billing.SuspendedDeclined)
}

// TestWaits: a blocked owner's period waits and is executed when nothing holds it any more.
func TestWaits(t *testing.T) {
	k := newKit(t)
	k.begin("weekly", "")
	block := func(on string) {
		k.put(`{"type":"account","i_account":6340627,"i_customer":10,"blocked":` + on + `}`)
	}
	block("true")
	k.run(t0.Add(7 * day))
	k.run(t0.Add(8 * day))
	k.expect("CONFIRMED", 194)
	decisions := 0
	err := k.store.View(context.Background(), func(r billing.Reader) error {
		list, err := r.Decisions(billing.Account(6340627), 0, 100)
		for _, d := range list {
			if d.Purpose == billing.PurposeRecurring && d.Reason == billing.ReasonBlocked {
				decisions++
			}
		}
		return err
	})
	if err != nil || decisions != 1 {
		t.Errorf("%d decisions say that it is blocked, %v", decisions, err)
	}
	block("false")
	k.run(t0.Add(9 * day))
	k.expect("CONFIRMED CONFIRMED", 196)
	k.run(t0.Add(14*day - time.Minute))
	k.expect("CONFIRMED CONFIRMED", 196)
	k.run(t0.Add(14 * day))
	k.expect("CONFIRMED CONFIRMED CONFIRMED", 198)
}

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

// TestUnknown: a gateway that does not answer leaves the top-up open; what it did is found
// out later, and is one charge and one credit.
func TestUnknown(t *testing.T) {
	k := newKitWith(t, tmf654.Options{}, func(s *billing.Settings) {
		s.GatewayTimeout, s.PaymentWait = 20*time.Millisecond, 200*time.Millisecond
	})
	k.working()
	made := k.object(201, "root", "POST", base+"/topupBalance", `{"amount":{"amount":2,"units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+103"}}`)
	if made["status"] != "CREATED" || made["payment"] != nil || made["confirmationDate"] != nil || made["impactedBucket"] != nil || k.balance(103) != 0 {
		t.Fatalf("%v, balance %d", made, k.balance(103))
	}
	at := base + "/topupBalance/" + made["id"].(string)
	k.refused("root", "DELETE", at, "", 409, "conflict", "")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if k.object(200, "root", "GET", at, "")["status"] == "CONFIRMED" {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it was never found out")
		}
	}
	if n := len(k.bank.Captures()); n != 1 || k.balance(103) != 2*billing.Micro {
		t.Errorf("%d captures, balance %d", n, k.balance(103))
	}
	k.verify()
}

// TestDeclinedCreated: with the setting a decline is a top-up that failed, not an error.
func TestDeclinedCreated(t *testing.T) {
	k := newKitWith(t, tmf654.Options{DeclinedCreated: true}, nil)
	k.working()
	made := k.object(201, "root", "POST", base+"/topupBalance", `{"amount":{"amount":2,"units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+101"}}`)
	if made["status"] != "FAILED" || made["impactedBucket"] != nil || k.balance(101) != 5*billing.Micro {
		t.Errorf("%v", made)
	}
}

// TestVoucher: a voucher is redeemed once, instead of a card, for what it is worth.
func TestVoucher(t *testing.T) {
	k := newKit(t)
	made, err := k.e.CreateVouchers(k.as("root"), billing.CreateVouchersParams{Amount: 2 * billing.Micro, Currency: "USD", Count: 2})
	if err != nil {
		t.Fatal(err)
	}
	post := func(amount, code string) string {
		return `{"amount":{"amount":` + amount + `,"units":"USD"},"partyAccount":{"id":"` + alice + `"},"voucher":"` + code + `"}`
	}
	code := made[0].Code.Reveal()
	k.refused("root", "POST", base+"/topupBalance", post("3", code), 400, "invalid", "amount")
	got := k.object(201, "root", "POST", base+"/topupBalance", post("2", code))
	if got["status"] != "CONFIRMED" || got["paymentMethod"] != nil || got["payment"] == nil || got["voucher"] != "****"+code[len(code)-4:] {
		t.Errorf("%v", got)
	}
	k.expect("CONFIRMED", 194)
	k.refused("root", "POST", base+"/topupBalance", post("2", code), 400, "not_found", "voucher")
	if text := k.must(200, "root", "GET", base+"/topupBalance", ""); strings.Contains(text, code) {
		t.Error("the code is told again")
	}
	// Wrong codes are counted, also under a key, until none works.
	for n := range 40 {
		k.send("root", "POST", base+"/topupBalance", post("2", "AAAAA-BBBBB-CCCCC-DDDDD"), "Idempotency-Key", fmt.Sprint("guess", n))
	}
	k.refused("root", "POST", base+"/topupBalance", post("2", made[1].Code.Reveal()), 400, "not_found", "voucher")
	k.expect("CONFIRMED", 194)
	k.verify()
}

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

// TestExportImport: what is stored survives, and nothing is executed a second time.
func TestExportImport(t *testing.T) {
	k := newKit(t)
	k.begin("daily", "3")
	k.begin("monthly", "")
	k.card("tok_declined")
	k.run(t0.Add(day))
	k.run(t0.Add(day + time.Hour))
	stop := k.working()
	k.call("root", "POST", base+"/topupBalance", `{"amount":{"amount":7,"units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+101"},"channel":{"id":"1","name":"My Shop"}}`)
	stop()
	text := k.export()
	for _, want := range []string{`"period":"daily","periods":3,"done":2`, `"failures":1`, `"extra":{"channel"`, `"type":"service"`, `"balance_before":"192.00"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the export lacks %s:\n%s", want, text)
		}
	}
	other := newEmptyKit(t)
	other.now = k.now
	other.put(text)
	if again := other.export(); again != text {
		t.Errorf("not the same export:\n%s\n%s", text, again)
	}
	if a, b := k.statuses(), other.statuses(); a != b {
		t.Errorf("%s became %s", a, b)
	}
	before := other.balance(6340627)
	other.run(t0.Add(day + 2*time.Hour))
	if other.balance(6340627) != before {
		t.Error("a period was executed a second time")
	}
	other.card("tok_ok")
	other.run(t0.Add(2 * day))
	if got := other.balance(6340627) - before; got != 2*billing.Micro {
		t.Errorf("the next period brought %d", got)
	}
	other.run(t0.Add(3 * day))
	if got := other.balance(6340627) - before; got != 2*billing.Micro {
		t.Errorf("the periods after the last brought %d", got)
	}
	other.verify()
}

// TestOlderLine: a line of an older export takes no period back.
func TestOlderLine(t *testing.T) {
	k := newKit(t)
	k.begin("daily", "3")
	var older string
	for line := range strings.Lines(k.export()) {
		if strings.Contains(line, `"recurring_topup"`) {
			older = line
		}
	}
	if !strings.Contains(older, `"done":1`) {
		t.Fatal(older)
	}
	k.run(t0.Add(day))
	k.expect("CONFIRMED CONFIRMED", 196)
	k.put(older)
	k.run(t0.Add(day + time.Hour))
	k.expect("CONFIRMED CONFIRMED", 196)
	for n := range 4 {
		k.run(t0.Add(time.Duration(2+n) * day))
	}
	k.expect("CONFIRMED CONFIRMED CONFIRMED", 198)
	k.put(strings.Replace(older, `"status":"active"`, `"status":"finished"`, 1)) // as it is
	k.verify()
}

// TestResolved: what a person says of a charge settles its top-up.
func TestResolved(t *testing.T) {
	for captured, want := range map[bool]string{true: "CONFIRMED", false: "FAILED"} {
		k := newKitWith(t, tmf654.Options{}, func(s *billing.Settings) {
			s.GatewayTimeout, s.PaymentWait = 20*time.Millisecond, 200*time.Millisecond
		})
		stop := k.working()
		made := k.object(201, "root", "POST", base+"/topupBalance", `{"amount":{"amount":2,"units":"USD"},"partyAccount":{"id":"0.0.0.1+-account+103"}}`)
		stop()
		if _, err := k.e.ResolveCharge(k.as("root"), billing.ResolveParams{Charge: 1, Captured: captured, Reference: "r", Reason: "x"}); err != nil {
			t.Fatal(err)
		}
		if got := k.object(200, "root", "GET", base+"/topupBalance/"+made["id"].(string), ""); got["status"] != want {
			t.Errorf("captured %v: %v", captured, got["status"])
		}
		k.verify()
	}
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

// TestRecurringCard: a card that is named pays for all periods, whichever is the primary
// one by then, and the rule ends with it.
func TestRecurringCard(t *testing.T) {
	k := newKit(t)
	stop := k.working()
	const card = `{"type":"card","i_debit_credit_card":777,"i_account":6340627,"gateway":"sandbox","token":"tok_ok","brand":"Visa","last4":"1881"}`
	k.put(card)
	rule := func(card string) string {
		return `{"amount":{"amount":2,"units":"USD"},"isAutoTopup":true,"recurringPeriod":"daily","partyAccount":{"id":"` + alice +
			`"},"paymentMethod":{"id":"0.0.0.1+-payinfo-cc+` + card + `"}}`
	}
	k.refused("root", "POST", base+"/topupBalance", rule("1001"), 400, "not_found", "card")
	id := k.object(201, "root", "POST", base+"/topupBalance", rule("777"))["id"].(string)
	stop()
	k.card("tok_declined") // the primary one
	k.run(t0.Add(day))
	k.expect("CONFIRMED CONFIRMED", 196)
	text := k.export()
	if want := `"currency":"USD","i_debit_credit_card":777,"period":"daily"`; !strings.Contains(text, want) {
		t.Errorf("the export lacks %s:\n%s", want, text)
	}
	other := newEmptyKit(t)
	other.now = k.now
	other.put(text)
	other.put(`{"type":"card","i_debit_credit_card":777,"i_account":6340627,"token":"tok_ok"}`)
	other.run(t0.Add(2 * day))
	other.expect("CONFIRMED CONFIRMED CONFIRMED", 198)
	if _, err := jsonl.Import(other.as("root"), other.e, jsonl.ImportOptions{Source: strings.NewReader(
		`{"type":"recurring_topup","id":1,"i_account":6340627,"i_debit_credit_card":null}`), Name: "x"}); err == nil {
		t.Error("a rule was given another card")
	}
	other.put(`{"type":"card","i_debit_credit_card":777,"i_account":6340627,"deleted":true}`)
	other.run(t0.Add(5 * day))
	other.expect("CANCELLED CONFIRMED CONFIRMED", 198)
	other.verify()

	if err := k.e.DeleteCard(k.as("root"), billing.Account(6340627), 777); err != nil {
		t.Fatal(err)
	}
	if got := k.object(200, "root", "GET", base+"/topupBalance/"+id, ""); got["status"] != "CANCELLED" {
		t.Errorf("the rule of a card that is gone is %v", got["status"])
	}
	k.run(t0.Add(5 * day))
	k.expect("CANCELLED CONFIRMED", 196)
	var told []string
	err := k.store.View(context.Background(), func(r billing.Reader) error {
		notices, err := r.Notices(billing.Account(6340627), 0, 10)
		for _, n := range notices {
			if n.Kind == billing.NoticeRule {
				told = append(told, n.Body)
			}
		}
		return err
	})
	if err != nil || len(told) != 1 || !strings.Contains(told[0], "was removed, so it has ended") {
		t.Errorf("told %q, %v", told, err)
	}
	k.put(strings.Replace(card, "777", "778", 1)) // another card is not the one that was named
	k.run(t0.Add(9 * day))
	k.expect("CANCELLED CONFIRMED", 196)
	k.verify()
}

// export is all that an export writes.
func (k *kit) export() string {
	k.Helper()
	var b strings.Builder
	if err := jsonl.Export(k.as("root"), k.e, &b, jsonl.ExportOptions{}); err != nil {
		k.Fatal(err)
	}
	return b.String()
}
