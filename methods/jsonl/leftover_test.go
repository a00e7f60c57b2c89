package jsonl_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
	"topupd/db"
	"topupd/db/dbtest"
	"topupd/methods/jsonl"
)

// What an older version kept and nothing takes any more is left out of an export, with a
// warning, so that the rest of it can be imported.
func TestExportLeavesOutWhatDoesNotFit(t *testing.T) {
	store, err := db.Open(t.Context(), dbtest.File(t), db.Options{NoSync: true})
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	e := billing.New(billing.Config{Store: store, Gateways: []billing.Gateway{sandbox.New()}, Sealer: ring, Settings: billing.DefaultSettings()})
	_, err = load(t, e, `{"type":"customer","i_customer":10,"name":"Acme","currency":"USD"}
{"type":"account","i_account":100,"i_customer":10,"currency":"USD"}
{"type":"recurring_topup","id":1,"i_account":100,"amount":"2.00","currency":"USD","period":"daily","done":1,"anchor":"2026-11-01T10:00:00Z"}
{"type":"recurring_topup","id":2,"i_account":100,"amount":"2.00","currency":"USD","period":"daily","done":1,"anchor":"2026-11-01T10:00:00Z"}`)
	must(t, err)
	t0 := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	must(t, store.Update(t.Context(), func(tx billing.Tx) error {
		for _, o := range []billing.Object{
			{Type: "service", Key: "8", Body: `{"type":"service","id":8,"i_account":9,"class":"/nobody"}`},
			{Type: "recurring_topup", Key: "5", Body: `{"type":"recurring_topup","id":5,"i_account":100,"amount":"-6","currency":"USD","period":"daily"}`},
		} {
			if err := tx.PutObject(o); err != nil {
				return err
			}
		}
		// A table took over what could not be charged.
		of := billing.Account(100)
		a := billing.BalanceAction{ID: 3, Kind: billing.ActionTopup, Owner: of, Top: billing.Customer(10), CreatedAt: t0}
		if err := tx.AddBalanceAction(&a); err != nil {
			return err
		}
		r := billing.TopupRule{
			ID: 3, Owner: of, Top: a.Top, Unit: "USD", Amount: 1, Period: billing.TopupDaily, Anchor: t0, NextAt: t0,
			State: billing.RuleActive, CreatedAt: t0, UpdatedAt: t0,
		}
		if err := tx.CreateTopupRule(&r); err != nil {
			return err
		}
		return tx.CreateBalanceTopup(&billing.BalanceTopup{
			ID: 3, Owner: of, Top: a.Top, Unit: "USD", Amount: 1, State: billing.TopupCancelled, Rule: 3, Imported: true, CreatedAt: t0, SettledAt: t0,
		})
	}))
	var warned []string
	var b bytes.Buffer
	must(t, jsonl.Export(root(t), e, &b, jsonl.ExportOptions{Warn: func(text string) { warned = append(warned, text) }}))
	text := b.String()
	want := []string{
		"left out: recurring top-up 3 of account 100 with its executions, whose amount 0.000001 USD cannot be charged",
		"left out: a recurring_topup line with the id 5, which did not fit when it was taken over",
		"left out: a service line with the id 8, which did not fit when it was taken over",
	}
	if !slices.Equal(warned, want) {
		t.Errorf("warned of %q, want %q", warned, want)
	}
	if n := strings.Count(text, `"type":"recurring_topup"`); n != 2 {
		t.Errorf("%d recurring top-ups are exported:\n%s", n, text)
	}
	other := newEngine(t)
	if _, err := load(t, other, text); err != nil {
		t.Errorf("the export cannot be imported: %v\n%s", err, text)
	}
	if again := dump(t, other, false); again != text {
		t.Errorf("the export became\n%s\nwas\n%s", again, text)
	}
}
