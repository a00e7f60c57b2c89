package jsonl

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"topupd/billing"
)

type expectedTypeLine struct {
	billing.ExpectedTypeLine
}

func (l *expectedTypeLine) put(im *billing.Importer) error {
	return im.ExpectedType(l.ExpectedTypeLine)
}

var expectedTypeSetters = map[string]func(*expectedTypeLine, []byte) error{
	"id":          id(func(l *expectedTypeLine, n int64) { l.ID = billing.ExpectedTypeID(n) }),
	"name":        needed(readText, func(l *expectedTypeLine) *billing.Change[string] { return &l.Name }),
	"displayName": needed(readText, func(l *expectedTypeLine) *billing.Change[string] { return &l.DisplayName }),
	"description": needed(readText, func(l *expectedTypeLine) *billing.Change[string] { return &l.Description }),
}

func decodeExpectedType(members []member) (line, error) {
	var l expectedTypeLine
	if err := fill(&l, members, expectedTypeSetters); err != nil {
		return nil, err
	}
	if l.ID == 0 {
		return nil, errors.New("id is missing")
	}
	return &l, nil
}

// keptLine is a record as an export wrote it: all of it, or nothing.
type keptLine struct{ given map[string]bool }

func (k *keptLine) lacks(names ...string) error {
	for _, name := range names {
		if !k.given[name] {
			return fmt.Errorf("%s is missing", name)
		}
	}
	return nil
}

// kept reads a member that has no null and notes that it was given.
func kept[L, V any](name string, line func(*L) *keptLine, read func([]byte) (billing.Change[V], error), put func(*L, V)) func(*L, []byte) error {
	return func(l *L, raw []byte) error {
		c, err := read(raw)
		if err == nil && c.Value == nil {
			err = errors.New("it cannot be null")
		}
		if err != nil {
			return err
		}
		line(l).given[name] = true
		put(l, *c.Value)
		return nil
	}
}

// mayLack reads a member of which null is the zero value.
func mayLack[L, V any](read func([]byte) (billing.Change[V], error), put func(*L, V)) func(*L, []byte) error {
	return func(l *L, raw []byte) error {
		c, err := read(raw)
		if err == nil && c.Value != nil {
			put(l, *c.Value)
		}
		return err
	}
}

type expectedLine struct {
	billing.ExpectedLine
	keptLine
}

func (l *expectedLine) put(im *billing.Importer) error { return im.Expected(l.ExpectedLine) }

func ofExpected[V any](name string, read func([]byte) (billing.Change[V], error), put func(*expectedLine, V)) func(*expectedLine, []byte) error {
	return kept(name, func(l *expectedLine) *keptLine { return &l.keptLine }, read, put)
}

var expectedSetters = map[string]func(*expectedLine, []byte) error{
	"id": ofExpected("id", readInt, func(l *expectedLine, n int64) { l.ID = billing.ExpectedID(n) }),
	"i_customer": ofExpected("i_customer", readOwnerNumber, func(l *expectedLine, n int64) {
		l.Customer = billing.Customer(n)
	}),
	"expectedPaymentType": ofExpected("expectedPaymentType", readInt, func(l *expectedLine, n int64) {
		l.Type = billing.ExpectedTypeID(n)
	}),
	"date":     ofExpected("date", readText, func(l *expectedLine, s string) { l.Date = s }),
	"amount":   ofExpected("amount", readMicros, func(l *expectedLine, v int64) { l.Amount = v }),
	"method":   ofExpected("method", readText, func(l *expectedLine, s string) { l.Method = billing.CollectMethod(s) }),
	"revision": ofExpected("revision", readInt, func(l *expectedLine, n int64) { l.Revision = n }),
	"created":  ofExpected("created", readTime, func(l *expectedLine, t time.Time) { l.Created = t }),
	"updated":  ofExpected("updated", readTime, func(l *expectedLine, t time.Time) { l.Updated = t }),

	"autoTopupProfileID":  mayLack(readTextID, func(l *expectedLine, n int64) { l.Profile = billing.ProfileID(n) }),
	"i_debit_credit_card": mayLack(readCardID, func(l *expectedLine, id billing.CardID) { l.Card = id }),
	"reason":              mayLack(readText, func(l *expectedLine, s string) { l.Reason = s }),
	"ourReference":        mayLack(readText, func(l *expectedLine, s string) { l.OurReference = s }),
	"customerReference":   mayLack(readText, func(l *expectedLine, s string) { l.CustomerReference = s }),
	"fulfilled":           mayLack(readTime, func(l *expectedLine, t time.Time) { l.Fulfilled = t }),
	"withdrawn":           mayLack(readTime, func(l *expectedLine, t time.Time) { l.Withdrawn = t }),
}

// readOwnerNumber refuses numbers that would wrap into another owner's id.
func readOwnerNumber(raw []byte) (billing.Change[int64], error) {
	c, err := readInt(raw)
	if err == nil && c.Value != nil && (*c.Value < 1 || *c.Value > billing.MaxOwnerNumber) {
		err = errors.New("ids are above 0")
	}
	return c, err
}

