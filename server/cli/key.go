package cli

import (
	"context"
	"sync"

	"topupd/billing"
)

// checkKey is told before anything is sent: with another key every charge would
// wait for its card's token.
func (o *opened) checkKey(ctx context.Context) error {
	if _, err := o.sealer.get(); err != nil {
		return err
	}
	return o.engine.CheckKey(ctx)
}

// lazySealer reads the ring of keys when a secret is first sealed or opened: a
// command that only reads needs no key.
type lazySealer struct {
	make  func() (billing.KeyRing, error)
	once  sync.Once
	inner billing.KeyRing
	err   error
}

func (s *lazySealer) get() (billing.KeyRing, error) {
	s.once.Do(func() { s.inner, s.err = s.make() })
	return s.inner, s.err
}

// Seal seals with the ring.
func (s *lazySealer) Seal(plain billing.Secret, aad string) ([]byte, error) {
	inner, err := s.get()
	if err != nil {
		return nil, err
	}
	return inner.Seal(plain, aad)
}

// Open opens with the ring.
func (s *lazySealer) Open(sealed []byte, aad string) (billing.Secret, error) {
	inner, err := s.get()
	if err != nil {
		return "", err
	}
	return inner.Open(sealed, aad)
}
