package jsonl

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"topupd/billing"
)

type poolLine struct {
	billing.PoolPlanLine
	id *int64
}

func (l *poolLine) put(im *billing.Importer) error { return im.PoolPlan(l.PoolPlanLine) }

var poolSetters = map[string]func(*poolLine, []byte) error{
	"offer":          id(func(l *poolLine, n int64) { l.id = &n }),
	"i_customer":     needed(readInt, func(l *poolLine) *billing.Change[int64] { return &l.Customer }),
	"name":           needed(readText, func(l *poolLine) *billing.Change[string] { return &l.Name }),
	"currency":       needed(readText, func(l *poolLine) *billing.Change[string] { return &l.Currency }),
	"expirationType": needed(readText, func(l *poolLine) *billing.Change[string] { return &l.ExpirationType }),
	"expires":        into(readDate, func(l *poolLine) *billing.Change[time.Time] { return &l.Expires }),
	"subscribers":    needed(readTexts, func(l *poolLine) *billing.Change[[]string] { return &l.Subscribers }),
	"balances":       needed(readAllowances, func(l *poolLine) *billing.Change[[]billing.Allowance] { return &l.Balances }),
	"low_allowance":  into(readLowAllowances, func(l *poolLine) *billing.Change[[]billing.LowAllowance] { return &l.LowAllowance }),
}

func decodePoolPlan(members []member) (line, error) {
	var l poolLine
	if err := fill(&l, members, poolSetters); err != nil {
		return nil, err
	}
	if l.id == nil {
		return nil, errors.New("offer is missing")
	}
	l.Offer = billing.OfferID(*l.id)
	return &l, nil
}

func readDate(raw []byte) (billing.Change[time.Time], error) {
	bad := errors.New(`a date is needed, such as "2027-04-25"`)
	c, err := readText(raw)
	if err != nil {
		return billing.Change[time.Time]{}, bad
	}
	if c.Value == nil {
		return billing.ToNull[time.Time](), nil
	}
	t, err := time.Parse(time.DateOnly, *c.Value)
	if err != nil {
		return billing.Change[time.Time]{}, bad
	}
	return billing.To(t), nil
}

func readTexts(raw []byte) (billing.Change[[]string], error) {
	bad := errors.New("a list of strings is needed")
	if raw[0] != '[' {
		return billing.Change[[]string]{}, bad
	}
	list := []string{}
	s := &scanner{text: raw, at: 1}
	for {
		s.space()
		switch s.peek() {
		case ']':
			return billing.To(list), nil
		case ',':
			s.at++
			continue
		case '"':
		default:
			return billing.Change[[]string]{}, bad
		}
		from := s.at
		if err := s.string(); err != nil {
			return billing.Change[[]string]{}, err
		}
		text, err := unquote(raw[from:s.at])
		if err != nil {
			return billing.Change[[]string]{}, err
		}
		list = append(list, text)
	}
}

// readAllowances reads decimal strings by unit.
func readAllowances(raw []byte) (billing.Change[[]billing.Allowance], error) {
	list := []billing.Allowance{}
	err := eachAmount(raw, func(word string, raw []byte) error {
		if isNull(raw) {
			return errors.New("it cannot be null")
		}
		c, err := readMicros(raw)
		if err == nil {
			list = append(list, billing.Allowance{Word: word, Micros: *c.Value})
		}
		return err
	})
	return billing.To(list), err
}

// readLowAllowances reads remainders ("100") and percentages ("20%") by unit.
func readLowAllowances(raw []byte) (billing.Change[[]billing.LowAllowance], error) {
	if isNull(raw) {
		return billing.ToNull[[]billing.LowAllowance](), nil
	}
	list := []billing.LowAllowance{}
	err := eachAmount(raw, func(word string, raw []byte) error {
		c, err := readText(raw)
		if err != nil || c.Value == nil {
			return errors.New(`a decimal string is needed, such as "100" or "20%"`)
		}
		number, percent := strings.CutSuffix(*c.Value, "%")
		micros, err := billing.ParseMicros(number)
		if err != nil {
			return fmt.Errorf("%q is no decimal number that can be kept", number)
		}
		l := billing.LowAllowance{At: billing.Allowance{Word: word, Micros: micros}}
		if percent {
			l.At.Micros, l.Percent = 0, &micros
		}
		list = append(list, l)
		return nil
	})
	return billing.To(list), err
}

func eachAmount(raw []byte, put func(word string, raw []byte) error) error {
	if raw[0] != '{' {
		return errors.New("an object of units and decimal strings is needed")
	}
	members, err := splitObject(raw, nil)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := put(string(m.name), m.raw); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

func (x *export) pools() error {
	var after billing.OfferID
	for {
		list, err := x.r.PoolPlans(after, page)
		if err != nil {
			return err
		}
		for i := range list {
			if err := x.pool(&list[i]); err != nil {
				return err
			}
			after = list[i].Offer
		}
		if err := x.ctx.Err(); err != nil || len(list) < page {
			return err
		}
	}
}

func (x *export) pool(p *billing.PoolPlan) error {
	subscribers, err := x.r.PoolSubscribers(p.Offer)
	if err != nil {
		return err
	}
	balances, err := x.r.PoolBalances(p.Offer)
	if err != nil {
		return err
	}
	w := x.w.begin("pool_plan").int("offer", int64(p.Offer)).int("i_customer", p.Customer.Number()).text("name", p.Name).
		text("currency", string(p.Currency)).text("expirationType", p.ExpirationType)
	if p.ExpiresAt.IsZero() {
		w.null("expires")
	} else {
		// Its last day: the plan expires when that is over.
		w.text("expires", p.ExpiresAt.Add(-time.Microsecond).Format(time.DateOnly))
	}
	w.texts("subscribers", subscribers)
	var left, low []named
	for i := range balances {
		b := &balances[i]
		left = append(left, named{string(b.Unit), billing.FormatMicros(b.Left)})
		switch {
		case b.LowAt != nil:
			low = append(low, named{string(b.Unit), billing.FormatMicros(*b.LowAt)})
		case b.LowPercent != nil:
			low = append(low, named{string(b.Unit), billing.FormatMicros(*b.LowPercent) + "%"})
		}
	}
	w.textObject("balances", left)
	if len(low) > 0 {
		w.textObject("low_allowance", low)
	}
	return w.end()
}

type named struct{ name, text string }

func (w *lineWriter) texts(name string, list []string) *lineWriter {
	w.name(name)
	w.buf = append(w.buf, '[')
	for i, s := range list {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = appendString(w.buf, s)
	}
	w.buf = append(w.buf, ']')
	return w
}

func (w *lineWriter) textObject(name string, members []named) *lineWriter {
	w.name(name)
	w.buf = append(w.buf, '{')
	for i, m := range members {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = append(appendString(w.buf, m.name), ':')
		w.buf = appendString(w.buf, m.text)
	}
	w.buf = append(w.buf, '}')
	return w
}
