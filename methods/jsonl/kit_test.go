package jsonl_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"topupd/billing"
	"topupd/billing/gateway/sandbox"
	"topupd/billing/seal"
	"topupd/db/dbtest"
	"topupd/methods/jsonl"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(dbtest.Engines{M: m}) }

// ring is shared: an export with secrets opens what an import sealed.
var ring = func() *seal.Ring {
	r, err := seal.ParseRing(seal.Generate())
	if err != nil {
		panic(err)
	}
	return r
}()

func newEngine(t testing.TB) *billing.Engine {
	t.Helper()
	return billing.New(billing.Config{
		Store: dbtest.Open(t), Gateways: []billing.Gateway{sandbox.New()}, Sealer: ring, Settings: billing.DefaultSettings(),
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func root(t testing.TB) context.Context {
	t.Helper()
	return billing.WithActor(t.Context(), billing.Actor{Customer: billing.Root, API: "import"})
}

func load(t testing.TB, e *billing.Engine, text string) (jsonl.Summary, error) {
	t.Helper()
	return jsonl.Import(root(t), e, jsonl.ImportOptions{Source: strings.NewReader(text), Name: "x.jsonl"})
}

func dump(t testing.TB, e *billing.Engine, secrets bool) string {
	t.Helper()
	var b bytes.Buffer
	must(t, jsonl.Export(root(t), e, &b, jsonl.ExportOptions{Realm: "topupd", Secrets: secrets}))
	return b.String()
}
