package billing_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"topupd/billing"
	"topupd/billing/seal"
	"topupd/db"
	"topupd/db/dbtest"
)

func ring(t testing.TB, keys ...string) *seal.Ring {
	t.Helper()
	r, err := seal.ParseRing(strings.Join(keys, ","))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sealWith is a kit that a process with these keys would have.
func (k *kit) sealWith(s billing.Sealer) {
	k.config.Sealer = s
	k.engine = billing.New(k.config)
}

// seedSealed is the seed with more cards and two logins.
func (k *kit) seedSealed(cards int) {
	k.t.Helper()
	k.seed("tok_ok")
	k.ok(k.engine.Import(root(t0), false, func(im *billing.Importer) error {
		for i := range cards {
			l := billing.CardLine{ID: billing.CardID(2000 + i), Owner: billing.Account(100), Token: billing.To(token(i))}
			if err := im.Card(l); err != nil {
				return err
			}
		}
		// One card came without its token.
		return im.Card(billing.CardLine{ID: 1999, Owner: billing.Account(100)})
	}))
	k.ok(k.engine.AddLogin(root(t0), "acme", billing.Customer(10), "secret"))
	k.ok(k.engine.AddLogin(root(t0), "ops", billing.Root, "secret"))
	k.ok(k.engine.DisableLogin(root(t0), "ops"))
	k.importLogin(billing.Customer(10), "later", "") // it has no password
}

func token(i int) billing.Secret { return billing.Secret(fmt.Sprintf("tok_%d", i)) }

// rows are all cards and logins as they are stored.
func (k *kit) rows() (cards []billing.Card, logins []billing.Login) {
	k.t.Helper()
	k.ok(k.store.View(context.Background(), func(r billing.Reader) (err error) {
		if cards, err = r.Cards(0, 1<<20); err != nil {
			return err
		}
		logins, err = r.Logins()
		return err
	}))
	return cards, logins
}

// wantSealed holds that a process with these keys opens everything, that the
// first of them sealed it, and that the cards hold what seedSealed gave them.
func (k *kit) wantSealed(keys billing.KeyRing, cards int) {
	k.t.Helper()
	k.sealWith(keys)
	all, logins := k.rows()
	if len(all) != cards+2 || len(logins) != 3 {
		k.t.Fatalf("%d cards, %d logins", len(all), len(logins))
	}
	for i := range all {
		c := &all[i]
		want := token(int(c.ID) - 2000)
		switch c.ID {
		case 1000:
			want = "tok_ok"
		case 1999:
			want = ""
		}
		if got, err := k.engine.Token(c); err != nil || got != want || len(c.Token) > 0 && keys.NeedsReseal(c.Token) {
			k.t.Fatalf("card %d: %v", c.ID, err)
		}
	}
	for i := range logins {
		l := &logins[i]
		if _, err := k.engine.LoginHash(l); err != nil || len(l.HA1) > 0 && keys.NeedsReseal(l.HA1) {
			k.t.Fatalf("login %s: %v", l.Name, err)
		}
	}
	if c, err := k.engine.Credential(root(t0), "acme"); err != nil || c.HA1.Reveal() != "19c1f4c24f44798993f47f1ea456d765" {
		k.t.Fatalf("the login's hash is another one: %v", err)
	}
}

func (k *kit) rekey(keys billing.KeyRing) (billing.Rekeyed, error) {
	k.sealWith(keys)
	return k.engine.Rekey(root(t0), keys, nil)
}

func TestRekeyWithARing(t *testing.T) {
	older, old, fresh := seal.Generate(), seal.Generate(), seal.Generate()
	k := newKit(t)
	k.sealWith(ring(t, older))
	const cards = 1100 // more than a page
	k.seedSealed(cards)
	k.sealWith(ring(t, old, older)) // the last rekey was forgotten
	k.importCard(func(l *billing.CardLine) { l.ID, l.Token = 2005, billing.To(token(0)) })
	k.importCard(func(l *billing.CardLine) { l.ID, l.Token = 2005, billing.To(token(5)) })
	before, loginsBefore := k.rows()

	keys := ring(t, fresh, old, older)
	k.sealWith(keys)
	var told int64
	done, err := k.engine.Rekey(root(t0), keys, func(n int64) { told = n })
	k.ok(err)
	if want := (billing.Rekeyed{Cards: cards + 1, Logins: 2, KeyID: keys.KeyID()}); done != want {
		t.Fatalf("%+v, want %+v", done, want)
	}
	if told < cards {
		t.Errorf("progress ended at %d", told)
	}
	k.wantSealed(ring(t, fresh), cards)
	// Nothing but the sealed values changed.
	after, loginsAfter := k.rows()
	for i := range after {
		after[i].Token = before[i].Token
		if fmt.Sprint(after[i]) != fmt.Sprint(before[i]) {
			t.Fatalf("card %d was changed: %+v", after[i].ID, after[i])
		}
	}
	for i := range loginsAfter {
		loginsAfter[i].HA1 = loginsBefore[i].HA1
		if fmt.Sprint(loginsAfter[i]) != fmt.Sprint(loginsBefore[i]) {
			t.Fatalf("login %s was changed", loginsAfter[i].Name)
		}
	}
	if done, err = k.rekey(keys); err != nil || done.Cards+done.Logins != 0 {
		t.Fatalf("again: %+v, %v", done, err)
	}
	if done, err = k.rekey(ring(t, fresh)); err != nil || done.Cards+done.Logins != 0 {
		t.Fatalf("with one key: %+v, %v", done, err)
	}
}

// Nothing is changed when something does not open, and the error says what.
func TestRekeyWithTheWrongKey(t *testing.T) {
	right, wrong := seal.Generate(), seal.Generate()
	k := newKit(t)
	k.sealWith(ring(t, right))
	k.seedSealed(3)
	cards, logins := k.rows()
	unchanged := func() {
		t.Helper()
		if c, l := k.rows(); fmt.Sprint(c, l) != fmt.Sprint(cards, logins) {
			t.Fatal("something was changed")
		}
	}
	_, err := k.rekey(ring(t, wrong))
	if !errors.Is(err, billing.Conflict) || !strings.Contains(err.Error(), "the key does not open what is in the database") {
		t.Fatalf("another key: %v", err)
	}
	unchanged()

	file, err := seal.OpenFile(k.keys, k.nothingSealed)
	k.ok(err)
	if _, err := k.rekey(file); !errors.Is(err, billing.Conflict) {
		t.Fatalf("a lost key file: %v", err)
	}
	k.ok(os.WriteFile(k.keys, []byte(wrong), 0o600))
	if _, err := k.rekey(file); !errors.Is(err, billing.Conflict) {
		t.Fatalf("another key file: %v", err)
	}
	if text, err := os.ReadFile(k.keys); err != nil || string(text) != wrong {
		t.Fatalf("the key file was changed: %v", err)
	}
	unchanged()

	// One value of many.
	k.ok(k.store.Update(t.Context(), func(tx billing.Tx) error {
		_, err := tx.ResealCard(2001, cards[3].Token, []byte("damaged"))
		return err
	}))
	cards, _ = k.rows()
	_, err = k.rekey(ring(t, wrong, right))
	if !errors.Is(err, billing.Conflict) || !strings.Contains(err.Error(), "1 of 6 tokens and logins do not open, the first is card 2001; nothing was changed") {
		t.Fatalf("one damaged value: %v", err)
	}
	unchanged()
	if _, err := k.engine.Rekey(as(10), ring(t, right), nil); !errors.Is(err, billing.Forbidden) {
		t.Fatalf("by a customer: %v", err)
	}
}

func (k *kit) nothingSealed() error { return k.engine.NothingSealed(root(t0)) }

func (k *kit) keyFile() *seal.File {
	k.t.Helper()
	f, err := seal.OpenFile(k.keys, k.nothingSealed)
	k.ok(err)
	return f
}

// dying ends the process before one step: a change of the database or of the
// key file.
type dying struct {
	billing.Store
	*seal.File
	steps, at int
}

var errDied = errors.New("the process died")

func (d *dying) step() {
	if d.steps++; d.steps == d.at {
		panic(errDied)
	}
}

func (d *dying) Update(ctx context.Context, fn func(billing.Tx) error) error {
	return d.through(ctx, alone(ctx, d.Store), fn)
}

func (d *dying) UpdateOwners(ctx context.Context, owners []billing.OwnerID, fn func(billing.Tx) error) error {
	return d.through(ctx, ofOwners(ctx, d.Store, owners), fn)
}

func (d *dying) through(ctx context.Context, run updater, fn func(billing.Tx) error) error {
	d.step()
	err := run(fn)
	d.step()
	return err
}

func (d *dying) Renew() error {
	d.step()
	err := d.File.Renew()
	d.step()
	return err
}

func (d *dying) DropOlder() error {
	d.step()
	err := d.File.DropOlder()
	d.step()
	return err
}

// dies runs a rekey and reports whether it died at that step.
func (k *kit) dies(at int) (died bool) {
	d := &dying{Store: k.store, File: k.keyFile(), at: at}
	c := k.config
	c.Store, c.Sealer = d, d.File
	defer func() {
		if v := recover(); v != nil {
			if v != errDied {
				panic(v)
			}
			died = true
			d.Release() // as the kernel does
		}
	}()
	_, err := billing.New(c).Rekey(root(t0), d, nil)
	k.ok(err)
	return false
}

// A process that dies between any two steps leaves a database and a file where
// everything opens, and the next rekey finishes.
func TestRekeyDies(t *testing.T) {
	t.Parallel() // it waits for the disk
	k := newKit(t)
	k.sealWith(k.keyFile())
	cards, pages := 1005, 2
	if testing.Short() {
		cards, pages = 5, 1
	}
	k.seedSealed(cards)
	at := 1
	for ; ; at++ {
		died := k.dies(at)
		k.restart()
		k.sealWith(k.keyFile())
		k.ok(k.engine.CheckKey(root(t0)))
		all, logins := k.rows()
		for i := range all {
			if _, err := k.engine.Token(&all[i]); err != nil {
				t.Fatalf("died at step %d: card %d: %v", at, all[i].ID, err)
			}
		}
		for i := range logins {
			if _, err := k.engine.LoginHash(&logins[i]); err != nil {
				t.Fatalf("died at step %d: login %s: %v", at, logins[i].Name, err)
			}
		}
		_, err := k.rekey(k.keyFile())
		k.ok(err)
		text, err := os.ReadFile(k.keys)
		k.ok(err)
		// The file's own key alone opens everything, and sealed it.
		k.wantSealed(ring(t, strings.TrimSpace(string(text))), cards)
		if !died {
			break
		}
	}
	// Renew, the turn, logins, pages of cards, DropOlder: before and after each.
	if at != 1+2*(4+pages) {
		t.Errorf("there were %d steps to die at", at-1)
	}
}

// A transaction that sealed before the new key was there, and commits after,
// must not be missed.
func TestRekeyWaitsForWhoSealedBefore(t *testing.T) {
	k := newKit(t)
	k.sealWith(k.keyFile())
	k.seed("tok_ok")
	// Nothing else is sealed: the rekey has no other reason to wait.
	k.ok(k.store.Update(t.Context(), func(tx billing.Tx) error {
		c, err := tx.Card(1000)
		if err != nil {
			return err
		}
		c.Token = nil
		return tx.PutCard(&c)
	}))
	server := k.keyFile()
	old, err := os.ReadFile(k.keys)
	k.ok(err)
	rekeyed := make(chan error, 1)
	once := false
	k.ok(k.store.Update(t.Context(), func(tx billing.Tx) error {
		c, err := tx.Card(1000)
		if err != nil {
			return err
		}
		if c.Token, err = server.Seal("tok_slow", "card:1000"); err != nil || once {
			return err
		}
		once = true
		other := k.beside()
		go func() { rekeyed <- other.rekeyAndClose() }()
		// The file has its new key; the rekey stands in line behind us.
		for {
			if now, err := os.ReadFile(k.keys); err == nil && len(now) > len(old) {
				break
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond)
		return tx.PutCard(&c)
	}))
	k.ok(<-rekeyed)
	k.sealWith(k.keyFile())
	all, _ := k.rows()
	if got, err := k.engine.Token(&all[0]); err != nil || got != "tok_slow" {
		t.Fatalf("the token of the slow transaction: %v", err)
	}
}

// besideProcess is another process on the same database.
type besideProcess struct {
	k     *kit
	store *db.Store
	keys  *seal.File
	*billing.Engine
}

func (k *kit) beside() *besideProcess {
	k.t.Helper()
	p := &besideProcess{k: k, keys: k.keyFile()}
	var err error
	p.store, err = db.Open(context.Background(), k.address, dbtest.Options())
	k.ok(err)
	c := k.config
	c.Store, c.Sealer = p.store, p.keys
	p.Engine = billing.New(c)
	return p
}

func (p *besideProcess) rekeyAndClose() error {
	_, err := p.Rekey(root(t0), p.keys, nil)
	return errors.Join(err, p.store.Close())
}

// patiently tries again what was busy, on a slow machine.
func patiently(fn func() error) error {
	for {
		if err := fn(); !errors.Is(err, billing.Busy) {
			return err
		}
	}
}

// Servers go on writing and reading while the key changes, again and again.
func TestRekeyBesideServers(t *testing.T) {
	t.Parallel() // it waits for the disk
	k := newKit(t)
	k.sealWith(k.keyFile())
	const cards = 8
	k.seedSealed(cards)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	last := make([]billing.Secret, cards)
	for n := range 2 {
		server := k.beside()
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					if err := server.store.Close(); err != nil {
						t.Error(err)
					}
					return
				default:
				}
				// Each server has cards of its own.
				at := i%(cards/2)*2 + n
				last[at] = billing.Secret(fmt.Sprintf("tok_%d_%d", at, i))
				err := patiently(func() error {
					return server.Import(root(t0), false, func(im *billing.Importer) error {
						return im.Card(billing.CardLine{ID: billing.CardID(2000 + at), Owner: billing.Account(100), Token: billing.To(last[at])})
					})
				})
				if err != nil {
					t.Errorf("server %d: %v", n, err)
				}
				err = patiently(func() error {
					_, err := server.SetPassword(root(t0), "acme", "secret")
					return err
				})
				if err != nil {
					t.Errorf("server %d: %v", n, err)
				}
				if _, err := server.Credential(root(t0), "acme"); err != nil {
					t.Errorf("server %d: %v", n, err)
				}
			}
		})
	}
	rekeys := 6
	if testing.Short() {
		rekeys = 2
	}
	ids := map[string]bool{}
	for range rekeys {
		p := k.beside()
		var done billing.Rekeyed
		err := patiently(func() (err error) {
			done, err = p.Rekey(root(t0), p.keys, nil)
			return err
		})
		if err = errors.Join(err, p.store.Close()); err != nil {
			t.Error(err)
		}
		ids[done.KeyID] = true
	}
	close(stop)
	wg.Wait()
	if len(ids) != rekeys {
		t.Errorf("%d keys of %d rekeys", len(ids), rekeys)
	}
	_, err := k.rekey(k.keyFile())
	k.ok(err)
	text, err := os.ReadFile(k.keys)
	k.ok(err)
	k.sealWith(ring(t, strings.TrimSpace(string(text))))
	all, _ := k.rows()
	for i := range all {
		got, err := k.engine.Token(&all[i])
		if err != nil {
			t.Errorf("card %d: %v", all[i].ID, err)
		}
		if at := int(all[i].ID) - 2000; at >= 0 && last[at] != "" && got != last[at] {
			t.Errorf("card %d holds %s, the last one written is %s", all[i].ID, got.Reveal(), last[at].Reveal())
		}
	}
	if _, err := k.engine.Credential(root(t0), "acme"); err != nil {
		t.Error(err)
	}
}

