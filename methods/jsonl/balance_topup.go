package jsonl

import (
	"errors"
	"fmt"
	"time"

	"topupd/billing"
)

type serviceLine struct {
	billing.ServiceLine
	ownerFields
	id *int64
}

func (l *serviceLine) put(im *billing.Importer) error { return im.Service(l.ServiceLine) }

var serviceSetters = map[string]func(*serviceLine, []byte) error{
	"id":         id(func(l *serviceLine, n int64) { l.id = &n }),
	"i_account":  id(func(l *serviceLine, n int64) { l.account = &n }),
	"i_customer": id(func(l *serviceLine, n int64) { l.customer = &n }),
	"class":      needed(readText, func(l *serviceLine) *billing.Change[string] { return &l.Class }),
}

func decodeService(members []member) (line, error) {
	var l serviceLine
	if err := fill(&l, members, serviceSetters); err != nil {
		return nil, err
	}
	if l.id == nil {
		return nil, errors.New("id is missing")
	}
	l.ID = billing.ServiceID(*l.id)
	var err error
	l.Owner, err = ownerOf(l.account, l.customer)
	return &l, err
}

type ruleLine struct {
	billing.TopupRuleLine
	ownerFields
	id *int64
}

func (l *ruleLine) put(im *billing.Importer) error { return im.TopupRule(l.TopupRuleLine) }

var ruleSetters = map[string]func(*ruleLine, []byte) error{
	"id":                  id(func(l *ruleLine, n int64) { l.id = &n }),
	"i_account":           id(func(l *ruleLine, n int64) { l.account = &n }),
	"i_customer":          id(func(l *ruleLine, n int64) { l.customer = &n }),
	"amount":              needed(readMicros, func(l *ruleLine) *billing.Change[int64] { return &l.Amount }),
	"currency":            needed(readText, func(l *ruleLine) *billing.Change[string] { return &l.Currency }),
	"i_debit_credit_card": into(readCardID, func(l *ruleLine) *billing.Change[billing.CardID] { return &l.Card }),
	"period":              needed(readText, func(l *ruleLine) *billing.Change[string] { return &l.Period }),
	"periods":             into(readInt, func(l *ruleLine) *billing.Change[int64] { return &l.Periods }),
	"done":                needed(readInt, func(l *ruleLine) *billing.Change[int64] { return &l.Done }),
	"anchor":              needed(readTime, func(l *ruleLine) *billing.Change[time.Time] { return &l.Anchor }),
	"status":              needed(readText, func(l *ruleLine) *billing.Change[string] { return &l.Status }),
	"next":                needed(readInt, func(l *ruleLine) *billing.Change[int64] { return &l.Next }),
	"failures":            needed(readInt, func(l *ruleLine) *billing.Change[int64] { return &l.Failures }),
	"suspended":           needed(readText, func(l *ruleLine) *billing.Change[string] { return &l.Suspended }),
}

func decodeRule(members []member) (line, error) {
	var l ruleLine
	if err := fill(&l, members, ruleSetters); err != nil {
		return nil, err
	}
	if l.id == nil {
		return nil, errors.New("id is missing")
	}
	l.ID = billing.TopupID(*l.id)
	var err error
	l.Owner, err = ownerOf(l.account, l.customer)
	return &l, err
}

// topupLine is a top-up as an export wrote it: all of it, or nothing.
type topupLine struct {
	billing.BalanceTopupLine
	ownerFields
	given map[string]bool
}

func (l *topupLine) put(im *billing.Importer) error { return im.BalanceTopup(l.BalanceTopupLine) }

// topupMember reads a member; null leaves it empty where it is optional.
func topupMember[T any](name string, read func([]byte) (billing.Change[T], error), put func(*topupLine, T)) func(*topupLine, []byte) error {
	return func(l *topupLine, raw []byte) error {
		c, err := read(raw)
		if err != nil || c.Value == nil {
			return err
		}
		l.given[name] = true
		put(l, *c.Value)
		return nil
	}
}

