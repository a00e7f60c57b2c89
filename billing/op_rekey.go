package billing

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// KeyRing is a Sealer with older keys beside the one that seals.
type KeyRing interface {
	Sealer
	// KeyID names the key that seals; it tells nothing of the key. Empty before
	// there is one.
	KeyID() string
	// NeedsReseal reports whether a value was sealed with another key.
	NeedsReseal(sealed []byte) bool
}

// KeyFile is a KeyRing that keeps its keys itself and can change them.
type KeyFile interface {
	KeyRing
	// Renew makes a new key the one that seals, in every process, and keeps the
	// others. After one that DropOlder did not end, its key stays the new one.
	// What it leaves is durable when it returns. Conflict while another process
	// is at it.
	Renew() error
	// DropOlder ends a Renew: only the key that seals is kept.
	DropOlder() error
	// Release ends a Renew without that.
	Release()
}

// Rekeyed counts what was sealed anew.
type Rekeyed struct {
	Cards    int64
	Logins   int64
	Attempts int64 // charges under way
	Hubs     int64 // subscriptions to events
	// KeyID is the key that seals now.
	KeyID string
	// Dropped: the older keys are gone from the key file.
	Dropped bool
}

// rekeyPasses is how often values that others sealed with an older key
// meanwhile are looked for. A key file needs one pass, and one that finds
// nothing.
const rekeyPasses = 5

// Rekey seals every card token, login and secret of a subscription with the first key of keys, which are
// the engine's own, and with a KeyFile makes that key first. It may be stopped
// at any moment and run again, and runs beside servers and commands that have
// the same keys. Errors: Conflict when something does not open (then nothing
// was changed), or when others go on sealing with an older key; Forbidden.
func (e *Engine) Rekey(ctx context.Context, keys KeyRing, progress func(int64)) (Rekeyed, error) {
	k := &rekeying{e: e, keys: keys, progress: progress}
	if !ActorFrom(ctx).IsRoot() {
		return k.done, Errorf(Forbidden, "", "rekey needs a root login")
	}
	if err := k.check(ctx); err != nil {
		return k.done, err
	}
	file, isFile := keys.(KeyFile)
	if isFile {
		if err := file.Renew(); err != nil {
			return k.done, err
		}
		defer file.Release()
		// A key file belongs to a SQLite file, whose writers take turns, those of
		// other processes too: one that sealed with the older key, and has not
		// committed yet, is over when this turn comes.
		if err := e.store.Update(ctx, func(Tx) error { return nil }); err != nil {
			return k.done, err
		}
	}
	k.done.KeyID = keys.KeyID()
	for range rekeyPasses {
		n, err := k.pass(ctx)
		if err != nil {
			return k.done, err
		}
		if n > 0 {
			continue
		}
		if isFile {
			if err := file.DropOlder(); err != nil {
				return k.done, err
			}
			k.done.Dropped = true
		}
		return k.done, nil
	}
	return k.done, Errorf(Conflict, "TOPUPD_KEY", "something goes on sealing with an older key: start every server and command with the same TOPUPD_KEY, then run rekey again")
}

// rekeying is one Rekey.
type rekeying struct {
	e        *Engine
	keys     KeyRing
	progress func(int64)
	seen     int64
	done     Rekeyed
}

// sealed is one sealed value of the database.
type sealed struct {
	value []byte
	aad   string
	name  string // for people
	// put replaces the value, if nobody did meanwhile.
	put func(tx Tx, was, now []byte) (bool, error)
	n   *int64 // counts it
}

