package jsonl

import (
	"errors"

	"topupd/billing"
)

type planLine struct {
	billing.PlanLine
	id *int64
}

func (l *planLine) put(im *billing.Importer) error { return im.Plan(l.PlanLine) }

var planSetters = map[string]func(*planLine, []byte) error{
	"i_billing_plan":    id(func(l *planLine, n int64) { l.id = &n }),
	"name":              needed(readText, func(l *planLine) *billing.Change[string] { return &l.Name }),
	"price":             needed(readMicros, func(l *planLine) *billing.Change[int64] { return &l.Price }),
	"currency":          needed(readText, func(l *planLine) *billing.Change[string] { return &l.Currency }),
	"billing_cycle":     needed(readText, func(l *planLine) *billing.Change[string] { return &l.Cycle }),
	"prepaid":           needed(readBool, func(l *planLine) *billing.Change[bool] { return &l.Prepaid }),
	"description":       needed(readText, func(l *planLine) *billing.Change[string] { return &l.Description }),
	"suspend_all_calls": needed(readBool, func(l *planLine) *billing.Change[bool] { return &l.SuspendAllCalls }),
	"i_tariff":          into(readInt, func(l *planLine) *billing.Change[int64] { return &l.Tariff }),
	"i_customer":        into(readInt, func(l *planLine) *billing.Change[int64] { return &l.Customer }),
	"minute_plans":      into(readMinutePlans, func(l *planLine) *billing.Change[[]billing.MinutePlan] { return &l.Minutes }),
	"on_failure":        needed(readText, func(l *planLine) *billing.Change[string] { return &l.OnFailure }),
}

func decodePlan(members []member) (line, error) {
	var l planLine
	if err := fill(&l, members, planSetters); err != nil {
		return nil, err
	}
	if l.id == nil {
		return nil, errors.New("i_billing_plan is missing")
	}
	l.ID = billing.PlanID(*l.id)
	return &l, nil
}
