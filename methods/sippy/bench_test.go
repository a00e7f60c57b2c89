package sippy

import (
	"context"
	"testing"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

func getCall() (func() error, *fake) {
	f := &fake{policy: billing.LowBalance{Threshold: new(int64(5_250_000)), ChargeAmount: 10_000_000, Card: new(billing.CardID(7))}}
	call := Methods(f, Options{})[0].Call
	ctx := billing.WithActor(context.Background(), acme)
	params := []xmlrpc.Value{xmlrpc.Struct(m("i_account", xmlrpc.Int(100)))}
	return func() error {
		_, err := call(ctx, params)
		return err
	}, f
}

// What getLowBalance costs beyond the codec and the engine.
func BenchmarkGetLowBalance(b *testing.B) {
	call, _ := getCall()
	b.ReportAllocs()
	for b.Loop() {
		if err := call(); err != nil {
			b.Fatal(err)
		}
	}
}

// The numbers' texts, the members, the narrowed actor: nothing else.
func TestGetLowBalanceAllocations(t *testing.T) {
	call, f := getCall()
	if n := testing.AllocsPerRun(100, func() { _ = call() }); n > 8 {
		t.Errorf("%v allocations", n)
	}
	if f.calls == 0 {
		t.Error("the engine was not asked")
	}
}
