package tmf654_test

import (
	"strings"
	"testing"
	"time"

	"topupd/billing"
	"topupd/methods/jsonl"
)

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

// export is all that an export writes.
func (k *kit) export() string {
	k.Helper()
	var b strings.Builder
	if err := jsonl.Export(k.as("root"), k.e, &b, jsonl.ExportOptions{}); err != nil {
		k.Fatal(err)
	}
	return b.String()
}
