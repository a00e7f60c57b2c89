package jsonl_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

// Balance actions and buckets survive into an empty database, with what is reserved; the
// same file again changes nothing.
func TestActionsSurvive(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD"}
{"type":"account","i_account":100,"i_customer":10,"currency":"USD","balance":"20.00"}
{"type":"account","i_account":101,"i_customer":10,"currency":"USD","balance":"20.00"}
{"type":"low_balance","i_account":100,"threshold":"1.00","notify_by_email":true}`)
	must(t, err)
	a, b := billing.Account(100), billing.Account(101)
	ctx := root(t)
	for _, unit := range []billing.Unit{billing.UnitSMS, billing.UnitKB} {
		_, err = e.OpenBucket(ctx, billing.OpenBucketParams{Owner: a, Unit: unit, Extra: `{"name": "x"}`})
		must(t, err)
	}
	adj, err := e.Adjust(ctx, billing.AdjustParams{Owner: a, Unit: billing.UnitKB, Amount: 1, Extra: `{"z":1,"a":[1.50,"<"]}`})
	must(t, err)
	_, err = e.Adjust(ctx, billing.AdjustParams{Owner: a, Unit: billing.UnitKB, Amount: -1})
	must(t, err)
	must(t, e.CloseBucket(ctx, a, billing.UnitKB))
	_, err = e.Adjust(ctx, billing.AdjustParams{Owner: a, Unit: billing.UnitSMS, Amount: 5 * billing.Micro})
	must(t, err)
	_, err = e.Transfer(ctx, billing.TransferParams{From: a, To: b, Unit: "USD", Amount: 2 * billing.Micro, Cost: 1, CostBy: billing.CostByReceiver})
	must(t, err)
	_, err = e.Transfer(ctx, billing.TransferParams{From: b, To: billing.Customer(10), Unit: "USD", Amount: 1})
	must(t, err)
	_, err = e.Reserve(ctx, billing.ReserveParams{Owner: a, Unit: billing.UnitSMS, Amount: 2 * billing.Micro})
	must(t, err)
	_, err = e.Reserve(ctx, billing.ReserveParams{Owner: a, Unit: "USD", Amount: 3 * billing.Micro, EndsAt: time.Now().Add(time.Hour)})
	must(t, err)
	v, err := e.Reserve(ctx, billing.ReserveParams{Owner: b, Unit: "USD", Amount: 1})
	must(t, err)
	must(t, e.DeleteReservation(ctx, v.ID))

	first := dump(t, e, false)
	for kind, n := range map[string]int{"bucket": 2, "adjustment": 3, "transfer": 2, "reservation": 3} {
		if strings.Count(first, `"type":"`+kind+`"`) != n {
			t.Errorf("%d lines of %s are not in:\n%s", n, kind, first)
		}
	}
	// Whatever the order of the lines is.
	lines := strings.Split(strings.TrimSpace(first), "\n")
	for i, j := 0, len(lines)-1; i < j; i, j = i+1, j-1 {
		lines[i], lines[j] = lines[j], lines[i]
	}
	for _, text := range []string{first, strings.Join(lines, "\n")} {
		other := newEngine(t)
		_, err = load(t, other, text)
		must(t, err)
		if again := dump(t, other, false); again != first {
			t.Fatalf("not the same:\n%s\n%s", first, again)
		}
		_, err = load(t, other, text)
		must(t, err)
		if again := dump(t, other, false); again != first {
			t.Fatalf("the same file again changed something:\n%s\n%s", first, again)
		}
		if wrong, err := other.Verify(root(t), 0); err != nil || len(wrong) != 0 {
			t.Errorf("%v %v", wrong, err)
		}
		bucket, err := other.BucketOf(root(t), a, "USD")
		must(t, err)
		if bucket.Reserved != 3*billing.Micro {
			t.Errorf("%+v", bucket)
		}
		next, err := other.Adjust(root(t), billing.AdjustParams{Owner: a, Unit: "USD", Amount: 1})
		must(t, err)
		if next.ID <= v.ID {
			t.Errorf("the next id is %d", next.ID)
		}
	}

	before := dump(t, e, false)
	const when = `,"created":"2026-11-01T00:00:00Z","updated":"2026-11-01T00:00:00Z"`
	for line, want := range map[string]string{
		`{"type":"bucket","i_account":100}`:                                                                                                                                "unit is missing",
		`{"type":"bucket","i_account":100,"unit":"USD"}`:                                                                                                                   "SMS or KB",
		`{"type":"bucket","i_account":100,"unit":"SMS","balance":"0.5"}`:                                                                                                   "whole",
		`{"type":"bucket","i_account":100,"unit":"SMS","closed":"2030-11-01T00:00:00Z"}`:                                                                                   "closed bucket is empty",
		`{"type":"bucket","i_account":9,"unit":"SMS"}`:                                                                                                                     "account 9",
		`{"type":"bucket","unit":"SMS"}`:                                                                                                                                   "i_account or i_customer is missing",
		`{"type":"bucket","i_account":100,"unit":"SMS","extra":"x"}`:                                                                                                       "an object is needed",
		`{"type":"adjustment","i_account":100,"unit":"USD","amount":"1","before":"0"` + when + `}`:                                                                         "id is missing",
		`{"type":"adjustment","id":90,"i_account":100,"unit":"USD","amount":"0","before":"0"` + when + `}`:                                                                 "no adjustment",
		`{"type":"adjustment","id":0,"i_account":100,"unit":"USD","amount":"1","before":"0"` + when + `}`:                                                                  "above 0",
		`{"type":"adjustment","id":90,"i_account":100,"unit":"EUR","amount":"1","before":"0"` + when + `}`:                                                                 "no bucket of EUR",
		`{"type":"adjustment","id":90,"i_account":100,"unit":"USD","amount":"1","before":"0","cost":"1"` + when + `}`:                                                      "cost is not a member",
		`{"type":"adjustment","id":90,"i_account":100,"unit":"USD","amount":1,"before":"0"` + when + `}`:                                                                   "decimal string",
		`{"type":"adjustment","id":90,"i_account":100,"unit":"USD","amount":"1","before":"0"}`:                                                                             "created is missing",
		`{"type":"adjustment","id":` + itoa(int64(adj.ID)) + `,"i_account":100,"unit":"USD","amount":"1","before":"0"` + when + `}`:                                        "is there and is another",
		`{"type":"transfer","id":` + itoa(int64(adj.ID)) + `,"i_account":100,"to_i_account":101,"unit":"USD","amount":"1","before":"0","receiver_before":"0"` + when + `}`: "is there and is another",
		`{"type":"transfer","id":90,"i_account":100,"unit":"USD","amount":"1","before":"0","receiver_before":"0"` + when + `}`:                                             "receiver",
		`{"type":"transfer","id":90,"i_account":100,"to_i_account":100,"unit":"USD","amount":"1","before":"0","receiver_before":"0"` + when + `}`:                          "no transfer",
		`{"type":"transfer","id":90,"i_account":100,"to_i_account":101,"unit":"USD","amount":"1","cost":"1","before":"0","receiver_before":"0"` + when + `}`:               "no transfer",
		`{"type":"reservation","id":90,"i_account":100,"unit":"USD","amount":"1","before":"0"` + when + `}`:                                                                "state is missing",
		`{"type":"reservation","id":90,"i_account":100,"unit":"USD","amount":"1","before":"0","state":"spent"` + when + `}`:                                                "no reservation",
		`{"type":"reservation","id":90,"i_account":101,"unit":"KB","amount":"1","before":"0","state":"held"` + when + `}`:                                                  "no bucket of KB",
	} {
		if _, err := load(t, e, line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
	if after := dump(t, e, false); after != before {
		t.Errorf("a refused line changed something:\n%s\n%s", before, after)
	}
}

// A transfer whose giver or receiver was deleted stays behind with it: what an export
// writes can be imported, and is then the same.
func TestTransfersOfDeletedStayBehind(t *testing.T) {
	e := newEngine(t)
	_, err := load(t, e, `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD"}
{"type":"account","i_account":100,"i_customer":10,"currency":"USD","balance":"20.00"}
{"type":"account","i_account":101,"i_customer":10,"currency":"USD"}
{"type":"account","i_account":102,"i_customer":10,"currency":"USD"}`)
	must(t, err)
	ctx, a, b, c := root(t), billing.Account(100), billing.Account(101), billing.Account(102)
	for _, p := range []billing.TransferParams{{From: a, To: b}, {From: b, To: a}, {From: a, To: c}} {
		p.Unit, p.Amount = "USD", billing.Micro
		_, err := e.Transfer(ctx, p)
		must(t, err)
	}
	must(t, e.DeleteOwner(ctx, b))
	list, err := e.Transfers(ctx, billing.ActionFilter{})
	must(t, err)
	if len(list) != 3 {
		t.Errorf("%d transfers are shown", len(list))
	}
	text := dump(t, e, false)
	if n := strings.Count(text, `"type":"transfer"`); n != 1 {
		t.Errorf("%d transfers in:\n%s", n, text)
	}
	other := newEngine(t)
	_, err = load(t, other, text)
	must(t, err)
	if again := dump(t, other, false); again != text {
		t.Errorf("not the same:\n%s\n%s", text, again)
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
