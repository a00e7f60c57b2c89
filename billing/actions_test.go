package billing_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

// actions is the tree with two more accounts of customer 10, which share what they have:
// 100 has 20 and a policy, 101 has 20, 102 is in EUR.
func (k *kit) actions() {
	k.t.Helper()
	k.tree()
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		if err := im.Owner(accountLine(101)); err != nil {
			return err
		}
		l := accountLine(102)
		l.Currency = billing.To("EUR")
		return im.Owner(l)
	}))
	for _, n := range []int64{100, 101} {
		_, err := k.engine.OpenBucket(root(t0), billing.OpenBucketParams{Owner: billing.Account(n), Unit: billing.UnitSMS})
		k.ok(err)
	}
}

func (k *kit) bucket(o billing.OwnerID, unit billing.Unit) billing.Bucket {
	k.t.Helper()
	b, err := k.engine.BucketOf(root(t0), o, unit)
	k.ok(err)
	return b.Bucket
}

// wantHeld holds what an account's bucket has and holds back.
func (k *kit) wantHeld(n int64, unit billing.Unit, balance, reserved int64) {
	k.t.Helper()
	if b := k.bucket(billing.Account(n), unit); b.Balance != balance || b.Reserved != reserved {
		k.t.Fatalf("account %d has %d, %d reserved, want %d, %d", n, b.Balance, b.Reserved, balance, reserved)
	}
}

func wantError(t *testing.T, what string, err error, code billing.Code, field string) {
	t.Helper()
	if err == nil || billing.ErrorCode(err) != code || field != "" && billing.ErrorField(err) != field {
		t.Errorf("%s: %v (%s), want %s %s", what, err, billing.ErrorField(err), code, field)
	}
}

func TestAdjust(t *testing.T) {
	k := newKit(t)
	k.actions()
	adjust := func(n, amount int64, unit billing.Unit) (billing.Adjustment, error) {
		return k.engine.Adjust(root(t0), billing.AdjustParams{Owner: billing.Account(n), Unit: unit, Amount: amount, Notes: "why", Extra: `{"x":1}`})
	}
	up, err := adjust(100, 5*usd, "USD")
	k.ok(err)
	if up.Before != 20*usd || up.Amount != 5*usd || up.Posting == 0 || up.Extra != `{"x":1}` {
		t.Fatalf("%+v", up)
	}
	down, err := adjust(100, -25*usd, "USD")
	k.ok(err)
	k.wantHeld(100, "USD", 0, 0)
	k.wantMails() // a correction up, and one that leads to the low-balance charge
	k.wantStates(billing.ChargeCreated)
	_, err = adjust(100, 7*usd, billing.UnitSMS)
	k.ok(err)
	k.wantHeld(100, billing.UnitSMS, 7*usd, 0)
	all, err := k.engine.Adjustments(root(t0), billing.ActionFilter{})
	k.ok(err)
	if len(all) != 3 || all[0].ID != up.ID || all[1].ID != down.ID {
		t.Fatalf("%+v", all)
	}
	if got, err := k.engine.DescribeAdjustment(root(t0.Add(time.Hour)), up.ID, to(`{"y":2}`)); err != nil || got.Extra != `{"y":2}` || !got.UpdatedAt.Equal(t0.Add(time.Hour)) {
		t.Fatalf("%+v %v", got, err)
	}
	k.verify()
}