var topupSetters = map[string]func(*topupLine, []byte) error{
	"id":             topupMember("id", readInt, func(l *topupLine, n int64) { l.ID = billing.TopupID(n) }),
	"i_account":      id(func(l *topupLine, n int64) { l.account = &n }),
	"i_customer":     id(func(l *topupLine, n int64) { l.customer = &n }),
	"amount":         topupMember("amount", readMicros, func(l *topupLine, n int64) { l.Amount = n }),
	"currency":       topupMember("currency", readText, func(l *topupLine, s string) { l.Currency = s }),
	"status":         topupMember("status", readText, func(l *topupLine, s string) { l.State = billing.TopupState(s) }),
	"rule":           topupMember("rule", readInt, func(l *topupLine, n int64) { l.Rule = billing.TopupID(n) }),
	"period":         topupMember("period", readInt, func(l *topupLine, n int64) { l.Period = n }),
	"voucher":        topupMember("voucher", readText, func(l *topupLine, s string) { l.Voucher = s }),
	"balance_before": topupMember("balance_before", readMicros, func(l *topupLine, n int64) { l.Before = &n }),
	"balance_after":  topupMember("balance_after", readMicros, func(l *topupLine, n int64) { l.After = &n }),
	"reason":         topupMember("reason", readText, func(l *topupLine, s string) { l.Reason = s }),
	"created":        topupMember("created", readTime, func(l *topupLine, t time.Time) { l.Created = t }),
	"settled":        topupMember("settled", readTime, func(l *topupLine, t time.Time) { l.Settled = t }),
	"deleted":        topupMember("deleted", readTime, func(l *topupLine, t time.Time) { l.Deleted = t }),
	"extra": func(l *topupLine, raw []byte) error {
		if isNull(raw) {
			return nil
		}
		if len(raw) == 0 || raw[0] != '{' {
			return errors.New("an object is needed")
		}
		text, err := appendCanonical(nil, raw)
		l.Extra = string(text)
		return err
	},
}

func decodeTopup(members []member) (line, error) {
	l := topupLine{given: map[string]bool{}}
	if err := fill(&l, members, topupSetters); err != nil {
		return nil, err
	}
	for _, name := range []string{"id", "amount", "currency", "status", "created", "settled"} {
		if !l.given[name] {
			return nil, fmt.Errorf("%s is missing", name)
		}
	}
	var err error
	l.Owner, err = ownerOf(l.account, l.customer)
	return &l, err
}

func (x *export) services() error {
	return pages(x, func(after billing.ServiceID) (int, billing.ServiceID, error) {
		list, err := x.r.Services(after, page)
		for i := range list {
			s := &list[i]
			if err := x.w.begin("service").int("id", int64(s.ID)).owner(s.Owner).text("class", s.Class).end(); err != nil {
				return 0, 0, err
			}
			after = s.ID
		}
		return len(list), after, err
	})
}

func (x *export) rules() error {
	return pages(x, func(after billing.TopupID) (int, billing.TopupID, error) {
		list, err := x.r.TopupRules(after, page)
		for i := range list {
			r := &list[i]
			after = r.ID
			if !billing.TopupFits(r.Amount, r.Unit) {
				x.held[r.ID] = true
				x.warn("left out: recurring top-up %d of %s with its executions, whose amount %s cannot be charged", r.ID, r.Owner, billing.Money(r.Amount, r.Unit))
				continue
			}
			w := x.w.begin("recurring_topup").int("id", int64(r.ID)).owner(r.Owner).money("amount", r.Amount, r.Unit).
				text("currency", string(r.Unit))
			// A card that is gone is not exported, and is named only by rules that ended.
			if r.Card != nil && r.State == billing.RuleActive {
				w.cardOrNull("i_debit_credit_card", r.Card)
			}
			w.text("period", string(r.Period))
			if r.Periods == nil {
				w.null("periods")
			} else {
				w.int("periods", *r.Periods)
			}
			w.int("done", r.Done).time("anchor", r.Anchor).text("status", string(r.State))
			if r.Next != r.Done {
				w.int("next", r.Next)
			}
			if r.Failures != 0 {
				w.int("failures", r.Failures)
			}
			if r.Suspended != "" {
				w.text("suspended", string(r.Suspended))
			}
			if err := w.end(); err != nil {
				return 0, 0, err
			}
		}
		return len(list), after, err
	})
}

// topups writes those that are settled: what is being paid is a charge, which stays here.
func (x *export) topups() error {
	return pages(x, func(after billing.TopupID) (int, billing.TopupID, error) {
		list, err := x.r.BalanceTopups(billing.BalanceTopupFilter{After: after, Limit: page, Deleted: true})
		for i := range list {
			after = list[i].ID
			if list[i].State == billing.TopupCreated || x.held[list[i].Rule] {
				continue
			}
			if err := x.balanceTopup(&list[i]); err != nil {
				return 0, 0, err
			}
		}
		return len(list), after, err
	})
}

func (x *export) balanceTopup(t *billing.BalanceTopup) error {
	w := x.w.begin("topup").int("id", int64(t.ID)).owner(t.Owner).money("amount", t.Amount, t.Unit).text("currency", string(t.Unit)).
		text("status", string(t.State))
	if t.Rule != 0 {
		w.int("rule", int64(t.Rule)).int("period", t.Period)
	}
	if t.Voucher != "" {
		w.text("voucher", t.Voucher)
	}
	if t.Before != nil && t.After != nil {
		w.money("balance_before", *t.Before, t.Unit).money("balance_after", *t.After, t.Unit)
	}
	if t.Reason != "" {
		w.text("reason", t.Reason)
	}
	w.time("created", t.CreatedAt).time("settled", t.SettledAt)
	if !t.DeletedAt.IsZero() {
		w.time("deleted", t.DeletedAt)
	}
	if t.Extra != "" {
		w.raw("extra", t.Extra)
	}
	return w.end()
}
