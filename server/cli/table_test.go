package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"topupd/billing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs; got\n%s\nwant\n%s", path, got, want)
	}
}

func amount(v int64) *int64 { return &v }

func sampleThresholds() []row {
	at := time.Date(2026, 11, 22, 10, 15, 0, 0, time.UTC)
	usd := billing.Owner{ID: billing.Account(100), Name: "Alice \x1b[31mRose", Currency: "USD"}
	low := billing.ThresholdRow{
		Owner: usd, State: billing.StateLow, Policy: billing.LowBalance{State: billing.LowBalanceState{JudgeAt: at}},
		Decision: billing.Decision{
			Available: amount(4_500_001), Threshold: amount(5_000_000), Unit: "USD", Low: true, Reason: billing.ReasonCharge,
			Charge: &billing.ChargePlan{Card: billing.Card{ID: 1000, Brand: "Visa", Last4: "4242"}, Credit: 10_000_000},
		},
	}
	yen := low
	yen.Owner = billing.Owner{ID: billing.Customer(10), Name: "Acme, \"Ltd\"", Currency: "JPY"}
	yen.Decision = billing.Decision{Threshold: amount(500_000_000), Unit: "JPY", Reason: billing.ReasonUnlimited}
	yen.State = billing.StateOff
	return []row{thresholdRow(&low, nextOf(&low)), thresholdRow(&yen, nextOf(&yen))}
}

func TestRowsGolden(t *testing.T) {
	for _, f := range []string{"table", "csv", "json"} {
		var b bytes.Buffer
		w := format{Format: f}.rows(&b, thresholdColumns, thresholdWide...)
		for _, r := range sampleThresholds() {
			if err := w.row(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.end(); err != nil {
			t.Fatal(err)
		}
		golden(t, "thresholds."+f, b.Bytes())
	}
}

func TestNoRows(t *testing.T) {
	for f, want := range map[string]string{"table": "A  B\n", "csv": "a,b,c\n", "json": "[]\n"} {
		var b bytes.Buffer
		w := format{Format: f}.rows(&b, []string{"a", "b", "c"}, "c")
		if err := w.end(); err != nil || b.String() != want {
			t.Errorf("%s: %q, %v", f, b.String(), err)
		}
	}
}

// Every row has the columns of its heading, in their order.
func TestColumnsMatchHeadings(t *testing.T) {
	for name, c := range map[string]struct {
		columns []string
		row     row
	}{
		"thresholds": {thresholdColumns, sampleThresholds()[0]},
		"charges":    {chargeColumns, chargeRow(&billing.ChargeRow{})},
		"why":        {whyColumns, whyRow(&billing.Decision{})},
		"runs":       {runColumns, (&runsCmd{}).row(&billing.Run{})},
		"dry run":    {dryColumns, dryRow(&billing.Decision{})},
	} {
		var got []string
		for _, cell := range c.row {
			got = append(got, cell.column)
		}
		if strings.Join(got, " ") != strings.Join(c.columns, " ") {
			t.Errorf("%s:\n%v\n%v", name, c.columns, got)
		}
	}
}

func TestObserverMetricsAndLog(t *testing.T) {
	var b bytes.Buffer
	o := newObserver(zerolog.New(&b))
	o.Decided(billing.Decision{Owner: billing.Account(1), Reason: billing.ReasonNoCard})
	o.ChargeMoved(billing.Charge{ID: 7, Owner: billing.Account(1), State: billing.ChargeFailed, Gross: 1_000_000, Unit: "USD"}, "lost_card")
	o.ChargeMoved(billing.Charge{ID: 8, State: billing.ChargeCancelled}, "a sentence for people")
	o.ChargeMoved(billing.Charge{ID: 9, State: billing.ChargeUnknown}, "unknown")
	o.Alarmed(billing.AlarmUnknown, "the outcome of charge 9 is not known", "look at it")
	o.Posted(billing.PostCharge)
	o.Mailed(billing.Notice{Kind: billing.NoticeReceipt, State: billing.NoticeFailed, To: "hidden@example.com"})
	o.RunEnded(billing.Run{Job: billing.JobBilling, StartedAt: time.Now(), FinishedAt: time.Now()})
	o.Failed("something", os.ErrClosed)

	reg := prometheus.NewPedanticRegistry()
	for _, c := range o.collectors() {
		reg.MustRegister(c)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		labels := map[string]bool{}
		for _, m := range f.GetMetric() {
			var pairs []string
			for _, l := range m.GetLabel() {
				pairs = append(pairs, l.GetName()+"="+l.GetValue())
			}
			labels[strings.Join(pairs, " ")] = true
		}
		for l := range labels {
			names = append(names, f.GetName()+" "+l)
		}
	}
	want := []string{
		"topupd_charges_total outcome=declined state=failed", "topupd_charges_total outcome=other state=cancelled",
		"topupd_charges_total outcome=unknown state=unknown", "topupd_decisions_total purpose= reason=no_card",
		"topupd_failures_total ", "topupd_alarms_total kind=unknown", "topupd_notices_total kind=receipt state=failed", "topupd_postings_total kind=charge",
		"topupd_run_duration_seconds job=billing result=finished",
	}
	for _, w := range want {
		found := false
		for _, n := range names {
			found = found || n == w
		}
		if !found {
			t.Errorf("%q is not in %q", w, names)
		}
	}
	if strings.Contains(b.String(), "hidden") {
		t.Errorf("an address is in the log: %s", b.String())
	}
	for _, part := range []string{`"level":"error","alarm":"unknown"`, `"amount":"1.00 USD"`, `"message":"something"`} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("%s is not in the log:\n%s", part, b.String())
		}
	}
}
