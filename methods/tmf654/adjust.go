package tmf654

import (
	"context"
	"encoding/json"
	"net/http"

	"topupd/billing"
)

func (a *api) adjustRoutes() []route {
	return []route{
		{method: "POST", path: "/adjustBalance", handle: a.createAdjust, body: "AdjustBalanceCreate"},
		{method: "GET", path: "/adjustBalance", handle: a.listAdjusts},
		{method: "GET", path: "/adjustBalance/{id}", handle: a.getAdjust},
		{method: "PATCH", path: "/adjustBalance/{id}", handle: a.updateAdjust, body: "AdjustBalanceUpdate"},
		{method: "DELETE", path: "/adjustBalance/{id}", handle: a.deleteAdjust},
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

func (a *api) showAdjust(ctx context.Context, l links, x *billing.Adjustment) (*adjustOut, error) {
	owners, err := a.e.Holders(ctx, x.Owner)
	if err != nil {
		return nil, err
	}
	return a.adjust(l, x, owners), nil
}

// adjustEchoes are the members that are kept, and that a PATCH may bring.
var adjustEchoes = append([]string{"adjustType"}, actionEchoes...)

func (a *api) createAdjust(r *http.Request) (answer, error) {
	var in struct {
		Amount          *quantityIn     `json:"amount"`
		Bucket          *ref            `json:"bucket"`
		PartyAccount    *ref            `json:"partyAccount"`
		LogicalResource json.RawMessage `json:"logicalResource"`
		UsageType       *string         `json:"usageType"`
	}
	if err := read(r, &in); err != nil {
		return answer{}, err
	}
	amount, err := in.Amount.kept("amount")
	if err == nil {
		err = fitsUsage("usageType", in.UsageType, amount.Unit)
	}
	if err != nil {
		return answer{}, err
	}
	o, err := a.holder(r.Context(), side{bucket: in.Bucket, account: in.PartyAccount, logical: in.LogicalResource}, amount.Unit)
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
	if err != nil {
		return answer{}, err
	}
	out, err := a.showAdjust(r.Context(), linksOf(r), &x)
	if err != nil {
		return answer{}, err
	}
	return created(out.Href, out), nil
}

func (a *api) getAdjust(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	x, err := a.adjustAt(r)
	if err != nil {
		return answer{}, err
	}
	out, err := a.showAdjust(r.Context(), linksOf(r), &x)
	if err != nil {
		return answer{}, err
	}
	return q.one(out)
}

func (a *api) adjustAt(r *http.Request) (billing.Adjustment, error) {
	id, err := actionAt(r, billing.ActionAdjustment, "adjustment")
	if err != nil {
		return billing.Adjustment{}, err
	}
	return a.e.Adjustment(r.Context(), id)
}

func (a *api) listAdjusts(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	o, unit, known, err := a.ofBucket(r.Context(), q)
	if err != nil || !known {
		return listed(nil, 0), err
	}
	l := linksOf(r)
	list := func(f billing.ActionFilter) ([]billing.Adjustment, error) { return a.e.Adjustments(r.Context(), f) }
	show := func(page []billing.Adjustment) ([]any, error) {
		ids := make([]billing.OwnerID, len(page))
		for i := range page {
			ids[i] = page[i].Owner
		}
		owners, err := a.e.Holders(r.Context(), ids...)
		all := make([]any, len(page))
		for i := range page {
			if err == nil && (unit == "" || page[i].Unit == unit) {
				all[i] = a.adjust(l, &page[i], owners)
			}
		}
		return all, err
	}
	return q.page(records(list, func(x *billing.Adjustment) billing.ActionID { return x.ID }, show, o))
}

func (a *api) updateAdjust(r *http.Request) (answer, error) {
	x, err := a.adjustAt(r)
	if err != nil {
		return answer{}, err
	}
	change, status, err := patchOf(r, adjustEchoes)
	if err == nil {
		err = final("an adjustment", status)
	}
	if err != nil {
		return answer{}, err
	}
	if x, err = a.e.DescribeAdjustment(r.Context(), x.ID, change); err != nil {
		return answer{}, err
	}
	out, err := a.showAdjust(r.Context(), linksOf(r), &x)
	return ok(out), err
}

func (a *api) deleteAdjust(r *http.Request) (answer, error) {
	if _, err := a.adjustAt(r); err != nil {
		return answer{}, err
	}
	return answer{}, undeletable("an adjustment")
}

func (a *api) adjustOfEvent(ctx context.Context, ev *billing.Event, l links) (any, string, error) {
	var x billing.Adjustment
	if err := json.Unmarshal([]byte(ev.Record), &x); err != nil {
		return nil, "", err
	}
	out, err := a.showAdjust(ctx, l, &x)
	if err != nil {
		return nil, "", err
	}
	return out, out.ID, nil
}
