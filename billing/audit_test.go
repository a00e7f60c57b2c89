package billing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

// audits are the rows since the last call, as action resource info.
func (k *kit) audits() []string {
	k.t.Helper()
	var all []billing.AuditRow
	k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) (err error) {
		all, err = r.AuditRows(billing.AuditFilter{From: time.Unix(0, 0), To: time.Now().Add(time.Hour), Offset: k.audited})
		return err
	}))
	k.audited += int64(len(all))
	var rows []string
	for _, a := range all {
		if a.At.IsZero() || a.Actor == "" || a.Customer != billing.Root {
			k.t.Errorf("a row without who or when: %+v", a)
		}
		if id, found := strings.CutPrefix(a.Resource, "import:id="); found && id != "" {
			a.Resource = "import"
		}
		rows = append(rows, strings.TrimSpace(fmt.Sprintf("%s %s %s", a.Action, a.Resource, a.Info)))
	}
	return rows
}

func (k *kit) wantAudits(what string, want ...string) {
	k.t.Helper()
	if got := k.audits(); !slices.Equal(got, want) {
		k.t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}

// Every operation leaves its row, with from and to; one that changed nothing or was
// refused leaves none.
func TestAuditRows(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.wantAudits("import", `IMPORT import {"plans":"1","customers":"1","accounts":"1","cards":"1","low_balance":"1","hold":"0"}`)

	k.set(t0, billing.SetLowBalanceParams{Threshold: billing.To(int64(2_500_000)), NotifyByEmail: billing.To(true), Card: billing.To(billing.CardID(1000))})
	k.wantAudits("a save", `U low_balance:i_account=100 {"threshold":"5.0 to 2.5","i_debit_credit_card":"nil to 1000"}`)
	k.set(t0, billing.SetLowBalanceParams{Threshold: billing.To(int64(2_500_000)), NotifyByEmail: billing.To(true)})
	k.wantAudits("the same form again")
	k.set(t0, billing.SetLowBalanceParams{Threshold: billing.ToNull[int64](), Card: billing.ToNull[billing.CardID](), RetryCount: billing.To(int64(3)),
		BRChargeAmount: billing.To(int64(20 * usd)), ChargeCard: billing.To(false), RetryInterval: billing.To(int64(12))})
	k.wantAudits("nulls", `U low_balance:i_account=100 {"threshold":"2.5 to nil","charge_card":"1 to 0","i_debit_credit_card":"1000 to nil",`+
		`"br_charge_amount":"nil to 20.0","notification_retry_count":"0 to 3","notification_retry_interval":"nil to 12"}`)
	if err := k.engine.SetLowBalance(root(t0), billing.SetLowBalanceParams{Owner: billing.Account(100), ChargeAmount: billing.To(int64(-1))}); err == nil {
		t.Error("accepted")
	}
	k.wantAudits("refused")

	k.debit(t0, 1_500_000)
	k.move(t0, billing.PostCredit, usd)
	k.move(t0, billing.PostAddFunds, usd)
	k.wantAudits("movements", `FUNDS debit:i_account=100 {"balance":"20.0 to 18.5","currency":"USD"}`,
		`FUNDS credit:i_account=100 {"balance":"18.5 to 19.5","currency":"USD"}`, `FUNDS add:i_account=100 {"balance":"19.5 to 20.5","currency":"USD"}`)
	again := billing.MoveFundsParams{Owner: billing.Account(100), Kind: billing.PostDebit, Amount: usd, Currency: "USD", IdempotencyKey: "k"}
	for range 2 {
		_, err := k.engine.MoveFunds(root(t0), again)
		k.ok(err)
	}
	k.wantAudits("a repeat", `FUNDS debit:i_account=100 {"balance":"20.5 to 19.5","currency":"USD"}`)

	k.ok(k.engine.AddLogin(root(t0), "acme", billing.Customer(10), "hunter2"))
	_, err := k.engine.SetPassword(root(t0), "acme", "hunter3")
	k.ok(err)
	k.ok(k.engine.DisableLogin(root(t0), "acme"))
	k.ok(k.engine.DisableLogin(root(t0), "acme"))
	k.ok(k.engine.EnableLogin(root(t0), "acme"))
	k.wantAudits("logins", `A logins:web_login=acme {"i_customer":"10"}`, `PSWD_CHNG logins:web_login=acme`,
		`U logins:web_login=acme {"disabled":"0 to 1"}`, `U logins:web_login=acme {"disabled":"1 to 0"}`)
	for range 2 {
		k.ok(k.engine.EnsureLogin(root(t0), "ops", "hunter2"))
	}
	k.ok(k.engine.EnsureLogin(root(t0), "ops", "hunter3"))
	k.wantAudits("the login of the settings", `A logins:web_login=ops {"i_customer":"1"}`, `PSWD_CHNG logins:web_login=ops`)

	k.ok(k.engine.Import(root(t0), true, func(im *billing.Importer) error { return im.Owner(billing.OwnerLine{Owner: billing.Account(100)}) }))
	k.ok(k.engine.Import(root(t0), false, func(*billing.Importer) error { return nil }))
	for range 2 {
		_, err = k.engine.Golive(root(t0), billing.Customer(10))
		k.ok(err)
	}
	k.wantAudits("golive", `IMPORT import {"accounts":"1","hold":"1"}`, `GOLIVE customers:i_customer=10 {"released":"1"}`)
}

// What a person does to charges is told with the person's words.
func TestAuditCharges(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeSucceeded)
	k.audits()
	part := int64(4 * usd)
	_, err := k.engine.RefundCharge(root(t0), billing.RefundParams{Charge: 1, Amount: &part, Reason: "goodwill"})
	k.ok(err)
	k.wantAudits("refund", `REFUND charges:id=1 {"refund":"1","amount":"4.00 USD","reason":"goodwill","i_account":"100"}`)
	if _, err := k.engine.ResolveCharge(root(t0), billing.ResolveParams{Charge: 1, Captured: true, Reference: "r", Reason: "s"}); err == nil {
		t.Error("resolved a charge whose outcome is known")
	}
	if err := k.engine.ResumeOwner(root(t0), billing.Account(100), 0, "why"); err == nil {
		t.Error("resumed what nothing held")
	}
	k.wantAudits("refused")

	k = newKit(t, func(c *billing.Config) { *c = withGateway(*c, silentGateway{c.Gateways[0]}) })
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.wantStates(billing.ChargeUnknown)
	k.audits()
	_, err = k.engine.ResolveCharge(root(t0), billing.ResolveParams{Charge: 1, Captured: true, Reference: "pi_1", Reason: "seen there"})
	k.ok(err)
	k.wantAudits("resolve", `RESOLVE charges:id=1 {"state":"unknown","word":"captured","reference":"pi_1","reason":"seen there","i_account":"100"}`)

	k = newKit(t)
	k.seed("tok_declined_hard")
	k.debit(t0, 16*usd)
	k.drain(t0)
	if k.policy().State.Suspended == "" {
		t.Fatalf("not suspended: %+v", k.charges())
	}
	k.audits()
	k.ok(k.engine.ResumeOwner(root(t0), billing.Account(100), 1000, "new card by phone"))
	k.wantAudits("resume", `RESUME low_balance:i_account=100 {"suspended":"`+string(billing.SuspendedHard)+` to ","i_debit_credit_card":"1000","lifted":"2","reason":"new card by phone"}`)
}

