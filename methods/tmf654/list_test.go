package tmf654_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"topupd/billing"
	"topupd/methods/tmf654"
)

// adjusted gives the source page's account n adjustments as they would be after years, past
// the ledger.
func adjusted(k *kit, n int) {
	k.Helper()
	for made := 0; made < n; {
		some := min(n-made, 5_000)
		err := k.store.Update(context.Background(), func(tx billing.Tx) error {
			for i := range some {
				a := billing.BalanceAction{Kind: billing.ActionAdjustment, Owner: billing.Account(6340627), Top: billing.Customer(10), CreatedAt: t0}
				if err := tx.AddBalanceAction(&a); err != nil {
					return err
				}
				x := billing.Adjustment{
					ID: a.ID, Owner: a.Owner, Top: a.Top, Unit: "USD", Amount: int64(1+(made+i)%2) * 1_000_000,
					Extra: `{"description":"second thoughts"}`, CreatedAt: t0, UpdatedAt: t0,
				}
				if err := tx.CreateAdjustment(&x); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			k.Fatal(err)
		}
		made += some
	}
}

// TestListsCount: pages and counts where most of a list is never made; a filter that no
// index answers tells no total beyond what it looks at.
func TestListsCount(t *testing.T) {
	k := newKit(t)
	t.Cleanup(tmf654.CountMost(1_000))
	adjusted(k, 1_200)
	all, _ := k.list("root", base+"/adjustBalance?limit=3")
	id := func(i int) string { return url.QueryEscape(all[i]["id"].(string)) }
	for _, c := range []struct{ path, want string }{
		{"adjustBalance", "100 of 1200"},
		{"adjustBalance?offset=1195", "5 of 1200"},
		{"adjustBalance?offset=1200", "0 of 1200"},
		{"adjustBalance?limit=0", "0 of 1200"},
		{"adjustBalance?partyAccount.id=" + alice + "&offset=1199", "1 of 1200"},
		{"adjustBalance?id=" + id(1), "1 of 1"},
		{"adjustBalance?id=" + id(2) + "," + id(0) + "," + id(2), "2 of 2"},
		{"adjustBalance?id=" + id(1) + "&status=FAILED", "0 of 0"},
		{"adjustBalance?id=" + id(1) + "&partyAccount.id=0.0.0.1+-account+101", "0 of 0"},
		{"adjustBalance?id=0.0.0.1+-topup+1", "0 of 0"},
		{"adjustBalance?amount.amount=2", "100 of "},
		{"adjustBalance?amount.amount=2&offset=595", "5 of 600"},
		{"adjustBalance?amount.amount=3", "0 of 0"},
		{"balanceAction", "100 of 1200"},
		{"balanceAction?offset=1195", "5 of 1200"},
		{"balanceAction?@type=TransferBalance", "0 of 0"},
		{"balanceAction?id=" + id(2) + "," + id(0), "2 of 2"},
		{"balanceAction?id=" + id(2) + "&@type=TopupBalance", "0 of 0"},
		{"topupBalance?id=" + id(2), "0 of 0"},
		{"accumulatedBalance?id=" + alice, "1 of 1"},
		{"accumulatedBalance?id=nobody", "0 of 0"},
		{"bucket?limit=2", "2 of 6"},
		{"bucket?offset=5", "1 of 6"},
		{"accumulatedBalance?offset=5", "1 of 6"},
	} {
		if _, counts := k.list("root", base+"/"+c.path); counts != c.want {
			t.Errorf("%s: %s, want %s", c.path, counts, c.want)
		}
	}
	if _, counts := k.list("20", base+"/adjustBalance?id="+id(1)); counts != "0 of 0" {
		t.Errorf("another customer finds %s by id", counts)
	}
	last, _ := k.list("root", base+"/adjustBalance?offset=1199")
	same, _ := k.list("root", base+"/balanceAction?offset=1199")
	if len(last) != 1 || len(same) != 1 || last[0]["id"] != same[0]["id"] {
		t.Errorf("the last of both lists: %v, %v", last, same)
	}
}

// BenchmarkLists is one page of a list of so many rows.
func BenchmarkLists(b *testing.B) {
	for _, rows := range []int{10_000, 100_000} {
		k := newKit(b)
		adjusted(k, rows)
		for _, path := range []string{
			"adjustBalance", fmt.Sprintf("adjustBalance?offset=%d", rows-100), "adjustBalance?id=0.0.0.1+-adjustment+77",
			"adjustBalance?amount.amount=2", "adjustBalance?amount.amount=3", "balanceAction",
		} {
			b.Run(fmt.Sprintf("%d/%s", rows, path), func(b *testing.B) {
				for b.Loop() {
					if w := k.send("root", "GET", base+"/"+path, ""); w.Code != 200 {
						b.Fatal(w.Body)
					}
				}
			})
		}
	}
}
