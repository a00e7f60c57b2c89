package jsonl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"topupd/billing"
)

// line is one decoded line, ready to be put.
type line interface {
	put(*billing.Importer) error
}

// decoder decodes lines; it keeps its memory between them.
type decoder struct{ members []member }

// kinds are the types of lines, each with how its members are decoded.
var kinds = map[string]func(members []member) (line, error){
	"plan":            decodePlan,
	"customer":        decodeCustomer,
	"account":         decodeAccount,
	"card":            decodeCard,
	"low_balance":     decodeLowBalance,
	"voucher":         decodeVoucher,
	"subscription":    decodeSubscription,
	"payment":         decodePayment,
	"order":           decodeOrder,
	"pool_plan":       decodePoolPlan,
	"token":           decodeToken,
	"bucket":          decodeBucket,
	"adjustment":      decodeAction("adjustment", actionSetters),
	"transfer":        decodeAction("transfer", transferSetters, "receiver_before"),
	"reservation":     decodeAction("reservation", reservationSetters, "state"),
	"service":         decodeService,
	"topup":           decodeTopup,
	"recurring_topup": decodeRule,

	"hub_subscription": decodeHub,

	"auto_topup_profile":  decodeProfile,
	"correspondence_type": decodeLetterType,

	"expected_payment_type": decodeExpectedType,
	"expected_payment":      decodeExpected,
	"correspondence":        decodeLetter,
}

// decode decodes one line and returns its type with it. The line keeps nothing
// of text.
func (d *decoder) decode(text []byte) (kind string, l line, err error) {
	d.members = d.members[:0]
	if d.members, err = splitObject(text, d.members); err != nil {
		return "", nil, err
	}
	rest := d.members
	at := slices.IndexFunc(rest, func(m member) bool { return string(m.name) == "type" })
	if at < 0 {
		return "", nil, errors.New("type is missing")
	}
	c, err := readText(rest[at].raw)
	if err != nil || c.Value == nil {
		return "", nil, errors.New("type: a string is needed")
	}
	decodeKind, ok := kinds[*c.Value]
	if !ok {
		return "", nil, fmt.Errorf("type: %q is not known; allowed: %s", *c.Value, allowedTypes())
	}
	rest[0], rest[at] = rest[at], rest[0]
	l, err = decodeKind(rest[1:])
	return *c.Value, l, err
}

func allowedTypes() string {
	names := make([]string, 0, len(kinds))
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// fill puts members into a line by its table of setters and refuses others.
func fill[L any](l *L, members []member, setters map[string]func(*L, []byte) error) error {
	for _, m := range members {
		set, ok := setters[string(m.name)]
		if !ok {
			return fmt.Errorf("%s is not a member of this type", m.name)
		}
		if err := set(l, m.raw); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// ownerOf makes the owner of a line that names it by i_account or i_customer.
func ownerOf(account, customer *int64) (billing.OwnerID, error) {
	switch {
	case account != nil && customer != nil:
		return 0, errors.New("i_account and i_customer: give one of the two")
	case account != nil:
		return ownerID("i_account", *account, billing.Account)
	case customer != nil:
		return ownerID("i_customer", *customer, billing.Customer)
	}
	return 0, errors.New("i_account or i_customer is missing")
}

// ownerID refuses numbers that would wrap into another owner's id.
func ownerID(field string, n int64, id func(int64) billing.OwnerID) (billing.OwnerID, error) {
	if n < 1 || n > billing.MaxOwnerNumber {
		return 0, fmt.Errorf("%s: ids are above 0", field)
	}
	return id(n), nil
}
