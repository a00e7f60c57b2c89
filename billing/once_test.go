package billing_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"topupd/billing"
)

// credit is a handler of an interface: one operation, then a question, then an answer.
func (k *kit) credit(micros int64, status int) func(context.Context) (billing.Answer, error) {
	return func(ctx context.Context) (billing.Answer, error) {
		move := billing.MoveFundsParams{Owner: billing.Account(100), Kind: billing.PostCredit, Amount: micros, Currency: "USD"}
		if _, err := k.engine.MoveFunds(ctx, move); err != nil {
			return billing.Answer{Status: 500}, nil
		}
		// A question sees what the request has changed so far.
		info, err := k.engine.GetOwner(ctx, billing.OwnerQuery{Owner: billing.Account(100)})
		return billing.Answer{
			Status: status, ContentType: "text/plain", Body: []byte(billing.FormatMicros(info.Balance)),
			Headers: []billing.AnswerHeader{{Name: "Location", Value: "/postings/7"}},
		}, err
	}
}

func request(key, input string) billing.OnceParams {
	p := billing.OnceParams{Key: key}
	copy(p.Input[:], input)
	return p
}

// counting tells how often the observer heard of a posting.
type counting struct {
	billing.Observer
	posted atomic.Int64
}

func (c *counting) Posted(billing.PostingKind) { c.posted.Add(1) }

func countedKit(t *testing.T, change ...func(*billing.Config)) (*kit, *counting) {
	heard := &counting{}
	k := newKit(t, append(change, func(c *billing.Config) { heard.Observer, c.Observer = c.Observer, heard })...)
	k.seed("tok_ok")
	heard.posted.Store(0)
	return k, heard
}

// Many at once under one key: one effect, one answer, told once.
func TestOnceHasOneEffect(t *testing.T) {
	k, heard := countedKit(t)
	var first, again atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			a, err := k.engine.Once(root(t0), request("key-1", "same"), k.credit(10*usd, 201))
			if err != nil || a.Status != 201 || string(a.Body) != "30" || len(a.Headers) != 1 || a.Headers[0].Value != "/postings/7" {
				t.Errorf("%+v %v", a, err)
			}
			if a.Replayed {
				again.Add(1)
			} else {
				first.Add(1)
			}
		})
	}
	all.Wait()
	if first.Load() != 1 || again.Load() != 49 || heard.posted.Load() != 1 {
		t.Errorf("%d carried out, %d given again, %d told", first.Load(), again.Load(), heard.posted.Load())
	}
	k.wantBalance(30 * usd)
	k.verify()

	// Another key is another request; another request under the key is refused.
	a, err := k.engine.Once(root(t0), request("key-2", "same"), k.credit(10*usd, 200))
	if err != nil || a.Replayed || string(a.Body) != "40" {
		t.Errorf("%+v %v", a, err)
	}
	_, err = k.engine.Once(root(t0), request("key-1", "other"), k.credit(10*usd, 200))
	if billing.ErrorCode(err) != billing.KeyReused {
		t.Error(err)
	}
	// Keys are their customer's.
	acme := billing.WithActor(root(t0), billing.Actor{Login: "acme", Customer: billing.Customer(10), API: "test"})
	if a, err = k.engine.Once(acme, request("key-1", "other"), k.credit(10*usd, 200)); err != nil || a.Replayed {
		t.Errorf("%+v %v", a, err)
	}
	k.wantBalance(50 * usd)
	if _, err := k.engine.Once(t.Context(), request("key-1", "same"), k.credit(usd, 200)); billing.ErrorCode(err) != billing.NotFound {
		t.Errorf("nobody: %v", err)
	}
	k.wantBalance(50 * usd)
	k.verify()
}

