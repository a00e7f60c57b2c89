package tmf654

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"slices"

	"topupd/billing"
)

// kind is how the records of one kind of balance action are found, named and shown; what is
// special to a kind is in its own file.
type kind[T any] struct {
	a        *api
	kind     billing.ActionKind
	resource string // in addresses
	word     string // for people
	booked   string // the word with its article, of kinds that are final once made
	find     func(context.Context, billing.ActionID) (T, error)
	list     func(context.Context, billing.ActionFilter) ([]T, error)
	id       func(*T) billing.ActionID
	unit     func(*T) billing.Unit
	// owners are those that shape needs to know.
	owners func(*T) []billing.OwnerID
	shape  func(links, *T, map[billing.OwnerID]billing.Owner) any
}

// at is the record that the address names.
func (k *kind[T]) at(r *http.Request) (x T, err error) {
	id, ok := parseActionID(r.PathValue("id"), k.kind)
	if !ok {
		return x, noSuch(k.word)
	}
	if x, err = k.find(r.Context(), id); err != nil && billing.ErrorCode(err) == billing.NotFound {
		err = noSuch(k.word)
	}
	return x, err
}

func (k *kind[T]) show(ctx context.Context, l links, x *T) (any, error) {
	owners, err := k.a.e.Holders(ctx, k.owners(x)...)
	if err != nil {
		return nil, err
	}
	return k.shape(l, x, owners), nil
}

// made answers with a record that was made now, unless that failed. known are its owners
// as they were before: once it is committed an error would have the caller make another.
func (k *kind[T]) made(r *http.Request, x T, err error, known ...billing.Owner) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	l := linksOf(r)
	out, err := k.show(r.Context(), l, &x)
	if err != nil && !k.a.e.Joined(r.Context()) {
		if r.Context().Err() == nil {
			k.a.o.Failed(r.Context(), err)
		}
		owners := map[billing.OwnerID]billing.Owner{}
		for _, o := range known {
			owners[o.ID] = o
		}
		out, err = k.shape(l, &x, owners), nil
	}
	return created(l.to(k.resource, actionID(k.kind, k.id(&x))), out), err
}

// changed answers with a record that was changed, unless that failed.
func (k *kind[T]) changed(r *http.Request, x T, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	out, err := k.show(r.Context(), linksOf(r), &x)
	return ok(out), err
}

func (k *kind[T]) get(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	x, err := k.at(r)
	if err != nil {
		return answer{}, err
	}
	out, err := k.show(r.Context(), linksOf(r), &x)
	if err != nil {
		return answer{}, err
	}
	return q.one(out)
}

func (k *kind[T]) all(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	o, unit, known, err := k.a.ofBucket(r.Context(), q)
	if err != nil || !known {
		return listed(nil, 0), err
	}
	if values, there := q.ids(); there {
		return q.page(k.named(r.Context(), linksOf(r), values, o, unit))
	}
	return q.page(k.records(r.Context(), linksOf(r), billing.ActionFilter{Owner: o, Limit: scanPage}, unit, q.needs))
}

// named are the records of some ids as resources, by id: of an owner unless that is 0, and
// of a unit unless it is empty.
func (k *kind[T]) named(ctx context.Context, l links, texts []string, o billing.OwnerID, unit billing.Unit) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for _, id := range actionIDs(texts, k.kind) {
			x, err := k.find(ctx, id)
			if err != nil && billing.ErrorCode(err) == billing.NotFound {
				continue
			}
			if err == nil && (o != 0 && !slices.Contains(k.owners(&x), o) || unit != "" && k.unit(&x) != unit) {
				continue
			}
			var out any
			if err == nil {
				out, err = k.show(ctx, l, &x)
			}
			if !yield(out, err) {
				return
			}
		}
	}
}

// actionIDs are the ids of a kind among texts, in their order and each once.
func actionIDs(texts []string, kind billing.ActionKind) (ids []billing.ActionID) {
	for _, text := range texts {
		if id, ok := parseActionID(text, kind); ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// records are those of a filter as resources, of a unit unless it is empty; they are read a
// page at a time. Those at places that are not needed are nil.
func (k *kind[T]) records(ctx context.Context, l links, f billing.ActionFilter, unit billing.Unit, needs func(int) bool) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for at := 0; ; {
			page, err := k.list(ctx, f)
			read := len(page)
			if read > 0 {
				f.After = k.id(&page[read-1])
			}
			if unit != "" {
				page = slices.DeleteFunc(page, func(x T) bool { return k.unit(&x) != unit })
			}
			var ids []billing.OwnerID
			for i := range page {
				if needs(at + i) {
					ids = append(ids, k.owners(&page[i])...)
				}
			}
			var owners map[billing.OwnerID]billing.Owner
			if err == nil {
				owners, err = k.a.e.Holders(ctx, ids...)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page {
				var out any
				if needs(at + i) {
					out = k.shape(l, &page[i], owners)
				}
				if !yield(out, nil) {
					return
				}
			}
			if at += len(page); read < f.Limit {
				return
			}
		}
	}
}

// describe changes what is only kept beside a record that was booked when it was made.
func (k *kind[T]) describe(r *http.Request, names []string, change func(context.Context, billing.ActionID, billing.Merge) (T, error)) (answer, error) {
	x, err := k.at(r)
	if err != nil {
		return answer{}, err
	}
	merge, status, err := patchOf(r, names)
	if err != nil {
		return answer{}, err
	}
	cancel, err := cancelling(status, statusConfirmed)
	switch {
	case err != nil:
		return answer{}, err
	case cancel:
		return answer{}, billing.Errorf(billing.Conflict, "status", "%s was booked when it was made; book another one against it", k.booked)
	}
	x, err = change(r.Context(), k.id(&x), merge)
	return k.changed(r, x, err)
}

// keep refuses to delete what was booked.
func (k *kind[T]) keep(r *http.Request) (answer, error) {
	if _, err := k.at(r); err != nil {
		return answer{}, err
	}
	return answer{}, billing.Errorf(billing.Conflict, "id", "%s was booked and is not deleted", k.booked)
}

// ofEvent makes the shape of a kind's events.
func ofEvent[T any](of func(*api) *kind[T]) func(*api, context.Context, *billing.Event, links) (any, string, error) {
	return func(a *api, ctx context.Context, ev *billing.Event, l links) (any, string, error) {
		var x T
		if err := json.Unmarshal([]byte(ev.Record), &x); err != nil {
			return nil, "", err
		}
		k := of(a)
		out, err := k.show(ctx, l, &x)
		return out, actionID(k.kind, k.id(&x)), err
	}
}

// actionIn is what every action's request says of its amount and whose it is.
type actionIn struct {
	Amount          *quantityIn     `json:"amount"`
	Bucket          *ref            `json:"bucket"`
	PartyAccount    *ref            `json:"partyAccount"`
	LogicalResource json.RawMessage `json:"logicalResource"`
	UsageType       *string         `json:"usageType"`
}

// amount is the amount in the unit that it is kept in.
func (in *actionIn) amount() (billing.Amount, error) {
	amount, err := in.Amount.kept("amount")
	if err == nil {
		err = fitsUsage("usageType", in.UsageType, amount.Unit)
	}
	return amount, err
}

// holder is whose bucket of a unit it is about.
func (in *actionIn) holder(ctx context.Context, a *api, unit billing.Unit) (billing.Owner, error) {
	return a.holder(ctx, side{bucket: in.Bucket, account: in.PartyAccount, logical: in.LogicalResource}, unit)
}
