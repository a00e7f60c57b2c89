package billing_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

// acted are the rows since the last call, as who action resource info.
func (k *kit) acted() (rows []string) {
	k.t.Helper()
	var all []billing.AuditRow
	k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) (err error) {
		all, err = r.AuditRows(billing.AuditFilter{From: time.Unix(0, 0), To: time.Now().Add(time.Hour), Offset: k.audited})
		return err
	}))
	k.audited += int64(len(all))
	for _, a := range all {
		rows = append(rows, strings.TrimSpace(fmt.Sprintf("%s: %s %s %s", a.Actor, a.Action, a.Resource, a.Info)))
	}
	return rows
}

func (k *kit) wantActed(what string, want ...string) {
	k.t.Helper()
	if got := k.acted(); !slices.Equal(got, want) {
		k.t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}

// What a job changes for itself is told in its name, what follows from a call in the
// caller's; a job that only looks leaves nothing.
func TestAuditOfJobs(t *testing.T) {
	k := newKit(t)
	k.seed("tok_declined_hard")
	k.acted()
	k.sweep(t0)
	k.wantActed("a sweep with nothing to do")
	k.debit(t0, 16*usd)
	k.acted()
	k.drain(t0)
	k.wantActed("a hard decline", `charges: U debit_credit_cards:i_debit_credit_card=1000 {"state":"usable to aside","aside":" to invalid_token","i_account":"100"}`,
		`charges: U low_balance:i_account=100 {"suspended":" to hard_decline","charge":"1"}`)
	k.move(t0, billing.PostAddFunds, usd)
	k.wantActed("what a payment ends", `root: FUNDS add:i_account=100 {"balance":"4.0 to 5.0","currency":"USD"}`,
		`root: U low_balance:i_account=100 {"suspended":"hard_decline to "}`)

	k = newKit(t)
	k.seed("tok_declined")
	k.plan()
	k.brCharge()
	k.debit(t0, 5*usd)
	k.acted()
	_, _, err := k.engine.RunBilling(root(due), billing.RunParams{Trigger: "command", DryRun: true})
	k.ok(err)
	k.wantActed("a dry run")
	k.bill(due)
	k.wantActed("not covered after a decline", `charges: U accounts:i_account=100 {"blocked":" to billing"}`)
	k.move(due, billing.PostAddFunds, 10*usd)
	k.wantActed("paid", `root: FUNDS add:i_account=100 {"balance":"15.0 to 25.0","currency":"USD"}`, `root: U accounts:i_account=100 {"blocked":"billing to "}`)

	k = newKit(t)
	k.seed("tok_ok")
	k.plan(func(l *billing.PlanLine) { l.OnFailure = billing.To(string(billing.FailTariff)) })
	k.debit(t0, 5*usd)
	k.drain(t0)
	k.acted()
	k.bill(due)
	k.wantActed("a plan that is suspended", `billing: U accounts:i_account=100 {"billing_plan_suspended":"0 to 1"}`)
	k.move(due, billing.PostCredit, 10*usd)
	k.wantActed("and goes on", `root: FUNDS credit:i_account=100 {"balance":"15.0 to 25.0","currency":"USD"}`,
		`root: U accounts:i_account=100 {"billing_plan_suspended":"1 to 0"}`)

	k = newKit(t)
	k.seed("tok_ok")
	k.debit(t0, 16*usd)
	k.drain(t0)
	k.acted()
	ref := k.ref()
	event := func(ev billing.GatewayEvent) {
		gateway := billing.WithActor(root(t0), billing.Actor{Customer: billing.Root, API: "sandbox"})
		k.ok(k.engine.GatewayEvent(gateway, "sandbox", ev))
	}
	event(billing.GatewayEvent{ID: "e1", Kind: billing.EventFraudWarning, Ref: ref})
	k.wantActed("a warning of fraud", `sandbox: U debit_credit_cards:i_debit_credit_card=1000 {"state":"usable to aside","aside":" to fraud_warning","i_account":"100"}`)
	event(billing.GatewayEvent{ID: "e2", Kind: billing.EventDisputeOpened, Ref: ref, DisputeRef: "dp_1", Amount: billing.Money(10*usd, "USD")})
	k.wantActed("a dispute", `sandbox: U accounts:i_account=100 {"blocked":" to dispute"}`)
}
