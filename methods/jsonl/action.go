package jsonl

import (
	"errors"
	"fmt"
	"time"

	"topupd/billing"
)

type bucketLine struct {
	billing.BucketLine
	ownerFields
}

func (l *bucketLine) put(im *billing.Importer) error { return im.Bucket(l.BucketLine) }

var bucketSetters = map[string]func(*bucketLine, []byte) error{
	"i_account":  id(func(l *bucketLine, n int64) { l.account = &n }),
	"i_customer": id(func(l *bucketLine, n int64) { l.customer = &n }),
	"unit": func(l *bucketLine, raw []byte) error {
		c, err := readText(raw)
		if err == nil && c.Value == nil {
			err = errors.New("it cannot be null")
		}
		if err == nil {
			l.Unit = billing.Unit(*c.Value)
		}
		return err
	},
	"balance": needed(readMicros, func(l *bucketLine) *billing.Change[int64] { return &l.Balance }),
	"extra":   into(readObject, func(l *bucketLine) *billing.Change[string] { return &l.Extra }),
	"created": needed(readTime, func(l *bucketLine) *billing.Change[time.Time] { return &l.Created }),
	"closed":  into(readTime, func(l *bucketLine) *billing.Change[time.Time] { return &l.Closed }),
}

func decodeBucket(members []member) (line, error) {
	var l bucketLine
	if err := fill(&l, members, bucketSetters); err != nil {
		return nil, err
	}
	if l.Unit == "" {
		return nil, errors.New("unit is missing")
	}
	var err error
	l.Owner, err = ownerOf(l.account, l.customer)
	return &l, err
}

// readObject reads an object of another interface's, in the one form that is written.
func readObject(raw []byte) (billing.Change[string], error) {
	if isNull(raw) {
		return billing.ToNull[string](), nil
	}
	if raw[0] != '{' {
		return billing.Change[string]{}, errors.New("an object is needed")
	}
	text, err := appendCanonical(nil, raw)
	return billing.To(string(text)), err
}

// actionLine is a balance action as an export wrote it: all of it, or nothing.
type actionLine struct {
	kind               string
	id                 int64
	owner, receiver    ownerFields
	unit, by, state    string
	amount, cost       int64
	before, gotBefore  int64
	created, updated   time.Time
	ends, closed, gone time.Time
	extra              string

	from, to billing.OwnerID
	given    map[string]bool
}

func (l *actionLine) put(im *billing.Importer) error {
	id, unit := billing.ActionID(l.id), billing.Unit(l.unit)
	switch l.kind {
	case "adjustment":
		return im.Adjustment(billing.Adjustment{
			ID: id, Owner: l.from, Unit: unit, Amount: l.amount, Before: l.before, Extra: l.extra, CreatedAt: l.created, UpdatedAt: l.updated,
		})
	case "transfer":
		return im.Transfer(billing.Transfer{
			ID: id, From: l.from, To: l.to, Unit: unit, Amount: l.amount, Cost: l.cost, CostBy: billing.CostBearer(l.by),
			FromBefore: l.before, ToBefore: l.gotBefore, Extra: l.extra, CreatedAt: l.created, UpdatedAt: l.updated,
		})
	}
	return im.Reservation(billing.Reservation{
		ID: id, Owner: l.from, Unit: unit, Amount: l.amount, Before: l.before, State: billing.ReservationState(l.state), EndsAt: l.ends,
		Extra: l.extra, CreatedAt: l.created, UpdatedAt: l.updated, ClosedAt: l.closed, DeletedAt: l.gone,
	})
}

// member makes a setter that notes that the member was there.
func actionMember[V any](name string, read func([]byte) (billing.Change[V], error), place func(*actionLine) *V) func(*actionLine, []byte) error {
	return func(l *actionLine, raw []byte) error {
		c, err := read(raw)
		if err == nil && c.Value != nil {
			*place(l), l.given[name] = *c.Value, true
		}
		return err
	}
}

func actionOwner(name string, put func(*actionLine, *int64)) func(*actionLine, []byte) error {
	return id(func(l *actionLine, n int64) { put(l, &n) })
}

var (
	actionSetters = map[string]func(*actionLine, []byte) error{
		"id":         id(func(l *actionLine, n int64) { l.id, l.given["id"] = n, true }),
		"i_account":  actionOwner("i_account", func(l *actionLine, n *int64) { l.owner.account = n }),
		"i_customer": actionOwner("i_customer", func(l *actionLine, n *int64) { l.owner.customer = n }),
		"unit":       actionMember("unit", readText, func(l *actionLine) *string { return &l.unit }),
		"amount":     actionMember("amount", readMicros, func(l *actionLine) *int64 { return &l.amount }),
		"before":     actionMember("before", readMicros, func(l *actionLine) *int64 { return &l.before }),
		"created":    actionMember("created", readTime, func(l *actionLine) *time.Time { return &l.created }),
		"updated":    actionMember("updated", readTime, func(l *actionLine) *time.Time { return &l.updated }),
		"extra":      actionMember("extra", readObject, func(l *actionLine) *string { return &l.extra }),
	}
	transferSetters = withSetters(map[string]func(*actionLine, []byte) error{
		"to_i_account":    actionOwner("to_i_account", func(l *actionLine, n *int64) { l.receiver.account = n }),
		"to_i_customer":   actionOwner("to_i_customer", func(l *actionLine, n *int64) { l.receiver.customer = n }),
		"cost":            actionMember("cost", readMicros, func(l *actionLine) *int64 { return &l.cost }),
		"cost_owner":      actionMember("cost_owner", readText, func(l *actionLine) *string { return &l.by }),
		"receiver_before": actionMember("receiver_before", readMicros, func(l *actionLine) *int64 { return &l.gotBefore }),
	})
	reservationSetters = withSetters(map[string]func(*actionLine, []byte) error{
		"state":   actionMember("state", readText, func(l *actionLine) *string { return &l.state }),
		"ends":    actionMember("ends", readTime, func(l *actionLine) *time.Time { return &l.ends }),
		"closed":  actionMember("closed", readTime, func(l *actionLine) *time.Time { return &l.closed }),
		"deleted": actionMember("deleted", readTime, func(l *actionLine) *time.Time { return &l.gone }),
	})
)