func decodeExpected(members []member) (line, error) {
	l := expectedLine{keptLine: keptLine{map[string]bool{}}}
	if err := fill(&l, members, expectedSetters); err != nil {
		return nil, err
	}
	return &l, l.lacks("id", "i_customer", "expectedPaymentType", "date", "amount", "method", "revision", "created", "updated")
}

type letterLine struct {
	billing.LetterLine
	keptLine
}

func (l *letterLine) put(im *billing.Importer) error { return im.Letter(l.LetterLine) }

func ofLetter[V any](name string, read func([]byte) (billing.Change[V], error), put func(*letterLine, V)) func(*letterLine, []byte) error {
	return kept(name, func(l *letterLine) *keptLine { return &l.keptLine }, read, put)
}

var letterSetters = map[string]func(*letterLine, []byte) error{
	"id":                 ofLetter("id", readInt, func(l *letterLine, n int64) { l.ID = billing.LetterID(n) }),
	"expectedPayment":    ofLetter("expectedPayment", readInt, func(l *letterLine, n int64) { l.Expected = billing.ExpectedID(n) }),
	"correspondenceType": ofLetter("correspondenceType", readText, func(l *letterLine, s string) { l.Type = s }),
	"subject":            ofLetter("subject", readText, func(l *letterLine, s string) { l.Subject = s }),
	"body":               ofLetter("body", readText, func(l *letterLine, s string) { l.Body = s }),
	"created":            ofLetter("created", readTime, func(l *letterLine, t time.Time) { l.Created = t }),

	"recipient": mayLack(readText, func(l *letterLine, s string) { l.Recipient = s }),
	"delivered": mayLack(readTime, func(l *letterLine, t time.Time) { l.Delivered = t }),
}

func decodeLetter(members []member) (line, error) {
	l := letterLine{keptLine: keptLine{map[string]bool{}}}
	if err := fill(&l, members, letterSetters); err != nil {
		return nil, err
	}
	return &l, l.lacks("id", "expectedPayment", "correspondenceType", "subject", "body", "created")
}

// expectedTypes writes those that are not in every database.
func (x *export) expectedTypes() error {
	all, err := x.r.ExpectedTypes(billing.ListFilter{After: int64(billing.ExpectedTopup)})
	for _, t := range all {
		err := x.w.begin("expected_payment_type").int("id", int64(t.ID)).text("name", t.Name).text("displayName", t.DisplayName).
			text("description", t.Description).end()
		if err != nil {
			return err
		}
	}
	return err
}

// expected keeps what holds top-ups back where the export is imported: cool-downs and
// what is open; withdrawn ones count too.
func (x *export) expected() error {
	return pages(x, func(after billing.ExpectedID) (int, billing.ExpectedID, error) {
		list, err := x.r.AllExpected(after, page)
		for i := range list {
			if err := x.expectedPayment(&list[i]); err != nil {
				return 0, 0, err
			}
			after = list[i].ID
		}
		return len(list), after, err
	})
}

func (x *export) expectedPayment(ep *billing.ExpectedPayment) error {
	w := x.w.begin("expected_payment").int("id", int64(ep.ID)).owner(ep.Owner).int("expectedPaymentType", int64(ep.Type))
	if ep.Profile == 0 {
		w.null("autoTopupProfileID")
	} else {
		w.text("autoTopupProfileID", strconv.FormatInt(int64(ep.Profile), 10))
	}
	w.text("date", ep.Date).money("amount", ep.Amount, ep.Unit).text("method", string(ep.Method)).textOrNull("reason", string(ep.Reason)).
		id("i_debit_credit_card", int64(ep.Card)).textOrNull("ourReference", ep.OurReference).
		textOrNull("customerReference", ep.CustomerReference).int("revision", ep.Revision).time("created", ep.CreatedAt).
		time("updated", ep.UpdatedAt).time("fulfilled", ep.FulfilledAt).time("withdrawn", ep.DeletedAt)
	return w.end()
}

// letters write what was sent, so that an import can show it and sends it to nobody.
func (x *export) letters() error {
	types, err := x.r.LetterTypes()
	if err != nil {
		return err
	}
	names := map[billing.LetterTypeID]string{}
	for _, t := range types {
		names[t.ID] = t.Name
	}
	return pages(x, func(after billing.LetterID) (int, billing.LetterID, error) {
		list, err := x.r.Letters(0, after, page)
		for i := range list {
			if err := x.letter(&list[i], names[list[i].Type]); err != nil {
				return 0, 0, err
			}
			after = list[i].ID
		}
		return len(list), after, err
	})
}

func (x *export) letter(l *billing.Letter, kind string) error {
	o, err := x.r.Owner(l.Owner)
	if err != nil || !o.DeletedAt.IsZero() {
		return err // nor is the expected payment exported
	}
	n, err := x.r.Notice(l.Notice)
	if err != nil {
		return err
	}
	return x.w.begin("correspondence").int("id", int64(l.ID)).int("expectedPayment", int64(l.Expected)).text("correspondenceType", kind).
		textOrNull("recipient", n.To).text("subject", n.Subject).text("body", n.Body).time("created", l.CreatedAt).
		time("delivered", n.SentAt).end()
}