// each hands over every sealed value, a page at a time.
func (k *rekeying) each(ctx context.Context, fn func([]sealed) error) error {
	logins, err := k.logins(ctx)
	if err != nil {
		return err
	}
	attempts, err := k.attempts(ctx)
	if err != nil {
		return err
	}
	hubs, err := k.hubs(ctx)
	if err != nil {
		return err
	}
	if err := k.page(slices.Concat(logins, attempts, hubs), fn); err != nil {
		return err
	}
	var after CardID
	for {
		var cards []Card
		err := k.e.view(ctx, func(r Reader) (err error) {
			cards, err = r.Cards(after, page)
			return err
		})
		if err != nil || len(cards) == 0 {
			return err
		}
		after = cards[len(cards)-1].ID
		if err := k.page(k.cards(cards), fn); err != nil {
			return err
		}
	}
}

func (k *rekeying) page(list []sealed, fn func([]sealed) error) error {
	if err := fn(list); err != nil {
		return err
	}
	k.seen += int64(len(list))
	if k.progress != nil {
		k.progress(k.seen)
	}
	return nil
}

func (k *rekeying) logins(ctx context.Context) (list []sealed, err error) {
	err = k.e.view(ctx, func(r Reader) error {
		logins, err := r.Logins()
		list = nil
		for _, l := range logins {
			if len(l.HA1) == 0 {
				continue
			}
			list = append(list, sealed{value: l.HA1, aad: loginAAD(l.Name), name: "login " + l.Name, n: &k.done.Logins,
				put: func(tx Tx, was, now []byte) (bool, error) { return tx.ResealLogin(l.Name, was, now) }})
		}
		return err
	})
	return list, err
}

// attempts are those that are under way: each has the token it was made with.
func (k *rekeying) attempts(ctx context.Context) (list []sealed, err error) {
	err = k.e.view(ctx, func(r Reader) error {
		open, err := r.SealedAttempts()
		list = nil
		for _, a := range open {
			list = append(list, sealed{value: a.Token, aad: cardAAD(a.Card), name: fmt.Sprintf("charge %d", a.Charge), n: &k.done.Attempts,
				put: func(tx Tx, was, now []byte) (bool, error) { return tx.ResealAttempt(a.Charge, a.N, was, now) }})
		}
		return err
	})
	return list, err
}

func (k *rekeying) hubs(ctx context.Context) (list []sealed, err error) {
	err = k.e.view(ctx, func(r Reader) error {
		hubs, err := r.Hubs()
		list = nil
		for _, h := range hubs {
			if len(h.Secret) == 0 {
				continue
			}
			list = append(list, sealed{value: h.Secret, aad: hubAAD(h.ID), name: fmt.Sprintf("subscription %d", h.ID), n: &k.done.Hubs,
				put: func(tx Tx, was, now []byte) (bool, error) { return tx.ResealHub(h.ID, was, now) }})
		}
		return err
	})
	return list, err
}

func (k *rekeying) cards(cards []Card) (list []sealed) {
	for _, c := range cards {
		if len(c.Token) == 0 {
			continue
		}
		list = append(list, sealed{value: c.Token, aad: cardAAD(c.ID), name: fmt.Sprintf("card %d", c.ID), n: &k.done.Cards,
			put: func(tx Tx, was, now []byte) (bool, error) { return tx.ResealCard(c.ID, was, now) }})
	}
	return list
}

// check opens everything before anything is changed. What does not open now is
// lost if the key that it was sealed with is dropped.
func (k *rekeying) check(ctx context.Context) error {
	var all, shut int64
	var first string
	var cause error
	err := k.each(ctx, func(list []sealed) error {
		for _, s := range list {
			all++
			if _, err := k.keys.Open(s.value, s.aad); err != nil {
				if shut++; shut == 1 {
					first, cause = s.name, err
				}
			}
		}
		return nil
	})
	switch {
	case err != nil || shut == 0:
		return err
	case shut == all:
		return wrongKey(cause)
	}
	return &Error{Code: Conflict, Field: "TOPUPD_KEY", Err: cause, Message: fmt.Sprintf(
		"%d of %d tokens and logins do not open, the first is %s; nothing was changed: add the key that they were sealed with, or import those tokens and set those passwords again",
		shut, all, first)}
}