// A refused call changes nothing: no row, no audit, no balance.
func TestRefusedActions(t *testing.T) {
	k := newKit(t)
	k.actions()
	long := strings.Repeat("x", 1<<14)
	a100, a101, a102, a200 := billing.Account(100), billing.Account(101), billing.Account(102), billing.Account(200)
	adjust := func(p billing.AdjustParams) func(context.Context) error {
		return func(ctx context.Context) error { _, err := k.engine.Adjust(ctx, p); return err }
	}
	transfer := func(change func(*billing.TransferParams)) func(context.Context) error {
		p := billing.TransferParams{From: a100, To: a101, Unit: "USD", Amount: usd}
		change(&p)
		return func(ctx context.Context) error { _, err := k.engine.Transfer(ctx, p); return err }
	}
	reserve := func(change func(*billing.ReserveParams)) func(context.Context) error {
		p := billing.ReserveParams{Owner: a100, Unit: "USD", Amount: usd}
		change(&p)
		return func(ctx context.Context) error { _, err := k.engine.Reserve(ctx, p); return err }
	}
	bucket := func(p billing.OpenBucketParams) func(context.Context) error {
		return func(ctx context.Context) error { _, err := k.engine.OpenBucket(ctx, p); return err }
	}
	shut := func(o billing.OwnerID, unit billing.Unit) func(context.Context) error {
		return func(ctx context.Context) error { return k.engine.CloseBucket(ctx, o, unit) }
	}
	type call struct {
		ctx   context.Context
		do    func(context.Context) error
		code  billing.Code
		field string
	}
	_, err := k.engine.Adjust(root(t0), billing.AdjustParams{Owner: a101, Unit: billing.UnitSMS, Amount: usd})
	k.ok(err)
	held, err := k.engine.Reserve(root(t0), billing.ReserveParams{Owner: a101, Unit: "USD", Amount: usd})
	k.ok(err)
	gone, err := k.engine.Reserve(root(t0), billing.ReserveParams{Owner: a101, Unit: "USD", Amount: usd})
	k.ok(err)
	k.ok(k.engine.DeleteReservation(root(t0), gone.ID))
	moved, err := k.engine.Transfer(root(t0), billing.TransferParams{From: billing.Account(110), To: a200, Unit: "USD", Amount: usd})
	k.ok(err)
	k.audits()
	calls := map[string]call{
		"adjust nothing":             {root(t0), adjust(billing.AdjustParams{Owner: a100, Unit: "USD"}), billing.Invalid, "amount"},
		"adjust beyond available":    {root(t0), adjust(billing.AdjustParams{Owner: a100, Unit: "USD", Amount: -20*usd - 1}), billing.Conflict, "amount"},
		"adjust another currency":    {root(t0), adjust(billing.AdjustParams{Owner: a100, Unit: "EUR", Amount: usd}), billing.WrongCurrency, "units"},
		"adjust an unknown unit":     {root(t0), adjust(billing.AdjustParams{Owner: a100, Unit: "BEER", Amount: usd}), billing.Invalid, "units"},
		"adjust no bucket":           {root(t0), adjust(billing.AdjustParams{Owner: a100, Unit: billing.UnitKB, Amount: usd}), billing.NotFound, "bucket"},
		"adjust half a message":      {root(t0), adjust(billing.AdjustParams{Owner: a100, Unit: billing.UnitSMS, Amount: usd / 2}), billing.Invalid, "amount"},
		"adjust messages not there":  {root(t0), adjust(billing.AdjustParams{Owner: a100, Unit: billing.UnitSMS, Amount: -usd}), billing.Conflict, "amount"},
		"adjust a stranger":          {as(10), adjust(billing.AdjustParams{Owner: a200, Unit: "USD", Amount: usd}), billing.NotFound, "i_account"},
		"adjust nobody":              {root(t0), adjust(billing.AdjustParams{Owner: billing.Account(9), Unit: "USD", Amount: usd}), billing.NotFound, "i_account"},
		"adjust beyond what is kept": {root(t0), adjust(billing.AdjustParams{Owner: a100, Unit: "USD", Amount: 1<<63 - 1}), billing.Overflow, "amount"},
		"adjust with a long reason":  {root(t0), adjust(billing.AdjustParams{Owner: a100, Unit: "USD", Amount: 1, Notes: long}), billing.Invalid, "reason"},
		"adjust with too much":       {root(t0), adjust(billing.AdjustParams{Owner: a100, Unit: "USD", Amount: 1, Extra: long + "x"}), billing.Invalid, "extra"},

		"transfer nothing":            {root(t0), transfer(func(p *billing.TransferParams) { p.Amount = 0 }), billing.Invalid, "amount"},
		"transfer less than nothing":  {root(t0), transfer(func(p *billing.TransferParams) { p.Amount = -usd }), billing.Invalid, "amount"},
		"transfer to itself":          {root(t0), transfer(func(p *billing.TransferParams) { p.To = p.From }), billing.Invalid, "receiver"},
		"transfer to a stranger":      {as(10), transfer(func(p *billing.TransferParams) { p.To = a200 }), billing.NotFound, "receiver"},
		"transfer from a stranger":    {as(10), transfer(func(p *billing.TransferParams) { p.From = a200 }), billing.NotFound, "i_account"},
		"transfer to another unit":    {root(t0), transfer(func(p *billing.TransferParams) { p.To = a102 }), billing.WrongCurrency, "units"},
		"transfer beyond available":   {root(t0), transfer(func(p *billing.TransferParams) { p.Amount = 20*usd + 1 }), billing.Conflict, "amount"},
		"transfer a cost beyond":      {root(t0), transfer(func(p *billing.TransferParams) { p.Amount, p.Cost, p.CostBy = 20*usd, 1, billing.CostByOriginator }), billing.Conflict, "amount"},
		"transfer a cost of nobody":   {root(t0), transfer(func(p *billing.TransferParams) { p.Cost = 1 }), billing.Invalid, "costOwner"},
		"transfer a cost of a friend": {root(t0), transfer(func(p *billing.TransferParams) { p.Cost, p.CostBy = 1, "friend" }), billing.Invalid, "costOwner"},
		"transfer only a cost":        {root(t0), transfer(func(p *billing.TransferParams) { p.Cost, p.CostBy = usd+1, billing.CostByReceiver }), billing.Invalid, "transferCost"},
		"transfer a negative cost":    {root(t0), transfer(func(p *billing.TransferParams) { p.Cost, p.CostBy = -1, billing.CostByReceiver }), billing.Invalid, "transferCost"},
		"transfer no bucket":          {root(t0), transfer(func(p *billing.TransferParams) { p.Unit, p.To = billing.UnitSMS, a200 }), billing.NotFound, "receiver"},
		"transfer half a message":     {root(t0), transfer(func(p *billing.TransferParams) { p.Unit, p.Amount = billing.UnitSMS, 1 }), billing.Invalid, "amount"},
		"transfer a sum too big":      {root(t0), transfer(func(p *billing.TransferParams) { p.Amount, p.Cost, p.CostBy = 1<<62, 1<<62, billing.CostByOriginator }), billing.Overflow, "amount"},

		"reserve nothing":          {root(t0), reserve(func(p *billing.ReserveParams) { p.Amount = 0 }), billing.Invalid, "amount"},
		"reserve beyond available": {root(t0), reserve(func(p *billing.ReserveParams) { p.Amount = 20*usd + 1 }), billing.Conflict, "amount"},
		"reserve for the past":     {root(t0), reserve(func(p *billing.ReserveParams) { p.EndsAt = t0 }), billing.Invalid, "validFor"},
		"reserve of a stranger":    {as(10), reserve(func(p *billing.ReserveParams) { p.Owner = a200 }), billing.NotFound, "i_account"},
		"reserve what is held":     {root(t0), reserve(func(p *billing.ReserveParams) { p.Owner, p.Amount = a101, 19*usd+1 }), billing.Conflict, "amount"},
		"release a deleted one":    {root(t0), func(ctx context.Context) error { _, err := release(k.engine, ctx, gone.ID); return err }, billing.NotFound, "id"},
		"release a stranger's":     {as(20), func(ctx context.Context) error { _, err := release(k.engine, ctx, held.ID); return err }, billing.NotFound, "id"},
		"delete a stranger's":      {as(20), func(ctx context.Context) error { return k.engine.DeleteReservation(ctx, held.ID) }, billing.NotFound, "id"},
		"describe a stranger's": {as(20), func(ctx context.Context) error {
			_, err := k.engine.ChangeReservation(ctx, billing.ChangeReservationParams{ID: held.ID, Extra: to("{}")})
			return err
		}, billing.NotFound, "id"},
		"describe half a transfer": {as(20), func(ctx context.Context) error {
			_, err := k.engine.DescribeTransfer(ctx, moved.ID, to("{}"))
			return err
		}, billing.NotFound, "id"},
		"read half a transfer": {as(10), func(ctx context.Context) error { _, err := k.engine.TransferByID(ctx, moved.ID); return err }, billing.NotFound, "id"},
		"read another kind":    {root(t0), func(ctx context.Context) error { _, err := k.engine.Adjustment(ctx, moved.ID); return err }, billing.NotFound, "id"},

		"open a bucket again":     {root(t0), bucket(billing.OpenBucketParams{Owner: a100, Unit: billing.UnitSMS}), billing.Exists, "bucket"},
		"open money":              {root(t0), bucket(billing.OpenBucketParams{Owner: a100, Unit: "USD"}), billing.Exists, "bucket"},
		"open other money":        {root(t0), bucket(billing.OpenBucketParams{Owner: a100, Unit: "EUR"}), billing.WrongCurrency, "units"},
		"open an unknown unit":    {root(t0), bucket(billing.OpenBucketParams{Owner: a100, Unit: "GB"}), billing.Invalid, "units"},
		"open for a stranger":     {as(10), bucket(billing.OpenBucketParams{Owner: a200, Unit: billing.UnitKB}), billing.NotFound, "i_account"},
		"close money":             {root(t0), shut(a100, "USD"), billing.Conflict, "bucket"},
		"close what is not there": {root(t0), shut(a100, billing.UnitKB), billing.NotFound, "bucket"},
		"close a full one":        {root(t0), shut(a101, billing.UnitSMS), billing.Conflict, "bucket"},
	}
	for name, c := range calls {
		wantError(t, name, c.do(c.ctx), c.code, c.field)
		if rows := k.audits(); len(rows) != 0 {
			t.Errorf("%s left %v", name, rows)
		}
	}
	k.wantHeld(100, "USD", 20*usd, 0)
	k.wantHeld(101, "USD", 20*usd, usd)
	k.wantHeld(101, billing.UnitSMS, usd, 0)
	all, err := k.engine.BalanceActions(root(t0), billing.BalanceActionFilter{})
	k.ok(err)
	if len(all) != 4 {
		t.Errorf("%d actions are left", len(all))
	}
	k.verify()
}

