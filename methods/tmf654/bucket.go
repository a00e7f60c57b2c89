package tmf654

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"strings"
	"time"

	"topupd/billing"
)

func (a *api) bucketRoutes() []route {
	return []route{
		{method: "POST", path: "/bucket", handle: a.createBucket, body: "BucketCreate"},
		{method: "GET", path: "/bucket", handle: a.listBuckets},
		{method: "GET", path: "/bucket/{id}", handle: a.getBucket},
		{method: "DELETE", path: "/bucket/{id}", handle: a.deleteBucket},
	}
}

// bucketOut is a bucket as answers have it.
type bucketOut struct {
	BaseType           string        `json:"@baseType"`
	SchemaLocation     *string       `json:"@schemaLocation"`
	Type               string        `json:"@type"`
	Description        any           `json:"description"`
	Href               string        `json:"href"`
	ID                 string        `json:"id"`
	IsShared           bool          `json:"isShared"`
	LogicalResource    any           `json:"logicalResource"`
	Name               any           `json:"name"`
	PartyAccount       *partyAccount `json:"partyAccount"`
	Product            any           `json:"product"`
	RelatedParty       any           `json:"relatedParty"`
	RemainingValue     *quantity     `json:"remainingValue"`
	RemainingValueName string        `json:"remainingValueName"`
	ReservedValue      *quantity     `json:"reservedValue"`
	Status             string        `json:"status"`
	UsageType          string        `json:"usageType"`
	ValidFor           period        `json:"validFor"`
}

// bucket is the shape of a bucket. What remains has the sign of this wire, and holds what
// is reserved, which is told beside it and is positive.
func (a *api) bucket(l links, b *billing.OpenedBucket, o *billing.Owner) *bucketOut {
	e, id := parseExtra(b.Extra), bucketOf(o, b.Unit).String()
	account := newPartyAccount(o)
	status := account.Status
	if !b.ClosedAt.IsZero() || status == "closed" {
		status = "expired"
	}
	return &bucketOut{
		BaseType: "Bucket", Type: "Bucket", Description: e.or("description", nil), Href: l.to("bucket", id), ID: id,
		LogicalResource: e.or("logicalResource", nil), Name: e.or("name", nil), PartyAccount: account, Product: e.or("product", nil),
		RelatedParty: e.or("relatedParty", nil), RemainingValue: billed(b.Balance, b.Unit),
		RemainingValueName: billing.FormatMicros(b.Balance) + " " + string(b.Unit), ReservedValue: newQuantity(b.Reserved, b.Unit),
		Status: status, UsageType: usageType(b.Unit), ValidFor: period{a.at(b.CreatedAt), a.at(b.ClosedAt)},
	}
}

// bucketEchoes are the members that are kept.
var bucketEchoes = []string{"description", "logicalResource", "name", "product", "relatedParty"}

type bucketIn struct {
	UsageType       *string         `json:"usageType"`
	PartyAccount    *ref            `json:"partyAccount"`
	LogicalResource json.RawMessage `json:"logicalResource"`
	IsShared        *text           `json:"isShared"`
	RemainingValue  *quantityIn     `json:"remainingValue"`
	ReservedValue   *quantityIn     `json:"reservedValue"`
	ValidFor        *struct {
		End *time.Time `json:"endDateTime"`
	} `json:"validFor"`
}

func (a *api) createBucket(r *http.Request) (answer, error) {
	var in bucketIn
	if err := read(r, &in); err != nil {
		return answer{}, err
	}
	unit, err := in.unit()
	if err != nil {
		return answer{}, err
	}
	o, err := a.holder(r.Context(), side{account: in.PartyAccount, logical: in.LogicalResource}, "")
	if err != nil {
		return answer{}, err
	}
	if unit == "" {
		unit = o.Currency
	}
	_, kept, err := newBody(r, bucketEchoes)
	if err != nil {
		return answer{}, err
	}
	b, err := a.e.OpenBucket(r.Context(), billing.OpenBucketParams{Owner: o.ID, Unit: unit, Extra: kept})
	if err != nil {
		return answer{}, in.unitMember(err)
	}
	out := a.bucket(linksOf(r), &b.OpenedBucket, &b.Holder)
	return created(out.Href, out), nil
}

// unitMember names the member that brought a unit which the account does not have.
func (in *bucketIn) unitMember(err error) error {
	if !errors.Is(err, billing.WrongCurrency) {
		return err
	}
	member := "reservedValue.units"
	if in.RemainingValue != nil {
		member = "remainingValue.units"
	}
	return billing.Errorf(billing.WrongCurrency, member, "%s", err)
}

