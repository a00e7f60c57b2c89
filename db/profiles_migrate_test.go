package db

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"topupd/billing"
)

// What profiles and customers had been kept as text moves into their tables, to the
// millionth.
func TestProfilesMove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	before := withFile(t, nil)
	for name := range before {
		if name >= "0010" {
			delete(before, name)
		}
	}
	if err := migrate(t.Context(), sqliteDSN(path, Options{}.withDefaults()), before, false); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	owner := `INSERT INTO owners (id, kind, parent_id, top_id, path, name, username, email, currency, balance_group, credit_limit,
    time_zone, blocked, held, extra) VALUES `
	object := `INSERT INTO objects (type, key, body) VALUES ('auto_topup_profile', `
	for _, query := range []string{
		owner + `(20, 0, 2, 20, '/1/10/', 'Acme', '', '', 'USD', 0, 0, '', 0, 0, '{"autoTopupProfileID":"7","autoTopupAmount":"75.5","limits":{"Credit Limit":"500","a \"b\"":"-0.000001"},"outstanding":"-9000000000.123456","overdue":"1e2","payment_type":"card","sippy":{"x":"1.10"},"unbilledCalls":".5"}')`,
		owner + `(22, 0, 2, 22, '/1/11/', 'B', '', '', 'USD', 0, 0, '', 0, 0, '{"autoTopupProfileID":"blue","autoTopupAmount":null}')`,
		owner + `(24, 0, 2, 24, '/1/12/', 'C', '', '', 'USD', 0, 0, '', 0, 0, '{"autoTopupProfileID":99}')`,
		owner + `(26, 0, 2, 26, '/1/13/', 'D', '', '', 'USD', 0, 0, '', 0, 0, '{"sippy":{}}')`,
		owner + `(21, 1, 20, 20, '/1/10/', 'A', '', '', 'USD', 5, 0, '', 0, 0, '{"outstanding":"5"}')`,
		object + `'7', '{"type":"auto_topup_profile","id":"7","name":"P","enabled":"Yes","triggerBasis":"unbilled_calls","triggerType":"Percent of Limit","triggerValue":"80.25","referenceLimit":"Credit Limit","topupMode":"To Percent Of Limit","topupValue":"20","autoCollect":"Yes"}')`,
		object + `'blue', '{"type":"auto_topup_profile","id":"blue","name":"Q","triggerBasis":"colour","triggerValue":"-3"}')`,
		object + `'9', '{"type":"auto_topup_profile","id":"9","name":"R","enabled":"No","triggerType":"Percent of Limit","triggerValue":"120"}')`,
	} {
		if _, err := raw.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(t.Context(), path, Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var profiles []billing.Profile
	var terms []billing.TopupTerms
	extras := map[billing.OwnerID]string{}
	mandates := 0
	err = s.View(t.Context(), func(r billing.Reader) (err error) {
		if profiles, err = r.Profiles(billing.ListFilter{}); err != nil {
			return err
		}
		if terms, err = r.TopupTermsList(billing.TopupFilter{}); err != nil {
			return err
		}
		for _, o := range []billing.OwnerID{20, 21, 22, 24, 26} {
			owner, err := r.Owner(o)
			if err != nil {
				return err
			}
			extras[o] = owner.Extra
			if m, err := r.ActiveMandate(o, billing.PurposeProfile); err == nil && m.Text == "import-asserted-1" {
				mandates++
			}
		}
		for o, err := range r.Objects() {
			t.Errorf("left: %v, %v", o, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	base := billing.Profile{
		Basis: billing.BasisOutstanding, Trigger: billing.TriggerAbsolute, Limit: "Credit Limit", Mode: billing.TopupFixed,
	}
	p, q, r := base, base, base
	p.ID, p.Name, p.Enabled, p.AutoCollect, p.Basis, p.Trigger, p.TriggerValue = 7, "P", true, true, billing.BasisUnbilled, billing.TriggerPercent, 80_250_000
	p.Mode, p.TopupValue = billing.TopupToPercent, 20_000_000
	r.ID, r.Name, r.TriggerValue = 9, "R", 120_000_000
	q.ID, q.Name = 10, "Q"
	if diff := cmp.Diff([]billing.Profile{p, r, q}, profiles, cmpopts.IgnoreFields(billing.Profile{}, "CreatedAt", "UpdatedAt")); diff != "" {
		t.Error(diff)
	}
	amount := int64(75_500_000)
	want := []billing.TopupTerms{
		{
			Owner: 20, Top: 20, Profile: 7, Amount: &amount, Outstanding: -9_000_000_000_123_456, Overdue: 100_000_000, Unbilled: 500_000,
			PaymentType: billing.PaysByCard, Limits: []billing.NamedLimit{{Name: "Credit Limit", Micros: 500_000_000}, {Name: `a "b"`, Micros: -1}},
		},
		{Owner: 22, Top: 22, Profile: 10},
		{Owner: 24, Top: 24},
	}
	if diff := cmp.Diff(want, terms); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[billing.OwnerID]string{20: `{"sippy":{"x":"1.10"}}`, 21: `{"outstanding":"5"}`, 22: "", 24: "", 26: `{"sippy":{}}`}, extras); diff != "" {
		t.Error(diff)
	}
	if mandates != 2 {
		t.Errorf("%d mandates", mandates)
	}
}