func TestTransfer(t *testing.T) {
	for name, c := range map[string]struct {
		cost     int64
		by       billing.CostBearer
		from, to int64
	}{
		"for nothing":           {0, billing.CostByNobody, 13 * usd, 27 * usd},
		"the originator pays":   {usd, billing.CostByOriginator, 12 * usd, 27 * usd},
		"the receiver pays":     {usd, billing.CostByReceiver, 13 * usd, 26 * usd},
		"the receiver pays all": {7 * usd, billing.CostByReceiver, 13 * usd, 20 * usd},
		"all that is available": {13 * usd, billing.CostByOriginator, 0, 27 * usd},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			k.actions()
			x, err := k.engine.Transfer(as(10), billing.TransferParams{From: billing.Account(100), To: billing.Account(101), Unit: "USD", Amount: 7 * usd, Cost: c.cost, CostBy: c.by})
			k.ok(err)
			k.wantHeld(100, "USD", c.from, 0)
			k.wantHeld(101, "USD", c.to, 0)
			if x.Out == 0 || x.In == 0 || x.FromBefore != 20*usd || x.ToBefore != 20*usd || x.Taken() != 20*usd-c.from || x.Given() != c.to-20*usd {
				t.Errorf("%+v", x)
			}
			k.verify()
		})
	}
}