// unit is what a new bucket is of; empty for the account's money. It begins empty, is
// nobody else's and has no end: what asks for more is refused, not forgotten.
func (in *bucketIn) unit() (unit billing.Unit, err error) {
	shared, err := in.IsShared.flag("isShared")
	switch {
	case err != nil:
		return "", err
	case shared:
		return "", wrongMember("isShared", "a bucket is of one account")
	case in.ValidFor != nil && in.ValidFor.End != nil:
		return "", wrongMember("validFor.endDateTime", "what is in a bucket does not expire")
	}
	for _, v := range []struct {
		member string
		given  *quantityIn
	}{{"remainingValue", in.RemainingValue}, {"reservedValue", in.ReservedValue}} {
		if v.given == nil {
			continue
		}
		amount, err := v.given.kept(v.member)
		switch {
		case err != nil:
			return "", err
		case amount.Micros != 0:
			return "", wrongMember(v.member+".amount", "a bucket begins empty; adjustBalance and reserveBalance fill it")
		case unit != "" && unit != amount.Unit:
			return "", wrongMember(v.member+".units", "%s.units differs from that of remainingValue", v.member)
		}
		unit = amount.Unit
	}
	if unit != "" {
		return unit, fitsUsage("usageType", in.UsageType, unit)
	}
	if in.UsageType != nil {
		for unit, word := range usageTypes {
			if strings.EqualFold(*in.UsageType, word) {
				return unit, nil
			}
		}
		if strings.EqualFold(*in.UsageType, "monetary") {
			return "", nil
		}
	}
	return "", wrongMember("usageType", "usageType is monetary, sms or data; voice is not kept here")
}

// bucketAt is the account and the unit of the bucket that the address names.
func (a *api) bucketAt(r *http.Request) (o billing.Owner, unit billing.Unit, err error) {
	b, ok := parseBucketID(r.PathValue("id"))
	if !ok {
		return o, "", noSuch("bucket")
	}
	if unit, ok = unitOf(b); !ok {
		return o, "", noSuch("bucket")
	}
	if o, err = a.e.AccountByGroup(r.Context(), b.group); err != nil {
		return o, "", noBucket(err)
	}
	if unit == "" {
		unit = o.Currency
	}
	return o, unit, nil
}

func (a *api) getBucket(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	o, unit, err := a.bucketAt(r)
	if err != nil {
		return answer{}, err
	}
	b, err := a.e.BucketOf(r.Context(), o.ID, unit)
	if err != nil {
		return answer{}, noBucket(err)
	}
	return q.one(a.bucket(linksOf(r), &b.OpenedBucket, &b.Holder))
}

// noBucket is for a bucket that the address names.
func noBucket(err error) error {
	if billing.ErrorCode(err) == billing.NotFound {
		return noSuch("bucket")
	}
	return err
}

func (a *api) deleteBucket(r *http.Request) (answer, error) {
	o, unit, err := a.bucketAt(r)
	if err != nil {
		return answer{}, err
	}
	if err := a.e.CloseBucket(r.Context(), o.ID, unit); err != nil {
		return answer{}, noBucket(err)
	}
	return gone, nil
}

// eachBucket yields the buckets of an account, or of all that the actor sees.
func (a *api) eachBucket(ctx context.Context, o billing.OwnerID, yield func(*billing.BucketView, error) bool) {
	if o != 0 {
		all, err := a.e.BucketsOf(ctx, o)
		if err != nil {
			if billing.ErrorCode(err) == billing.NotFound {
				return // it was deleted, and its buckets with it
			}
			yield(nil, err)
			return
		}
		for i := range all {
			if !yield(&all[i], nil) {
				return
			}
		}
		return
	}
	for after := billing.OwnerID(0); ; {
		all, last, err := a.e.Buckets(ctx, after, scanPage)
		if err != nil {
			yield(nil, err)
			return
		}
		for i := range all {
			if !yield(&all[i], nil) {
				return
			}
		}
		if after = last; last == 0 {
			return
		}
	}
}

func (a *api) listBuckets(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	// A bucket's own id names its account too; either name is its own.
	for i, f := range q.filters {
		switch {
		case f.path == "id" && len(f.values) == 1:
			q.filters[i].path = "bucket.id"
		case f.path == "bucket.id" && len(f.values) > 1:
			q.filters[i].path = "id"
		}
	}
	o, unit, known, err := a.ofBucket(r.Context(), q)
	if err != nil || !known {
		return listed(nil, 0), err
	}
	l := linksOf(r)
	return q.page(a.buckets(r.Context(), o, unit, q.needs, func(b *billing.BucketView) any {
		return a.bucket(l, &b.OpenedBucket, &b.Holder)
	}))
}

// buckets are the buckets of eachBucket that are of a unit, unless that is empty, as shape
// has them; those at places that are not needed are nil.
func (a *api) buckets(ctx context.Context, o billing.OwnerID, unit billing.Unit, needs func(int) bool, shape func(*billing.BucketView) any) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		at := 0
		a.eachBucket(ctx, o, func(b *billing.BucketView, err error) bool {
			if err != nil {
				return yield(nil, err)
			}
			if unit != "" && b.Unit != unit {
				return true
			}
			var out any
			if needs(at) {
				out = shape(b)
			}
			at++
			return yield(out, nil)
		})
	}
}

// bucketOfEvent reads the record of a movement, which has no more than the ledger's part.
func (a *api) bucketOfEvent(ctx context.Context, ev *billing.Event, l links) (any, string, error) {
	var b billing.OpenedBucket
	if err := json.Unmarshal([]byte(ev.Record), &b); err != nil {
		return nil, "", err
	}
	owners, err := a.e.Holders(ctx, b.Owner)
	if err != nil {
		return nil, "", err
	}
	o := owners[b.Owner]
	if ev.Kind == billing.EventChange {
		// What is kept beside it does not change with the balance.
		if now, err := a.e.BucketOf(ctx, b.Owner, b.Unit); err == nil {
			b.Extra, b.CreatedAt = now.Extra, now.CreatedAt
		}
	}
	out := a.bucket(l, &b, &o)
	return out, out.ID, nil
}