// stubborn seals one card with an older key after each of the rekey's changes.
type stubborn struct {
	billing.Store
	old *seal.Ring
}

func (s stubborn) Update(ctx context.Context, fn func(billing.Tx) error) error {
	return s.through(ctx, alone(ctx, s.Store), fn)
}

func (s stubborn) UpdateOwners(ctx context.Context, owners []billing.OwnerID, fn func(billing.Tx) error) error {
	return s.through(ctx, ofOwners(ctx, s.Store, owners), fn)
}

func (s stubborn) through(ctx context.Context, run updater, fn func(billing.Tx) error) error {
	return errors.Join(run(fn), s.Store.Update(ctx, func(tx billing.Tx) error {
		c, err := tx.Card(1000)
		if err != nil {
			return err
		}
		if c.Token, err = s.old.Seal("tok_ok", "card:1000"); err != nil {
			return err
		}
		return tx.PutCard(&c)
	}))
}

func TestRekeyGivesUpOnWhoKeepsTheOlderKey(t *testing.T) {
	old, fresh := seal.Generate(), seal.Generate()
	k := newKit(t)
	k.sealWith(ring(t, old))
	k.seed("tok_ok")
	keys := ring(t, fresh, old)
	c := k.config
	c.Store, c.Sealer = stubborn{k.store, ring(t, old, fresh)}, keys
	_, err := billing.New(c).Rekey(root(t0), keys, nil)
	if !errors.Is(err, billing.Conflict) || !strings.Contains(err.Error(), "goes on sealing with an older key") {
		t.Fatal(err)
	}
}