// Both owners are judged: the one that gave is low and charged, the one that got is not.
func TestTransferJudges(t *testing.T) {
	k := newKit(t)
	k.actions()
	_, err := k.engine.Transfer(root(t0), billing.TransferParams{From: billing.Account(100), To: billing.Account(200), Unit: "USD", Amount: 16 * usd})
	k.ok(err)
	k.wantStates(billing.ChargeCreated)
	k.drain(t0)
	k.wantHeld(100, "USD", 14*usd, 0)
	k.verify()
}

// What a person or fraud blocked moves nothing away and holds nothing back; what came
// short at a billing run may.
func TestBlockedTransfers(t *testing.T) {
	for block, refused := range map[billing.Block]bool{
		billing.BlockOperator: true, billing.BlockFraud: true, billing.BlockDispute: true, billing.BlockBilling: false,
	} {
		for _, blocked := range []billing.OwnerID{billing.Account(100), billing.Customer(10)} {
			k := newKit(t)
			k.actions()
			k.ok(k.store.Update(context.Background(), func(tx billing.Tx) error { return tx.SetBlocked(blocked, block, t0) }))
			_, err := k.engine.Transfer(root(t0), billing.TransferParams{From: billing.Account(100), To: billing.Account(200), Unit: "USD", Amount: usd})
			_, held := k.engine.Reserve(root(t0), billing.ReserveParams{Owner: billing.Account(100), Unit: "USD", Amount: usd})
			if !refused {
				k.ok(err)
				k.ok(held)
				continue
			}
			wantError(t, block.String(), err, billing.Conflict, "i_account")
			wantError(t, block.String(), held, billing.Conflict, "i_account")
			_, err = k.engine.Transfer(root(t0), billing.TransferParams{From: billing.Account(200), To: billing.Account(100), Unit: "USD", Amount: usd})
			k.ok(err) // it may be given something
		}
	}
}

