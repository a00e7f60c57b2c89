package jsonl

import (
	"errors"
	"fmt"
	"strconv"

	"topupd/billing"
)

type profileLine struct{ billing.ProfileLine }

func (l *profileLine) put(im *billing.Importer) error { return im.Profile(l.ProfileLine) }

var profileSetters = map[string]func(*profileLine, []byte) error{
	"id": func(l *profileLine, raw []byte) error {
		n, err := readTextID(raw)
		if err == nil && n.Value == nil {
			err = errors.New("it cannot be null")
		}
		if err == nil {
			l.ID = billing.ProfileID(*n.Value)
		}
		return err
	},
	"deleted": func(l *profileLine, raw []byte) error {
		c, err := readBool(raw)
		if err == nil && c.Value == nil {
			err = errors.New("it cannot be null")
		}
		if err == nil {
			l.Deleted = *c.Value
		}
		return err
	},
	"name":                          needed(readText, func(l *profileLine) *billing.Change[string] { return &l.Name }),
	"description":                   needed(readText, func(l *profileLine) *billing.Change[string] { return &l.Description }),
	"enabled":                       needed(readYesNo, func(l *profileLine) *billing.Change[bool] { return &l.Enabled }),
	"triggerBasis":                  needed(readText, func(l *profileLine) *billing.Change[string] { return &l.Basis }),
	"triggerType":                   needed(readText, func(l *profileLine) *billing.Change[string] { return &l.Trigger }),
	"triggerValue":                  needed(readMicros, func(l *profileLine) *billing.Change[int64] { return &l.TriggerValue }),
	"referenceLimit":                into(readText, func(l *profileLine) *billing.Change[string] { return &l.Limit }),
	"topupMode":                     needed(readText, func(l *profileLine) *billing.Change[string] { return &l.Mode }),
	"topupValue":                    needed(readMicros, func(l *profileLine) *billing.Change[int64] { return &l.TopupValue }),
	"topupReferenceLimit":           into(readText, func(l *profileLine) *billing.Change[string] { return &l.TopupLimit }),
	"autoCollect":                   needed(readYesNo, func(l *profileLine) *billing.Change[bool] { return &l.AutoCollect }),
	"correspondenceTypeExpected":    into(readText, func(l *profileLine) *billing.Change[string] { return &l.LetterExpected }),
	"correspondenceTypeCard":        into(readText, func(l *profileLine) *billing.Change[string] { return &l.LetterCard }),
	"correspondenceTypeDirectDebit": into(readText, func(l *profileLine) *billing.Change[string] { return &l.LetterDirectDebit }),
	"minDaysBetweenTopups":          needed(readInt, func(l *profileLine) *billing.Change[int64] { return &l.MinDays }),
	"customerID":                    into(readTextID, func(l *profileLine) *billing.Change[int64] { return &l.Customer }),
}

func decodeProfile(members []member) (line, error) {
	var l profileLine
	if err := fill(&l, members, profileSetters); err != nil {
		return nil, err
	}
	if l.ID == 0 {
		return nil, errors.New("id is missing")
	}
	// Null was let through for the default before there was a table.
	if l.Limit.Given && l.Limit.Value == nil {
		l.Limit = billing.Change[string]{}
	}
	return &l, nil
}

