package billing_test

import (
	"strings"
	"testing"

	"topupd/billing"
)

// Owners, cards and payments by hand leave a row each: from what to what, and of a
// card neither who holds it nor its token.
func TestAuditOfRecords(t *testing.T) {
	k := newKit(t, noWait)
	k.seed("tok_ok")
	ctx := asCustomer(10, t0)
	rows := func() []billing.AuditRow {
		var list []billing.AuditRow
		k.ok(k.store.View(t.Context(), func(r billing.Reader) (err error) {
			list, err = r.AuditRows(billing.AuditFilter{From: t0.AddDate(-50, 0, 0), To: t0.AddDate(100, 0, 0), Limit: 1000})
			return err
		}))
		return list
	}
	last := len(rows())
	next := func(action billing.AuditAction, resource string, told ...string) {
		t.Helper()
		all := rows()
		if len(all) != last+1 {
			t.Fatalf("%d rows were written: %+v", len(all)-last, all[last:])
		}
		row := all[last]
		last++
		if row.Action != action || !strings.HasPrefix(row.Resource, resource) || row.Customer != billing.Customer(10) {
			t.Errorf("%s %s by %s, want %s %s", row.Action, row.Resource, row.Customer, action, resource)
		}
		for _, want := range told {
			if !strings.Contains(row.Info, want) {
				t.Errorf("%s %s: %s does not tell %s", row.Action, row.Resource, row.Info, want)
			}
		}
		for _, secret := range []string{"tok_", "4242424242424242", "Alice Rose", "1 Main St"} {
			if strings.Contains(row.Info, secret) && !strings.HasPrefix(resource, "accounts") {
				t.Errorf("%s tells %s", row.Resource, secret)
			}
		}
	}
	id, err := k.engine.CreateOwner(ctx, newAccountTerms("new"))
	k.ok(err)
	next(billing.AuditAdd, "accounts:i_account=101", `"username":" to new"`, `"i_billing_plan":"nil to 1"`)
	k.ok(k.engine.UpdateOwner(ctx, billing.UpdateOwnerParams{Terms: billing.OwnerLine{Owner: id, CreditLimit: billing.To(int64(5 * usd))}}))
	next(billing.AuditUpdate, "accounts:i_account=101", `"credit_limit":"0.0 to 5.0"`)
	k.ok(k.engine.UpdateOwner(ctx, billing.UpdateOwnerParams{Terms: billing.OwnerLine{Owner: id, CreditLimit: billing.To(int64(5 * usd))}}))
	if len(rows()) != last {
		t.Error("a form that changed nothing left a row")
	}
	k.ok(k.engine.BlockOwner(ctx, id, true))
	next(billing.AuditUpdate, "accounts:i_account=101", `"blocked":" to operator"`)

	card, err := k.engine.AddCard(ctx, billing.AddCardParams{Owner: alice, CardTerms: terms(number("4242424242424242"))})
	k.ok(err)
	next(billing.AuditAdd, "debit_credit_cards:i_debit_credit_card=", `"i_account":"100"`, `"holder":"changed"`, `"number":"changed"`)
	k.ok(k.engine.UpdateCard(ctx, billing.UpdateCardParams{Owner: alice, Card: card, CardTerms: billing.CardTerms{CardDetails: billing.CardDetails{Alias: billing.To("travel")}}}))
	next(billing.AuditUpdate, "debit_credit_cards:", `"alias":"work to travel"`)
	_, err = k.engine.MakePayment(ctx, billing.MakePaymentParams{Owner: alice, Amount: 3 * usd, Currency: "USD", Card: &card, Payer: "192.0.2.1"})
	k.ok(err)
	next(billing.AuditAdd, "payments:i_payment=", `"amount":"3.00 USD"`)
	k.ok(k.engine.DeleteCard(ctx, alice, card))
	next(billing.AuditDelete, "debit_credit_cards:")
	k.ok(k.engine.BlockOwner(ctx, id, false))
	next(billing.AuditUpdate, "accounts:i_account=101", `"blocked":"operator to "`)
	k.ok(k.engine.DeleteOwner(ctx, id))
	next(billing.AuditDelete, "accounts:i_account=101", `"username":"new"`)
}