// An owner that may owe gives what it may owe, and no more; one without a limit any amount.
func TestActionsOnCredit(t *testing.T) {
	k := newKit(t)
	k.actions()
	give := func(amount int64) error {
		_, err := k.engine.Transfer(root(t0), billing.TransferParams{From: billing.Account(101), To: billing.Account(200), Unit: "USD", Amount: amount})
		return err
	}
	limit := func(l billing.Change[int64]) {
		k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
			return im.Owner(billing.OwnerLine{Owner: billing.Account(101), CreditLimit: l})
		}))
	}
	limit(billing.To(int64(5 * usd)))
	wantError(t, "beyond the limit", give(25*usd+1), billing.Conflict, "amount")
	_, err := k.engine.Reserve(root(t0), billing.ReserveParams{Owner: billing.Account(101), Unit: "USD", Amount: 2 * usd})
	k.ok(err)
	wantError(t, "what is reserved", give(23*usd+1), billing.Conflict, "amount")
	k.ok(give(23 * usd))
	k.wantHeld(101, "USD", -3*usd, 2*usd)
	limit(billing.ToNull[int64]())
	k.ok(give(1000 * usd))
	k.verify()
}

// A reservation lowers what is available: it can lead to a charge, and its end lifts it.
func TestReservations(t *testing.T) {
	k := newKit(t)
	k.actions()
	v, err := k.engine.Reserve(root(t0), billing.ReserveParams{Owner: billing.Account(100), Unit: "USD", Amount: 16 * usd, EndsAt: t0.Add(time.Hour)})
	k.ok(err)
	if v.State != billing.ReservationHeld || v.Before != 20*usd {
		t.Fatalf("%+v", v)
	}
	k.wantHeld(100, "USD", 20*usd, 16*usd)
	k.wantStates(billing.ChargeCreated)
	k.drain(t0.Add(59 * time.Minute))
	k.wantHeld(100, "USD", 30*usd, 16*usd)
	k.drain(t0.Add(time.Hour))
	k.wantHeld(100, "USD", 30*usd, 0)
	k.drain(t0.Add(time.Hour))
	v, err = k.engine.Reservation(root(t0), v.ID)
	k.ok(err)
	if v.State != billing.ReservationExpired || !v.ClosedAt.Equal(t0.Add(time.Hour)) {
		t.Fatalf("%+v", v)
	}
	_, err = release(k.engine, root(t0), v.ID)
	wantError(t, "release", err, billing.Conflict, "status")
	k.ok(k.engine.DeleteReservation(root(t0), v.ID))
	_, err = k.engine.Reservation(root(t0), v.ID)
	wantError(t, "deleted", err, billing.NotFound, "id")

	w, err := k.engine.Reserve(root(t0), billing.ReserveParams{Owner: billing.Account(100), Unit: "USD", Amount: 30 * usd})
	k.ok(err)
	w, err = release(k.engine, root(t0), w.ID)
	k.ok(err)
	if w.State != billing.ReservationReleased {
		t.Fatalf("%+v", w)
	}
	w, err = k.engine.Reserve(root(t0), billing.ReserveParams{Owner: billing.Account(100), Unit: "USD", Amount: 30 * usd})
	k.ok(err)
	k.ok(k.engine.DeleteReservation(root(t0), w.ID))
	k.wantHeld(100, "USD", 30*usd, 0)
	k.verify()
}

// What a reservation held can pay what waits for it.
func TestReleasePays(t *testing.T) {
	k := newKit(t)
	k.actions()
	k.importOwner(func(l *billing.OwnerLine) {
		l.Plan, l.NextBillingAt = billing.To(int64(1)), billing.To(t0.Add(time.Hour))
	})
	v, err := k.engine.Reserve(root(t0), billing.ReserveParams{Owner: billing.Account(100), Unit: "USD", Amount: 10 * usd})
	k.ok(err)
	k.bill(t0.Add(24 * time.Hour))
	if k.owner().Blocked&billing.BlockBilling == 0 {
		t.Fatal("the price was paid with what is reserved")
	}
	_, err = release(k.engine, root(t0.Add(25*time.Hour)), v.ID)
	k.ok(err)
	k.wantHeld(100, "USD", 0, 0)
	if k.owner().Blocked != 0 {
		t.Fatal("the price was not paid with what came free")
	}
	k.verify()
}

