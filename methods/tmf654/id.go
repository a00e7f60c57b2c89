package tmf654

import (
	"strconv"
	"strings"

	"topupd/billing"
)

// Ids are those of the billing system that clients know: the database's number, a class
// and a number, with plus signs between them. The native form has spaces, slashes and a
// revision; a form decoder turns plus signs into spaces. All of them are read, one is written.
//
//	0.0.0.1+-account+6340627      0.0.0.1 /account 6340627 0
const idPrefix = "0.0.0.1"

// The classes of what we name.
const (
	classAccount = "-account"
	classGroup   = "-balance_group"
	classCard    = "-payinfo-cc"
	classPayment = "-item-payment"
)

// actionClasses are those of balance actions.
var actionClasses = map[billing.ActionKind]string{
	billing.ActionTopup: "-topup", billing.ActionAdjustment: "-adjustment",
	billing.ActionTransfer: "-transfer", billing.ActionReservation: "-reservation",
}

func idText(class string, n int64) string {
	return idPrefix + "+" + class + "+" + strconv.FormatInt(n, 10)
}

// splitID takes an id apart: its class with hyphens, and the numbers after it.
func splitID(text string) (class string, numbers []int64, ok bool) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == '+' || r == ' ' })
	if len(text) > 255 || len(fields) < 3 || fields[0] != idPrefix {
		return "", nil, false
	}
	class = strings.ReplaceAll(fields[1], "/", "-")
	for _, f := range fields[2:] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil || n < 0 || strconv.FormatInt(n, 10) != f {
			return "", nil, false
		}
		numbers = append(numbers, n)
	}
	return class, numbers, len(class) > 1 && class[0] == '-'
}

// plainID is the number of an id of a class; a revision after it is left out.
func plainID(text, class string) (int64, bool) {
	c, n, ok := splitID(text)
	if !ok || c != class || len(n) > 2 || n[0] == 0 {
		return 0, false
	}
	return n[0], true
}

func accountID(o billing.OwnerID) string { return idText(classAccount, o.Number()) }

func parseAccountID(text string) (billing.OwnerID, bool) {
	n, ok := plainID(text, classAccount)
	if !ok || n > billing.MaxOwnerNumber {
		return 0, false
	}
	return billing.Account(n), true
}

func cardID(id billing.CardID) string { return idText(classCard, int64(id)) }

func parseCardID(text string) (billing.CardID, bool) {
	n, ok := plainID(text, classCard)
	return billing.CardID(n), ok
}

func paymentID(id billing.PaymentID) string { return idText(classPayment, int64(id)) }

// actionID is the id of a balance action; they share one sequence, and each kind has its
// class.
func actionID(kind billing.ActionKind, id billing.ActionID) string {
	return idText(actionClasses[kind], int64(id))
}

func parseActionID(text string, kind billing.ActionKind) (billing.ActionID, bool) {
	n, ok := plainID(text, actionClasses[kind])
	return billing.ActionID(n), ok
}

// serviceID is the id of a service; its class is the service's own.
func serviceID(s *billing.Service) string {
	return idText(strings.ReplaceAll(s.Class, "/", "-"), int64(s.ID))
}

// bucketID is the name of one bucket: the account's balance group, the resource in it (of
// money the currency's ISO 4217 number) and its sub-record, which is always 0.
type bucketID struct {
	group    int64
	resource int64 // 0 for the whole group
}

func (b bucketID) String() string {
	return idText(classGroup, b.group) + "+" + strconv.FormatInt(b.resource, 10) + "+0"
}

// moneyBucket is the bucket of an owner's money.
func moneyBucket(o *billing.Owner) bucketID {
	c, _ := billing.LookupCurrency(string(o.Currency))
	return bucketID{o.BalanceGroup, int64(c.Number)}
}

// parseBucketID reads a bucket's name; without the resource it is the whole group. In the
// native form the revision follows, which for the whole group is one number.
func parseBucketID(text string) (bucketID, bool) {
	c, n, ok := splitID(text)
	if !ok || c != classGroup || n[0] == 0 || len(n) > 4 {
		return bucketID{}, false
	}
	if len(n) < 3 {
		return bucketID{group: n[0]}, true
	}
	return bucketID{n[0], n[1]}, n[1] > 0 && n[2] == 0
}

// sameID reports whether an id and the one that a filter wants name the same, however both
// are spelled. The whole group has every bucket in it.
func sameID(id, want string) bool {
	if a, ok := parseBucketID(id); ok {
		b, ok := parseBucketID(want)
		return ok && a.group == b.group && (b.resource == 0 || a.resource == b.resource)
	}
	if a, unit, ok := parseAccumulatedID(id); ok {
		b, other, ok := parseAccumulatedID(want)
		return ok && a == b && unit == other
	}
	class, a, ok := splitID(id)
	if !ok {
		return false
	}
	b, ok := plainID(want, class)
	return ok && len(a) <= 2 && a[0] == b
}