// Only root reads and writes it; the switch's defaults and bounds hold.
func TestAuditLogs(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	note := billing.AuditNote{Action: "CALL_DISC", Resource: "i_call=7", Info: []billing.AuditField{{Name: "why\n", Value: `a "b" \ é` + "\x01"}, {Name: "n", Value: ""}}}
	k.ok(k.engine.WriteAuditLog(root(t0), note))
	rows, err := k.engine.AuditLogs(root(t0), billing.AuditLogsParams{Offset: 1})
	k.ok(err)
	if len(rows) != 1 || rows[0].Action != "CALL_DISC" || rows[0].Actor != "root" {
		t.Fatalf("%+v", rows)
	}
	if fields, err := rows[0].Fields(); err != nil || !slices.Equal(fields, note.Info) {
		t.Errorf("%q %v", fields, err)
	}
	for range billing.MaxAuditLogs + 5 {
		k.ok(k.engine.WriteAuditLog(root(t0), billing.AuditNote{Action: "A", Resource: "x"}))
	}
	if rows, err = k.engine.AuditLogs(root(t0), billing.AuditLogsParams{}); err != nil || len(rows) != billing.MaxAuditLogs {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	two := int64(2)
	hour := time.Now().Add(-time.Hour)
	for _, c := range []struct {
		p    billing.AuditLogsParams
		want int
	}{
		{billing.AuditLogsParams{Limit: &two}, 2},
		{billing.AuditLogsParams{Start: hour.Add(-time.Hour)}, 0},
		{billing.AuditLogsParams{Start: hour.Add(-time.Hour), End: time.Now().Add(time.Minute), Offset: 100}, 7},
		{billing.AuditLogsParams{Start: time.Now(), End: hour}, 0},
	} {
		if rows, err := k.engine.AuditLogs(root(t0), c.p); err != nil || len(rows) != c.want {
			t.Errorf("%+v: %d rows, %v", c.p, len(rows), err)
		}
	}
	for _, n := range []int64{0, -1, billing.MaxAuditLogs + 1} {
		if _, err := k.engine.AuditLogs(root(t0), billing.AuditLogsParams{Limit: &n}); billing.ErrorField(err) != "limit" {
			t.Errorf("limit %d: %v", n, err)
		}
	}
	if _, err := k.engine.AuditLogs(root(t0), billing.AuditLogsParams{Offset: -1}); billing.ErrorField(err) != "offset" {
		t.Error(err)
	}
	acme := billing.WithActor(context.Background(), billing.Actor{Login: "acme", Customer: billing.Customer(10)})
	if _, err := k.engine.AuditLogs(acme, billing.AuditLogsParams{}); billing.ErrorCode(err) != billing.Forbidden {
		t.Error(err)
	}
	if err := k.engine.WriteAuditLog(acme, note); billing.ErrorCode(err) != billing.Forbidden {
		t.Error(err)
	}
	for field, bad := range map[string]billing.AuditNote{
		"action":     {Action: strings.Repeat("a", 65), Resource: "x"},
		"resource":   {Action: "A", Resource: "a\nb"},
		"audit_info": {Action: "A", Resource: "x", Info: []billing.AuditField{{Name: "a", Value: strings.Repeat("x", 1<<15)}}},
	} {
		if err := k.engine.WriteAuditLog(root(t0), bad); billing.ErrorField(err) != field || billing.ErrorCode(err) != billing.Invalid {
			t.Errorf("%s: %v", field, err)
		}
	}
	for field, bad := range map[string]billing.AuditNote{"action": {Resource: "x"}, "resource": {Action: "A"}} {
		if err := k.engine.WriteAuditLog(root(t0), bad); billing.ErrorField(err) != field || billing.ErrorCode(err) != billing.Missing {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// What authentication tells is the row of the login, and of nobody's name of nobody.
func TestLoginNotes(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.engine.AddLogin(root(t0), "acme", billing.Customer(10), "hunter2"))
	before := time.Now().Add(-time.Minute)
	k.ok(k.engine.NoteLogins(context.Background(), []billing.LoginNote{
		{Name: "acme", Address: "192.0.2.7", API: "xmlrpc"}, {Name: "acme", Address: "192.0.2.8", API: "http", Failures: 12},
		{Address: "192.0.2.9", API: "xmlrpc", Failures: 3}, {Name: "dropped meanwhile", Failures: 1},
	}))
	rows, err := k.engine.AuditLogs(root(t0), billing.AuditLogsParams{Start: before, Offset: 2})
	k.ok(err)
	for i := range rows {
		rows[i].At, rows[i].ID = time.Time{}, 0
	}
	want := []billing.AuditRow{
		{Top: billing.Customer(10), Actor: "acme", Customer: billing.Customer(10), API: "xmlrpc", Address: "192.0.2.7", Action: "AUTH_OK", Resource: "logins:web_login=acme"},
		{Top: billing.Customer(10), Actor: "acme", API: "http", Address: "192.0.2.8", Action: "AUTH_FAIL", Resource: "logins:web_login=acme", Info: `{"failures":"12"}`},
		{Top: billing.Root, Actor: "(unknown)", API: "xmlrpc", Address: "192.0.2.9", Action: "AUTH_FAIL", Resource: "logins:web_login=(unknown)", Info: `{"failures":"3"}`},
		{Top: billing.Root, Actor: "(unknown)", Action: "AUTH_FAIL", Resource: "logins:web_login=(unknown)", Info: `{"failures":"1"}`},
	}
	if !slices.Equal(rows, want) {
		t.Errorf("got %+v\nwant %+v", rows, want)
	}
}

// A card that a policy leads to pauses it, which is told of the policy; another card's
// end is not.
func TestAuditOfAPausedPolicy(t *testing.T) {
	k := newKit(t)
	k.seed("tok_ok")
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		return im.Card(billing.CardLine{ID: 1001, Owner: billing.Account(100), Token: billing.To(billing.Secret("tok_ok"))})
	}))
	k.audits()
	k.ok(k.engine.DeleteCard(root(t0), billing.Account(100), 1001))
	if rows := k.acted(); len(rows) != 1 || strings.Contains(rows[0], "low_balance") {
		t.Errorf("another card: %q", rows)
	}
	k.ok(k.engine.DeleteCard(root(t0), billing.Account(100), 1000))
	const want = `root: U low_balance:i_account=100 {"paused":"i_debit_credit_card 1000 was deleted"}`
	if rows := k.acted(); len(rows) != 2 || !strings.Contains(rows[0], "D debit_credit_cards:i_debit_credit_card=1000") || rows[1] != want {
		t.Errorf("its card: %q", rows)
	}
}