func withSetters(own map[string]func(*actionLine, []byte) error) map[string]func(*actionLine, []byte) error {
	for name, set := range actionSetters {
		own[name] = set
	}
	return own
}

// decodeAction makes the decoder of one kind.
func decodeAction(kind string, setters map[string]func(*actionLine, []byte) error, more ...string) func([]member) (line, error) {
	return func(members []member) (line, error) {
		l := actionLine{kind: kind, given: map[string]bool{}}
		if err := fill(&l, members, setters); err != nil {
			return nil, err
		}
		for _, name := range append([]string{"id", "unit", "amount", "before", "created", "updated"}, more...) {
			if !l.given[name] {
				return nil, fmt.Errorf("%s is missing", name)
			}
		}
		var err error
		if l.from, err = ownerOf(l.owner.account, l.owner.customer); err != nil || kind != "transfer" {
			return &l, err
		}
		if l.to, err = ownerOf(l.receiver.account, l.receiver.customer); err != nil {
			err = fmt.Errorf("receiver: %w", err)
		}
		return &l, err
	}
}

// buckets writes closed ones too: what is reserved there, or was, names them.
func (x *export) buckets() error {
	var o billing.OwnerID
	var unit billing.Unit
	for {
		list, err := x.r.AllOpenedBuckets(o, unit, page)
		if err != nil {
			return err
		}
		for i := range list {
			b := &list[i]
			w := x.w.begin("bucket").owner(b.Owner).text("unit", string(b.Unit)).text("balance", billing.FormatMicros(b.Balance)).
				time("created", b.CreatedAt)
			if !b.ClosedAt.IsZero() {
				w.time("closed", b.ClosedAt)
			}
			if err := x.kept(b.Extra); err != nil {
				return err
			}
			if err := w.end(); err != nil {
				return err
			}
			o, unit = b.Owner, b.Unit
		}
		if err := x.ctx.Err(); err != nil || len(list) < page {
			return err
		}
	}
}

// kept writes what is kept beside a record.
func (x *export) kept(extra string) (err error) {
	if extra != "" {
		x.w.name("extra")
		x.w.buf, err = appendCanonical(x.w.buf, []byte(extra))
	}
	return err
}

// actions writes adjustments, transfers and reservations by id, deleted ones too. A
// transfer from or to an owner that was deleted stays behind with it: where it is
// imported there is no such owner.
func (x *export) actions() error {
	return pages(x, func(after billing.ActionID) (int, billing.ActionID, error) {
		list, err := x.r.BalanceActions(billing.BalanceActionFilter{ActionFilter: billing.ActionFilter{After: after, Limit: page}})
		for i := range list {
			if err := x.action(&list[i]); err != nil {
				return 0, 0, err
			}
			after = list[i].ID
		}
		return len(list), after, err
	})
}

func (x *export) action(a *billing.BalanceAction) error {
	switch a.Kind {
	case billing.ActionAdjustment:
		r, err := x.r.Adjustment(a.ID)
		if err != nil {
			return err
		}
		x.action1("adjustment", a, r.Unit, r.Amount, r.Before, r.CreatedAt, r.UpdatedAt)
		return x.actionEnd(r.Extra)
	case billing.ActionTransfer:
		r, err := x.r.Transfer(a.ID)
		if err != nil {
			return err
		}
		for _, o := range []billing.OwnerID{r.From, r.To} {
			if owner, err := x.r.Owner(o); err != nil || !owner.DeletedAt.IsZero() {
				return err
			}
		}
		w := x.action1("transfer", a, r.Unit, r.Amount, r.FromBefore, r.CreatedAt, r.UpdatedAt).int("to_"+r.To.Field(), r.To.Number()).
			text("receiver_before", billing.FormatMicros(r.ToBefore))
		if r.Cost != 0 {
			w.text("cost", billing.FormatMicros(r.Cost)).text("cost_owner", string(r.CostBy))
		}
		return x.actionEnd(r.Extra)
	case billing.ActionReservation:
		r, err := x.r.Reservation(a.ID)
		if err != nil {
			return err
		}
		w := x.action1("reservation", a, r.Unit, r.Amount, r.Before, r.CreatedAt, r.UpdatedAt).text("state", string(r.State))
		for _, t := range []struct {
			name string
			at   time.Time
		}{{"ends", r.EndsAt}, {"closed", r.ClosedAt}, {"deleted", r.DeletedAt}} {
			if !t.at.IsZero() {
				w.time(t.name, t.at)
			}
		}
		return x.actionEnd(r.Extra)
	}
	return nil // top-ups have lines of their own
}

// action1 begins a line with what all of them have.
func (x *export) action1(kind string, a *billing.BalanceAction, unit billing.Unit, amount, before int64, created, updated time.Time) *lineWriter {
	return x.w.begin(kind).int("id", int64(a.ID)).owner(a.Owner).text("unit", string(unit)).text("amount", billing.FormatMicros(amount)).
		text("before", billing.FormatMicros(before)).time("created", created).time("updated", updated)
}

func (x *export) actionEnd(extra string) error {
	if err := x.kept(extra); err != nil {
		return err
	}
	return x.w.end()
}
