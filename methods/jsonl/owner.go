package jsonl

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"topupd/billing"
)

// ownerLine is a customer or account line with its own id and what is kept
// for other interfaces.
type ownerLine struct {
	billing.OwnerLine
	id    *int64
	extra []member
}

func (l *ownerLine) put(im *billing.Importer) error { return im.Owner(l.OwnerLine) }

type ownerSetters map[string]func(*ownerLine, []byte) error

// bothSetters are the members that customers and accounts share.
var bothSetters = ownerSetters{
	"name":         into(readText, func(l *ownerLine) *billing.Change[string] { return &l.Name }),
	"currency":     needed(readText, func(l *ownerLine) *billing.Change[string] { return &l.Currency }),
	"balance":      needed(readMicros, func(l *ownerLine) *billing.Change[int64] { return &l.Balance }),
	"credit_limit": into(readMicros, func(l *ownerLine) *billing.Change[int64] { return &l.CreditLimit }),
	"email":        into(readText, func(l *ownerLine) *billing.Change[string] { return &l.Email }),
	"time_zone":    into(readText, func(l *ownerLine) *billing.Change[string] { return &l.TimeZone }),
	"blocked":      needed(readBool, func(l *ownerLine) *billing.Change[bool] { return &l.Blocked }),

	"min_payment_amount": needed(readMicros, func(l *ownerLine) *billing.Change[int64] { return &l.MinPayment }),

	"sippy": extra("sippy", switchAttributes),
}

// An account's members of the profile interface are kept as they come: profiles are about
// customers.
var accountTopup = ownerSetters{
	"payment_type":       extra("payment_type", oneOf("card", "direct_debit", "other")),
	"autoTopupProfileID": extra("autoTopupProfileID", nullOr(textOrInt)),
	"autoTopupAmount":    extra("autoTopupAmount", nullOr(isMoney)),
	"outstanding":        extra("outstanding", isMoney),
	"overdue":            extra("overdue", isMoney),
	"unbilledCalls":      extra("unbilledCalls", isMoney),
	"limits":             extra("limits", moneyByName),
}

var customerSetters = with(bothSetters, customerTopup, ownerSetters{
	"i_customer":   id(func(l *ownerLine, n int64) { l.id = &n }),
	"i_parent":     into(readInt, func(l *ownerLine) *billing.Change[int64] { return &l.Parent }),
	"web_login":    needed(readText, func(l *ownerLine) *billing.Change[string] { return &l.Login }),
	"api_password": needed(readSecret, func(l *ownerLine) *billing.Change[billing.Secret] { return &l.Password }),
	"api_ha1":      needed(readSecret, func(l *ownerLine) *billing.Change[billing.Secret] { return &l.HA1 }),
})

var accountSetters = with(bothSetters, accountTopup, ownerSetters{
	"i_account":          id(func(l *ownerLine, n int64) { l.id = &n }),
	"i_customer":         needed(readInt, func(l *ownerLine) *billing.Change[int64] { return &l.Parent }),
	"username":           into(readText, func(l *ownerLine) *billing.Change[string] { return &l.Username }),
	"balance_group":      needed(readInt, func(l *ownerLine) *billing.Change[int64] { return &l.BalanceGroup }),
	"lifetime":           into(readInt, func(l *ownerLine) *billing.Change[int64] { return &l.Lifetime }),
	"first_used_at":      into(readTime, func(l *ownerLine) *billing.Change[time.Time] { return &l.FirstUsedAt }),
	"expires_at":         into(readTime, func(l *ownerLine) *billing.Change[time.Time] { return &l.ExpiresAt }),
	"on_payment_action":  into(readText, func(l *ownerLine) *billing.Change[string] { return &l.OnPayment }),
	"i_billing_plan":     into(readInt, func(l *ownerLine) *billing.Change[int64] { return &l.Plan }),
	"next_billing_time":  into(readTime, func(l *ownerLine) *billing.Change[time.Time] { return &l.NextBillingAt }),
	"billing_anchor_day": into(readInt, func(l *ownerLine) *billing.Change[int64] { return &l.AnchorDay }),
	"minutes_used":       func(l *ownerLine, raw []byte) (err error) { l.MinutesUsed, err = readSecondsUsed(raw); return err },
	"billing_time_zone":  into(readText, func(l *ownerLine) *billing.Change[string] { return &l.BillingZone }),
})

func with(base ownerSetters, more ...ownerSetters) ownerSetters {
	all := maps.Clone(base)
	for _, m := range more {
		maps.Copy(all, m)
	}
	return all
}

func decodeCustomer(members []member) (line, error) {
	return decodeOwner(members, customerSetters, "i_customer", billing.Customer)
}

func decodeAccount(members []member) (line, error) {
	return decodeOwner(members, accountSetters, "i_account", billing.Account)
}

func decodeOwner(members []member, setters ownerSetters, field string, id func(int64) billing.OwnerID) (line, error) {
	var l ownerLine
	if err := fill(&l, members, setters); err != nil {
		return nil, err
	}
	if l.id == nil {
		return nil, fmt.Errorf("%s is missing", field)
	}
	var err error
	if l.Owner, err = ownerID(field, *l.id, id); err != nil {
		return nil, err
	}
	if l.Parent.Value != nil {
		if _, err := ownerID("the customer above", *l.Parent.Value, billing.Customer); err != nil {
			return nil, err
		}
	}
	if g := l.BalanceGroup.Value; g != nil && *g < 1 {
		return nil, errors.New("balance_group: ids are above 0")
	}
	if l.Extra, err = keptExtra(l.extra); err != nil {
		return nil, err
	}
	l.extra = nil // it points into the reader's memory
	return &l, nil
}

// keptExtra merges what is kept for other interfaces into what is stored.
func keptExtra(members []member) (billing.Merge, error) {
	if len(members) == 0 {
		return nil, nil
	}
	given, err := appendMembers(nil, members)
	if err != nil {
		return nil, err
	}
	return func(stored string) (string, error) {
		all, err := override(stored, given)
		if err != nil {
			return "", err
		}
		text, err := appendMembers(nil, all)
		return string(text), err
	}, nil
}

// override is the members of a stored object, empty if there is none, with
// those of another in their place.
func override(stored string, given []byte) ([]member, error) {
	all, err := splitObject(given, nil)
	if err != nil || stored == "" {
		return all, err
	}
	n := len(all)
	old, err := splitObject([]byte(stored), nil)
	if err != nil {
		return nil, err
	}
	for _, m := range old {
		if !slices.ContainsFunc(all[:n], func(g member) bool { return bytes.Equal(g.name, m.name) }) {
			all = append(all, m)
		}
	}
	return all, nil
}

// extra keeps a member as it came, after a look at its form.
func extra(name string, check func([]byte) error) func(*ownerLine, []byte) error {
	return func(l *ownerLine, raw []byte) error {
		l.extra = append(l.extra, member{[]byte(name), raw})
		return check(raw)
	}
}