// pass seals anew what needs it, a page in one transaction, and says how many
// values needed it.
func (k *rekeying) pass(ctx context.Context) (needed int64, err error) {
	err = k.each(ctx, func(list []sealed) error {
		var old []sealed
		for _, s := range list {
			if k.keys.NeedsReseal(s.value) {
				old = append(old, s)
			}
		}
		needed += int64(len(old))
		if len(old) == 0 {
			return nil
		}
		return k.reseal(ctx, old)
	})
	return needed, err
}

func (k *rekeying) reseal(ctx context.Context, list []sealed) error {
	changed := make([]bool, len(list))
	err := k.e.update(ctx, func(u *unitOfWork) error {
		tx, values := u.tx, int64(0)
		for i, s := range list {
			plain, err := k.keys.Open(s.value, s.aad)
			if err != nil {
				return notOpened(s.name, err)
			}
			now, err := k.keys.Seal(plain, s.aad)
			if err != nil {
				return sealFault("", err)
			}
			if changed[i], err = s.put(tx, s.value, now); err != nil {
				return err
			}
			if changed[i] {
				values++
			}
		}
		if values == 0 {
			return nil
		}
		return u.audit(AuditRekey, Root, "keys:id="+k.keys.KeyID(), newAudit().count("sealed_anew", values))
	})
	if err != nil {
		return err
	}
	for i, s := range list {
		if changed[i] {
			*s.n++
		}
	}
	return nil
}

// notOpened: it was sealed with a key that this process does not have, since
// everything was looked at.
func notOpened(name string, err error) error {
	return &Error{Code: Conflict, Field: "TOPUPD_KEY", Err: err, Message: name + " was sealed meanwhile with a key that is not set"}
}

// sealFault is why a value was not sealed. One that a person can act on says so
// itself.
func sealFault(field string, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return &Error{Code: Internal, Field: field, Err: err}
}

// CheckKey opens one sealed login and two sealed tokens, so that a server with
// the wrong key, or without its key file, does not start and find every card
// unusable at night. Errors: Conflict.
func (e *Engine) CheckKey(ctx context.Context) error {
	return e.sealedSamples(ctx, func(value []byte, aad string) error {
		if _, err := e.sealer.Open(value, aad); err != nil {
			return wrongKey(err)
		}
		return nil
	})
}

// NothingSealed is an error while the database holds sealed values: a key that
// is missing then is lost, and no new one may take its place. Errors: Conflict.
func (e *Engine) NothingSealed(ctx context.Context) error {
	return e.sealedSamples(ctx, func([]byte, string) error { return wrongKey(nil) })
}

// sealedSamples hands over the first login's hash, the first and the last card's token
// (a rekey goes from the one to the other) and the first subscription's secret.
func (e *Engine) sealedSamples(ctx context.Context, fn func(value []byte, aad string) error) error {
	return e.view(ctx, func(r Reader) error {
		logins, err := r.Logins()
		if err != nil {
			return err
		}
		for i := range logins {
			if len(logins[i].HA1) > 0 {
				if err := fn(logins[i].HA1, loginAAD(logins[i].Name)); err != nil {
					return err
				}
				break
			}
		}
		cards, err := r.SealedCards()
		if err != nil {
			return err
		}
		for i := range cards {
			if err := fn(cards[i].Token, cardAAD(cards[i].ID)); err != nil {
				return err
			}
		}
		hubs, err := r.Hubs()
		for i := range hubs {
			if len(hubs[i].Secret) > 0 {
				return fn(hubs[i].Secret, hubAAD(hubs[i].ID))
			}
		}
		return err
	})
}

func wrongKey(err error) error {
	return &Error{
		Code: Conflict, Field: "TOPUPD_KEY", Err: err,
		Message: "the key does not open what is in the database: give the one that it was sealed with, in TOPUPD_KEY or in the key file beside the database",
	}
}
