package jsonl

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"topupd/billing"
)

type minutePlanLine struct {
	billing.MinutePlan
	id    *int64
	about billing.Change[string]
	price billing.Change[int64]
	total billing.Change[int64]
}

var minutePlanSetters = map[string]func(*minutePlanLine, []byte) error{
	"i_service_plan": id(func(l *minutePlanLine, n int64) { l.id = &n }),
	"description":    needed(readText, func(l *minutePlanLine) *billing.Change[string] { return &l.about }),
	"price":          needed(readMicros, func(l *minutePlanLine) *billing.Change[int64] { return &l.price }),
	"seconds_total":  into(readInt, func(l *minutePlanLine) *billing.Change[int64] { return &l.total }),
}

// readMinutePlans reads a list of objects, all of which are told whole.
func readMinutePlans(raw []byte) (billing.Change[[]billing.MinutePlan], error) {
	if isNull(raw) {
		return billing.ToNull[[]billing.MinutePlan](), nil
	}
	list := []billing.MinutePlan{}
	err := eachObject(raw, func(members []member) error {
		var l minutePlanLine
		if err := fill(&l, members, minutePlanSetters); err != nil {
			return err
		}
		if l.id == nil || l.about.Value == nil {
			return errors.New("i_service_plan and description are needed")
		}
		m := billing.MinutePlan{ID: billing.MinutePlanID(*l.id), Description: *l.about.Value, Seconds: l.total.Value}
		if l.price.Value != nil {
			m.Price = *l.price.Value
		}
		list = append(list, m)
		return nil
	})
	return billing.To(list), err
}

// eachObject calls put for every object of a list that the scanner accepted.
func eachObject(raw []byte, put func([]member) error) error {
	bad := errors.New("a list of objects is needed")
	if raw[0] != '[' {
		return bad
	}
	s := &scanner{text: raw, at: 1}
	for {
		s.space()
		switch s.peek() {
		case ']':
			return nil
		case ',':
			s.at++
			continue
		case '{':
		default:
			return bad
		}
		members, err := s.object(nil, 1)
		if err == nil {
			err = put(members)
		}
		if err != nil {
			return err
		}
	}
}

// readSecondsUsed reads an object of minute plans and seconds.
func readSecondsUsed(raw []byte) ([]billing.SecondsUsed, error) {
	bad := errors.New(`an object of i_service_plan and seconds is needed, such as {"5":120}`)
	if raw[0] != '{' {
		return nil, bad
	}
	members, err := splitObject(raw, nil)
	if err != nil {
		return nil, err
	}
	var list []billing.SecondsUsed
	for _, m := range members {
		n, err := strconv.ParseInt(string(m.name), 10, 64)
		if err != nil {
			return nil, bad
		}
		c, err := readInt(m.raw)
		if err != nil || c.Value == nil {
			return nil, fmt.Errorf("%d: seconds are an integer", n)
		}
		list = append(list, billing.SecondsUsed{Minutes: billing.MinutePlanID(n), Seconds: *c.Value})
	}
	return list, nil
}

func (x *export) minutePlans(w *lineWriter, p *billing.Plan) error {
	list, err := x.r.MinutePlans(p.ID)
	if err != nil || len(list) == 0 {
		return err
	}
	w.name("minute_plans")
	for i := range list {
		m := &list[i]
		w.buf = append(w.buf, "[,"[min(i, 1)])
		w.buf = strconv.AppendInt(append(w.buf, `{"i_service_plan":`...), int64(m.ID), 10)
		w.text("description", m.Description).money("price", m.Price, p.Currency)
		if m.Seconds == nil {
			w.null("seconds_total")
		} else {
			w.int("seconds_total", *m.Seconds)
		}
		w.buf = append(w.buf, '}')
	}
	w.buf = append(w.buf, ']')
	return nil
}

// minutesUsed writes what an account used of its present plan in its present period.
func (x *export) minutesUsed(w *lineWriter, plan *billing.AccountPlan) error {
	used, err := x.r.MinutesUsed(plan.Owner)
	if err != nil || len(used) == 0 {
		return err
	}
	minutes, err := x.r.MinutePlans(plan.Plan)
	if err != nil {
		return err
	}
	used = slices.DeleteFunc(used, func(u billing.MinutesUsed) bool {
		return u.Seconds == 0 || !u.Until.Equal(plan.NextAt) ||
			!slices.ContainsFunc(minutes, func(m billing.MinutePlan) bool { return m.ID == u.Minutes })
	})
	if len(used) == 0 {
		return nil
	}
	w.name("minutes_used")
	for i, u := range used {
		w.buf = append(w.buf, "{,"[min(i, 1)], '"')
		w.buf = append(strconv.AppendInt(w.buf, int64(u.Minutes), 10), '"', ':')
		w.buf = strconv.AppendInt(w.buf, u.Seconds, 10)
	}
	w.buf = append(w.buf, '}')
	return nil
}
