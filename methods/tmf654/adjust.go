package tmf654

import (
	"net/http"

	"topupd/billing"
)

func (a *api) adjustRoutes() []route {
	k := a.adjusts()
	return []route{
		{method: "POST", path: "/adjustBalance", handle: a.createAdjust, body: "AdjustBalanceCreate"},
		{method: "GET", path: "/adjustBalance", handle: k.all},
		{method: "GET", path: "/adjustBalance/{id}", handle: k.get},
		{method: "PATCH", path: "/adjustBalance/{id}", handle: a.updateAdjust, body: "AdjustBalanceUpdate"},
		{method: "DELETE", path: "/adjustBalance/{id}", handle: k.keep},
	}
}

// adjustOut is an adjustment as answers have it.
type adjustOut struct {
	BaseType         string           `json:"@baseType"`
	SchemaLocation   *string          `json:"@schemaLocation"`
	Type             string           `json:"@type"`
	AdjustType       any              `json:"adjustType"`
	Amount           *quantity        `json:"amount"`
	Bucket           *bucketRef       `json:"bucket"`
	Channel          any              `json:"channel"`
	ConfirmationDate *string          `json:"confirmationDate"`
	Description      any              `json:"description"`
	Href             string           `json:"href"`
	ID               string           `json:"id"`
	ImpactedBucket   []impactedBucket `json:"impactedBucket"`
	LogicalResource  logicalResource  `json:"logicalResource"`
	PartyAccount     *partyAccount    `json:"partyAccount"`
	Product          any              `json:"product"`
	Reason           any              `json:"reason"`
	RelatedParty     any              `json:"relatedParty"`
	RequestedDate    *string          `json:"requestedDate"`
	Requestor        any              `json:"requestor"`
	Status           string           `json:"status"`
	UsageType        string           `json:"usageType"`
}

func (a *api) adjust(l links, x *billing.Adjustment, owners map[billing.OwnerID]billing.Owner) *adjustOut {
	e, o, id := parseExtra(x.Extra), owners[x.Owner], actionID(billing.ActionAdjustment, x.ID)
	bucket := l.bucket(bucketOf(&o, x.Unit))
	return &adjustOut{
		BaseType: "AdjustBalance", Type: "AdjustBalance", AdjustType: e.or("adjustType", nil), Amount: newQuantity(x.Amount, x.Unit),
		Bucket: bucket, Channel: e.or("channel", nil), ConfirmationDate: a.at(x.CreatedAt), Description: e.or("description", nil),
		Href: l.to("adjustBalance", id), ID: id,
		ImpactedBucket:  []impactedBucket{impact(bucket, x.Before, x.Before+x.Amount, x.Amount, x.Unit)},
		LogicalResource: e.logical(), PartyAccount: newPartyAccount(&o), Product: e.first("product"), Reason: e.or("reason", nil),
		RelatedParty: e.or("relatedParty", nil), RequestedDate: a.at(x.CreatedAt), Requestor: e.or("requestor", nil),
		Status: statusConfirmed, UsageType: usageType(x.Unit),
	}
}

func (a *api) adjusts() *kind[billing.Adjustment] {
	return &kind[billing.Adjustment]{
		a: a, kind: billing.ActionAdjustment, resource: "adjustBalance", word: "adjustment", booked: "an adjustment",
		find: a.e.Adjustment, list: a.e.Adjustments,
		id:     func(x *billing.Adjustment) billing.ActionID { return x.ID },
		unit:   func(x *billing.Adjustment) billing.Unit { return x.Unit },
		owners: func(x *billing.Adjustment) []billing.OwnerID { return []billing.OwnerID{x.Owner} },
		shape: func(l links, x *billing.Adjustment, owners map[billing.OwnerID]billing.Owner) any {
			return a.adjust(l, x, owners)
		},
	}
}

// adjustEchoes are the members that are kept, and that a PATCH may bring.
var adjustEchoes = append([]string{"adjustType"}, actionEchoes...)

func (a *api) createAdjust(r *http.Request) (answer, error) {
	var in actionIn
	if err := read(r, &in); err != nil {
		return answer{}, err
	}
	amount, err := in.amount()
	if err != nil {
		return answer{}, err
	}
	o, err := in.holder(r.Context(), a, amount.Unit)
	if err != nil {
		return answer{}, err
	}
	e, kept, err := newBody(r, adjustEchoes)
	if err != nil {
		return answer{}, err
	}
	x, err := a.e.Adjust(r.Context(), billing.AdjustParams{
		Owner: o.ID, Unit: amount.Unit, Amount: amount.Micros, Notes: e.word("reason"), Extra: kept,
	})
	return a.adjusts().made(r, x, err, o)
}

func (a *api) updateAdjust(r *http.Request) (answer, error) {
	return a.adjusts().describe(r, adjustEchoes, a.e.DescribeAdjustment)
}
