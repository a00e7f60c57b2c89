package tmf654

import (
	"net/http"
	"strconv"

	"topupd/billing"
)

func (a *api) accumulatedRoutes() []route {
	return []route{
		{method: "GET", path: "/accumulatedBalance", handle: a.listAccumulated},
		{method: "GET", path: "/accumulatedBalance/{id}", handle: a.getAccumulated},
	}
}

// accumulatedOut is all that an account has of a unit.
type accumulatedOut struct {
	BaseType        string          `json:"@baseType"`
	SchemaLocation  *string         `json:"@schemaLocation"`
	Type            string          `json:"@type"`
	Bucket          []*bucketRef    `json:"bucket"`
	Description     *string         `json:"description"`
	Href            string          `json:"href"`
	ID              string          `json:"id"`
	LogicalResource logicalResource `json:"logicalResource"`
	Name            string          `json:"name"`
	PartyAccount    *partyAccount   `json:"partyAccount"`
	Product         []productRef    `json:"product"`
	RelatedParty    []any           `json:"relatedParty"`
	TotalBalance    *quantity       `json:"totalBalance"`
}

// accumulatedID is the account's id for its money, as Oracle has it, and the resource after
// it for an allowance.
func accumulatedID(o *billing.Owner, unit billing.Unit) string {
	id := accountID(o.ID)
	if n := allowanceResources[unit]; n != 0 {
		id += "+" + strconv.FormatInt(n, 10)
	}
	return id
}

// parseAccumulatedID reads it; a number that is no resource is the revision of the native form.
func parseAccumulatedID(text string) (o billing.OwnerID, unit billing.Unit, ok bool) {
	if o, ok = parseAccountID(text); !ok {
		return 0, "", false
	}
	if _, n, _ := splitID(text); len(n) == 2 {
		for u, resource := range allowanceResources {
			if resource == n[1] {
				unit = u
			}
		}
	}
	return o, unit, true
}

func (a *api) accumulated(l links, b *billing.BucketView) *accumulatedOut {
	id := accumulatedID(&b.Holder, b.Unit)
	out := &accumulatedOut{
		BaseType: "AccumulatedBalance", Type: "AccumulatedBalance", Bucket: []*bucketRef{l.bucket(bucketOf(&b.Holder, b.Unit))},
		Href: l.to("accumulatedBalance", id), ID: id, Name: string(b.Unit), PartyAccount: newPartyAccount(&b.Holder),
		TotalBalance: billed(b.Balance, b.Unit),
	}
	out.LogicalResource.Value = b.Holder.Username
	return out
}

func (a *api) getAccumulated(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	o, unit, ok := parseAccumulatedID(r.PathValue("id"))
	if !ok {
		return answer{}, noSuch("accumulated balance")
	}
	all, err := a.e.BucketsOf(r.Context(), o)
	if err != nil && billing.ErrorCode(err) == billing.NotFound {
		return answer{}, noSuch("accumulated balance")
	}
	if err != nil {
		return answer{}, err
	}
	for i := range all {
		if all[i].Unit == unit || unit == "" && all[i].Money() {
			return q.one(a.accumulated(linksOf(r), &all[i]))
		}
	}
	return answer{}, noSuch("accumulated balance")
}

func (a *api) listAccumulated(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	// Its id names its account too.
	if values, there := q.ids(); there && len(values) == 1 {
		o, _, ok := parseAccumulatedID(values[0])
		if !ok {
			return listed(nil, 0), nil
		}
		q.filters = append(q.filters, filter{path: "partyAccount.id", values: []string{accountID(o)}})
	}
	o, unit, known, err := a.ofBucket(r.Context(), q)
	if err != nil || !known {
		return listed(nil, 0), err
	}
	l := linksOf(r)
	return q.page(a.buckets(r.Context(), o, unit, q.needs, func(b *billing.BucketView) any { return a.accumulated(l, b) }))
}