// More reservations than one batch end in one pass, each once, also when two look at once.
func TestManyExpire(t *testing.T) {
	k := newKit(t)
	k.actions()
	const many = 230
	for range many {
		_, err := k.engine.Reserve(root(t0), billing.ReserveParams{Owner: billing.Account(101), Unit: "USD", Amount: 1000, EndsAt: t0.Add(time.Hour)})
		k.ok(err)
	}
	k.wantHeld(101, "USD", 20*usd, many*1000)
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- k.engine.Drain(root(t0.Add(time.Hour))) }()
	}
	k.ok(<-done)
	k.ok(<-done)
	k.wantHeld(101, "USD", 20*usd, 0)
	k.verify()
}

func TestBuckets(t *testing.T) {
	k := newKit(t)
	k.actions()
	o := billing.Account(100)
	units := func() (all []billing.Unit) {
		list, err := k.engine.BucketsOf(root(t0), o)
		k.ok(err)
		for _, b := range list {
			all = append(all, b.Unit)
		}
		return all
	}
	if got := units(); len(got) != 2 || got[0] != "USD" || got[1] != billing.UnitSMS {
		t.Fatalf("%v", got)
	}
	_, err := k.engine.Adjust(root(t0), billing.AdjustParams{Owner: o, Unit: billing.UnitSMS, Amount: 5 * usd})
	k.ok(err)
	v, err := k.engine.Reserve(root(t0), billing.ReserveParams{Owner: o, Unit: billing.UnitSMS, Amount: 5 * usd})
	k.ok(err)
	_, err = k.engine.Adjust(root(t0), billing.AdjustParams{Owner: o, Unit: billing.UnitSMS, Amount: -usd})
	wantError(t, "what is reserved", err, billing.Conflict, "amount")
	_, err = release(k.engine, root(t0), v.ID)
	k.ok(err)
	_, err = k.engine.Transfer(root(t0), billing.TransferParams{From: o, To: billing.Account(101), Unit: billing.UnitSMS, Amount: 5 * usd})
	k.ok(err)
	k.wantHeld(101, billing.UnitSMS, 5*usd, 0)
	k.ok(k.engine.CloseBucket(root(t0), o, billing.UnitSMS))
	if got := units(); len(got) != 1 {
		t.Fatalf("%v", got)
	}
	_, err = k.engine.Transfer(root(t0), billing.TransferParams{From: billing.Account(101), To: o, Unit: billing.UnitSMS, Amount: usd})
	wantError(t, "to a closed bucket", err, billing.NotFound, "receiver")
	b, err := k.engine.OpenBucket(root(t0.Add(time.Hour)), billing.OpenBucketParams{Owner: o, Unit: billing.UnitSMS, Extra: `{"name":"again"}`})
	k.ok(err)
	if b.Extra != `{"name":"again"}` || !b.ClosedAt.IsZero() {
		t.Fatalf("%+v", b)
	}
	list, last, err := k.engine.Buckets(as(10), 0, 2)
	k.ok(err)
	if len(list) != 4 || last != billing.Account(101) {
		t.Fatalf("%+v %v", list, last)
	}
	if list, last, err = k.engine.Buckets(as(10), last, 2); err != nil || len(list) != 2 || last != billing.Account(110) {
		t.Fatalf("%+v %v %v", list, last, err)
	}
	if list, _, err = k.engine.Buckets(context.Background(), 0, 0); err != nil || len(list) != 0 {
		t.Fatalf("nobody sees %+v %v", list, err)
	}
	k.verify()
}

// to replaces what is kept beside a record.
func to(extra string) billing.Merge { return func(string) (string, error) { return extra, nil } }

func release(e *billing.Engine, ctx context.Context, id billing.ActionID) (billing.Reservation, error) {
	return e.ChangeReservation(ctx, billing.ChangeReservationParams{ID: id, Release: true})
}