// A refusal is given to its caller, changes nothing and leaves the key free.
func TestOnceKeepsNoRefusal(t *testing.T) {
	k, heard := countedKit(t)
	mine := errors.New("mine")
	for _, status := range []int{400, 409, 500, 503} {
		a, err := k.engine.Once(root(t0), request("key", "same"), k.credit(10*usd, status))
		if err != nil || a.Status != status || string(a.Body) != "30" {
			t.Errorf("%d: %+v %v", status, a, err)
		}
		k.wantBalance(20 * usd)
	}
	_, err := k.engine.Once(root(t0), request("key", "same"), func(ctx context.Context) (billing.Answer, error) {
		_, _ = k.credit(10*usd, 200)(ctx)
		return billing.Answer{}, mine
	})
	if !errors.Is(err, mine) {
		t.Error(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		_, _ = k.engine.Once(root(t0), request("key", "same"), func(ctx context.Context) (billing.Answer, error) {
			_, _ = k.credit(10*usd, 200)(ctx)
			panic("mine")
		})
	}()
	k.wantBalance(20 * usd)
	if n := heard.posted.Load(); n != 0 {
		t.Errorf("the observer heard of %d postings that never were", n)
	}
	if a, err := k.engine.Once(root(t0), request("key", "another"), k.credit(10*usd, 200)); err != nil || a.Replayed {
		t.Errorf("%+v %v", a, err)
	}
	k.wantBalance(30 * usd)
	k.verify()
}

// An operation that failed inside a request undoes itself and nothing else: an
// interface may tell it with status 200.
func TestOnceAfterAFailedOperation(t *testing.T) {
	k, heard := countedKit(t)
	a, err := k.engine.Once(root(t0), request("key", "same"), func(ctx context.Context) (billing.Answer, error) {
		if _, err := k.engine.CreateVouchers(ctx, billing.CreateVouchersParams{Amount: usd, Currency: "USD", Count: 1}); err != nil {
			return billing.Answer{}, err
		}
		err := k.engine.Import(ctx, false, func(im *billing.Importer) error {
			l := accountLine(200)
			if err := im.Owner(l); err != nil {
				return err
			}
			return errors.New("half way")
		})
		if err == nil {
			t.Error("no error")
		}
		return billing.Answer{Status: 200, Body: []byte("NAK")}, nil
	})
	if err != nil || a.Status != 200 {
		t.Fatalf("%+v %v", a, err)
	}
	list, err := k.engine.Vouchers(root(t0), 0, 10)
	if err != nil || len(list) != 1 {
		t.Errorf("%d vouchers, %v", len(list), err)
	}
	if _, err := k.engine.GetLowBalance(root(t0), billing.Account(200)); billing.ErrorCode(err) != billing.NotFound {
		t.Errorf("half an import stayed: %v", err)
	}
	if n := heard.posted.Load(); n != 0 {
		t.Errorf("told of %d postings", n)
	}
	if a, err := k.engine.Once(root(t0), request("key", "same"), nil); err != nil || !a.Replayed || string(a.Body) != "NAK" {
		t.Errorf("%+v %v", a, err)
	}
}

// lostCommits is a store whose commits are lost.
type lostCommits struct {
	billing.Store
	lost atomic.Bool
}

func (l *lostCommits) Update(ctx context.Context, fn func(billing.Tx) error) error {
	return l.through(ctx, alone(ctx, l.Store), fn)
}

func (l *lostCommits) UpdateOwners(ctx context.Context, owners []billing.OwnerID, fn func(billing.Tx) error) error {
	return l.through(ctx, ofOwners(ctx, l.Store, owners), fn)
}

func (l *lostCommits) through(ctx context.Context, run updater, fn func(billing.Tx) error) error {
	return run(func(tx billing.Tx) error {
		if err := fn(tx); err != nil || !l.lost.Load() {
			return err
		}
		return billing.Errorf(billing.Internal, "", "the commit was lost")
	})
}

// What is lost with the commit is lost whole: neither key nor effect, and nobody was
// told. The same request again is carried out.
func TestOnceWithoutItsCommit(t *testing.T) {
	k, heard := countedKit(t)
	store := &lostCommits{Store: k.store}
	k.config.Store = store
	k.engine = billing.New(k.config)
	store.lost.Store(true)
	if _, err := k.engine.Once(root(t0), request("key", "same"), k.credit(10*usd, 200)); err == nil {
		t.Error("no error")
	}
	store.lost.Store(false)
	k.wantBalance(20 * usd)
	k.ok(k.engine.Snapshot(root(t0), func(r billing.Reader) error {
		if _, err := r.KeptAnswer(billing.Root, "key"); billing.ErrorCode(err) != billing.NotFound {
			t.Errorf("the key stayed: %v", err)
		}
		return nil
	}))
	if n := heard.posted.Load(); n != 0 {
		t.Errorf("told of %d postings", n)
	}
	if a, err := k.engine.Once(root(t0), request("key", "same"), k.credit(10*usd, 200)); err != nil || a.Replayed {
		t.Errorf("%+v %v", a, err)
	}
	k.wantBalance(30 * usd)
	if n := heard.posted.Load(); n != 1 {
		t.Errorf("told of %d postings", n)
	}
	k.verify()
}

// A charge that a request made is sent after the commit, and a payment by hand does
// not wait for it inside the transaction.
func TestOncePaymentByHand(t *testing.T) {
	k, _ := countedKit(t)
	began := time.Now()
	a, err := k.engine.Once(root(t0), request("key", "same"), func(ctx context.Context) (billing.Answer, error) {
		made, err := k.engine.MakePayment(ctx, billing.MakePaymentParams{Owner: billing.Account(100), Amount: 10 * usd, Currency: "USD", Payer: "192.0.2.7"})
		return billing.Answer{Status: 200, Body: fmt.Append(nil, made.Result)}, err
	})
	if err != nil || time.Since(began) > 5*time.Second {
		t.Fatalf("%+v %v after %s", a, err, time.Since(began))
	}
	k.drain(t0)
	k.wantStates(billing.ChargeSucceeded)
	k.wantBalance(30 * usd)
	// A number would have to leave for the gateway inside the transaction.
	_, err = k.engine.Once(root(t0), request("number", "same"), func(ctx context.Context) (billing.Answer, error) {
		err := k.engine.UpdateCard(ctx, billing.UpdateCardParams{Owner: billing.Account(100), Card: 1000, CardTerms: billing.CardTerms{
			Number: billing.To(billing.Secret("4242424242424242")), ExpMonth: billing.To(int64(12)), ExpYear: billing.To(int64(2030)),
		}})
		return billing.Answer{Status: 200}, err
	})
	if billing.ErrorField(err) != "number" {
		t.Error(err)
	}
}

func TestOnceKeys(t *testing.T) {
	k, _ := countedKit(t)
	for key, want := range map[string]billing.Code{
		"": billing.Missing, strings.Repeat("k", 256): billing.Invalid, "a b": billing.Invalid, "ä": billing.Invalid, "a\x7f": billing.Invalid, "\t": billing.Invalid,
	} {
		if _, err := k.engine.Once(root(t0), request(key, "same"), k.credit(usd, 200)); billing.ErrorCode(err) != want {
			t.Errorf("%q: %v", key, err)
		}
	}
	k.wantBalance(20 * usd)
	for _, key := range []string{"!", "~", strings.Repeat("k", 255), `"8e03978e-40d5-43dd-bc93-6894a57f9324"`} {
		if _, err := k.engine.Once(root(t0), request(key, "same"), k.credit(usd, 200)); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// An answer is kept for seven days; then the key is free, and the worker deletes it.
func TestOnceForgets(t *testing.T) {
	k, _ := countedKit(t)
	do := func(key string) bool {
		a, err := k.engine.Once(root(t0), request(key, "same"), k.credit(usd, 200))
		k.ok(err)
		return a.Replayed
	}
	age := func(key string, by time.Duration) {
		k.ok(k.store.Update(t.Context(), func(tx billing.Tx) error {
			kept, err := tx.KeptAnswer(billing.Root, key)
			if err != nil {
				return err
			}
			kept.CreatedAt = kept.CreatedAt.Add(-by)
			if err := tx.DropAnswer(billing.Root, key); err != nil {
				return err
			}
			return tx.KeepAnswer(&kept)
		}))
	}
	const week = 7 * 24 * time.Hour
	do("a")
	age("a", week-time.Minute)
	if !do("a") {
		t.Error("forgotten too early")
	}
	age("a", 2*time.Minute)
	if do("a") {
		t.Error("given again after a week")
	}
	for i := range 1200 {
		k.ok(k.store.Update(t.Context(), func(tx billing.Tx) error {
			return tx.KeepAnswer(&billing.KeptAnswer{
				Top: billing.Root, Customer: billing.Root, Key: fmt.Sprint("old ", i)[:4] + fmt.Sprint(i), Input: make([]byte, 32),
				Answer: billing.Answer{Status: 200}, CreatedAt: time.Now().Add(-week - time.Hour),
			})
		}))
	}
	defer billing.TidyAtOnce()()
	ctx, stop := context.WithCancel(root(time.Time{}))
	var work sync.WaitGroup
	work.Go(func() { k.engine.Work(ctx) })
	defer work.Wait()
	defer stop()
	for limit := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var oldest time.Time
		k.ok(k.store.View(t.Context(), func(r billing.Reader) (err error) {
			oldest, err = r.OldestAnswer()
			return err
		}))
		if time.Since(oldest) < time.Hour {
			break
		}
		if time.Now().After(limit) {
			t.Fatal("old answers stay")
		}
	}
	if !do("a") {
		t.Error("a new answer was deleted with the old ones")
	}
}
