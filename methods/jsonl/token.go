package jsonl

import (
	"errors"
	"time"

	"topupd/billing"
)

// tokenLine is a bearer token, by its hash: a token is told to nobody twice.
type tokenLine struct {
	billing.TokenLine
	id, customer *int64
}

func (l *tokenLine) put(im *billing.Importer) error { return im.Token(l.TokenLine) }

var tokenSetters = map[string]func(*tokenLine, []byte) error{
	"id":         id(func(l *tokenLine, n int64) { l.id = &n }),
	"i_customer": id(func(l *tokenLine, n int64) { l.customer = &n }),
	"name":       needed(readText, func(l *tokenLine) *billing.Change[string] { return &l.Name }),
	"token_hash": needed(readSecret, func(l *tokenLine) *billing.Change[billing.Secret] { return &l.Hash }),
	"hint":       needed(readText, func(l *tokenLine) *billing.Change[string] { return &l.Hint }),
	"created":    needed(readTime, func(l *tokenLine) *billing.Change[time.Time] { return &l.Created }),
}

func decodeToken(members []member) (line, error) {
	var l tokenLine
	if err := fill(&l, members, tokenSetters); err != nil {
		return nil, err
	}
	switch {
	case l.id == nil:
		return nil, errors.New("id is missing")
	case l.customer == nil:
		return nil, errors.New("i_customer is missing")
	}
	l.ID = billing.TokenID(*l.id)
	var err error
	l.Customer, err = ownerID("i_customer", *l.customer, billing.Customer)
	return &l, err
}