// readTextID reads an id that is written as text, or as the number that it is.
func readTextID(raw []byte) (billing.Change[int64], error) {
	if isNull(raw) {
		return billing.ToNull[int64](), nil
	}
	text := string(raw)
	if raw[0] == '"' {
		var err error
		if text, err = unquote(raw); err != nil {
			return billing.Change[int64]{}, err
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > billing.MaxOwnerNumber {
		return billing.Change[int64]{}, errors.New("an id is a number above 0, as text")
	}
	return billing.To(n), nil
}

func readYesNo(raw []byte) (billing.Change[bool], error) {
	c, err := readText(raw)
	if err != nil || c.Value == nil || *c.Value != "Yes" && *c.Value != "No" {
		return billing.Change[bool]{}, errors.New("allowed: Yes, No")
	}
	return billing.To(*c.Value == "Yes"), nil
}

// readLimits reads an object of names and decimal strings.
func readLimits(raw []byte) (billing.Change[[]billing.NamedLimit], error) {
	var none billing.Change[[]billing.NamedLimit]
	if raw[0] != '{' {
		return none, errors.New("an object of names and decimal strings is needed")
	}
	members, err := splitObject(raw, nil)
	if err != nil {
		return none, err
	}
	all := []billing.NamedLimit{}
	for _, m := range members {
		if isNull(m.raw) {
			return none, fmt.Errorf("%s: it cannot be null", m.name)
		}
		v, err := readMicros(m.raw)
		if err != nil {
			return none, fmt.Errorf("%s: %w", m.name, err)
		}
		all = append(all, billing.NamedLimit{Name: string(m.name), Micros: *v.Value})
	}
	return billing.To(all), nil
}

// customerTopup are the members that profiles know of a customer.
var customerTopup = ownerSetters{
	"payment_type": func(l *ownerLine, raw []byte) (err error) {
		if err := oneOf("card", "direct_debit", "other")(raw); err != nil {
			return err
		}
		l.Topup.PaymentType, err = readText(raw)
		return err
	},
	"autoTopupProfileID": into(readTextID, func(l *ownerLine) *billing.Change[int64] { return &l.Topup.Profile }),
	"autoTopupAmount":    into(readMicros, func(l *ownerLine) *billing.Change[int64] { return &l.Topup.Amount }),
	"outstanding":        needed(readMicros, func(l *ownerLine) *billing.Change[int64] { return &l.Topup.Outstanding }),
	"overdue":            needed(readMicros, func(l *ownerLine) *billing.Change[int64] { return &l.Topup.Overdue }),
	"unbilledCalls":      needed(readMicros, func(l *ownerLine) *billing.Change[int64] { return &l.Topup.Unbilled }),
	"limits":             needed(readLimits, func(l *ownerLine) *billing.Change[[]billing.NamedLimit] { return &l.Topup.Limits }),
}

type letterTypeLine struct {
	billing.LetterTypeLine
	id *int64
}

func (l *letterTypeLine) put(im *billing.Importer) error { return im.LetterType(l.LetterTypeLine) }

var letterTypeSetters = map[string]func(*letterTypeLine, []byte) error{
	"id":   id(func(l *letterTypeLine, n int64) { l.id = &n }),
	"name": needed(readText, func(l *letterTypeLine) *billing.Change[string] { return &l.Name }),
}

func decodeLetterType(members []member) (line, error) {
	var l letterTypeLine
	if err := fill(&l, members, letterTypeSetters); err != nil {
		return nil, err
	}
	if l.id == nil {
		return nil, errors.New("id is missing")
	}
	l.ID = billing.LetterTypeID(*l.id)
	return &l, nil
}

// letterTypes writes those that are not in every database.
func (x *export) letterTypes() error {
	all, err := x.r.LetterTypes()
	for _, l := range all {
		if l.ID <= billing.BuiltInLetters {
			continue
		}
		if err := x.w.begin("correspondence_type").int("id", int64(l.ID)).text("name", l.Name).end(); err != nil {
			return err
		}
	}
	return err
}

// profiles come before the customers that are linked to them.
func (x *export) profiles() error {
	types, err := x.r.LetterTypes()
	if err != nil {
		return err
	}
	names := map[billing.LetterTypeID]string{}
	for _, l := range types {
		names[l.ID] = l.Name
	}
	all, err := x.r.Profiles(billing.ListFilter{})
	if err != nil {
		return err
	}
	deleted, err := x.r.ExpectedProfiles()
	if err != nil {
		return err
	}
	all = append(all, deleted...)
	for i := range all {
		p := &all[i]
		w := x.w.begin("auto_topup_profile").text("id", strconv.FormatInt(int64(p.ID), 10)).text("name", p.Name).
			text("description", p.Description).text("enabled", yesNo(p.Enabled)).text("triggerBasis", p.Basis.Word()).
			text("triggerType", p.Trigger.Word()).text("triggerValue", billing.FixedMicros(p.TriggerValue, 2)).
			text("referenceLimit", p.Limit).text("topupMode", p.Mode.Word())
		if p.TopupValue > 0 || p.Mode == billing.TopupToPercent {
			w.text("topupValue", billing.FixedMicros(p.TopupValue, 2))
		}
		w.textOrNull("topupReferenceLimit", p.TopupLimit).text("autoCollect", yesNo(p.AutoCollect)).
			textOrNull("correspondenceTypeExpected", names[p.LetterExpected]).textOrNull("correspondenceTypeCard", names[p.LetterCard]).
			textOrNull("correspondenceTypeDirectDebit", names[p.LetterDirectDebit]).int("minDaysBetweenTopups", p.MinDays)
		// What restricted a deleted one may be deleted too.
		if p.Customer == 0 || !p.DeletedAt.IsZero() {
			w.null("customerID")
		} else {
			w.text("customerID", strconv.FormatInt(p.Customer.Number(), 10))
		}
		if !p.DeletedAt.IsZero() {
			w.flag("deleted", true)
		}
		if err := w.end(); err != nil {
			return err
		}
	}
	return nil
}

func yesNo(on bool) string {
	if on {
		return "Yes"
	}
	return "No"
}

func (w *lineWriter) textOrNull(name, v string) *lineWriter {
	if v == "" {
		return w.null(name)
	}
	return w.text(name, v)
}

// topup writes what profiles know of a customer, if anything was told.
func (x *export) topup(w *lineWriter, o *billing.Owner) error {
	t, err := x.r.TopupTerms(o.ID)
	if errors.Is(err, billing.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if t.PaymentType != billing.PaysUntold {
		w.text("payment_type", string(t.PaymentType))
	}
	if t.Profile == 0 {
		w.null("autoTopupProfileID")
	} else {
		w.text("autoTopupProfileID", strconv.FormatInt(int64(t.Profile), 10))
	}
	w.moneyOrNull("autoTopupAmount", t.Amount, o.Currency).money("outstanding", t.Outstanding, o.Currency).
		money("overdue", t.Overdue, o.Currency).money("unbilledCalls", t.Unbilled, o.Currency)
	w.name("limits")
	w.buf = append(w.buf, '{')
	for i, l := range t.Limits {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = append(appendString(w.buf, l.Name), ':')
		w.buf = appendString(w.buf, moneyText(l.Micros, o.Currency))
	}
	w.buf = append(w.buf, '}')
	return nil
}
