package tmf654

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"topupd/billing"
)

func (a *api) transferRoutes() []route {
	return []route{
		{method: "POST", path: "/transferBalance", handle: a.createTransfer, body: "TransferBalanceCreate"},
		{method: "GET", path: "/transferBalance", handle: a.listTransfers},
		{method: "GET", path: "/transferBalance/{id}", handle: a.getTransfer},
		{method: "PATCH", path: "/transferBalance/{id}", handle: a.updateTransfer, body: "TransferBalanceUpdate"},
		{method: "DELETE", path: "/transferBalance/{id}", handle: a.deleteTransfer},
	}
}

// transferOut is a transfer as answers have it.
type transferOut struct {
	BaseType                string           `json:"@baseType"`
	SchemaLocation          *string          `json:"@schemaLocation"`
	Type                    string           `json:"@type"`
	Amount                  *quantity        `json:"amount"`
	Bucket                  *bucketRef       `json:"bucket"`
	Channel                 any              `json:"channel"`
	ConfirmationDate        *string          `json:"confirmationDate"`
	CostOwner               *string          `json:"costOwner"`
	Description             any              `json:"description"`
	Href                    string           `json:"href"`
	ID                      string           `json:"id"`
	ImpactedBucket          []impactedBucket `json:"impactedBucket"`
	LogicalResource         logicalResource  `json:"logicalResource"`
	PartyAccount            *partyAccount    `json:"partyAccount"`
	Product                 any              `json:"product"`
	Reason                  any              `json:"reason"`
	Receiver                any              `json:"receiver"`
	ReceiverBucket          *bucketRef       `json:"receiverBucket"`
	ReceiverBucketUsageType string           `json:"receiverBucketUsageType"`
	ReceiverLogicalResource logicalResource  `json:"receiverLogicalResource"`
	ReceiverPartyAccount    *partyAccount    `json:"receiverPartyAccount"`
	ReceiverProduct         any              `json:"receiverProduct"`
	RelatedParty            any              `json:"relatedParty"`
	RequestedDate           *string          `json:"requestedDate"`
	Requestor               any              `json:"requestor"`
	Status                  string           `json:"status"`
	TransferCost            *quantity        `json:"transferCost"`
	UsageType               string           `json:"usageType"`
}

func (a *api) transfer(l links, t *billing.Transfer, owners map[billing.OwnerID]billing.Owner) *transferOut {
	e, from, to, id := parseExtra(t.Extra), owners[t.From], owners[t.To], actionID(billing.ActionTransfer, t.ID)
	gives, gets := l.bucket(bucketOf(&from, t.Unit)), l.bucket(bucketOf(&to, t.Unit))
	out := &transferOut{
		BaseType: "TransferBalance", Type: "TransferBalance", Amount: newQuantity(t.Amount, t.Unit), Bucket: gives,
		Channel: e.or("channel", nil), ConfirmationDate: a.at(t.CreatedAt), CostOwner: textOrNull(string(t.CostBy)),
		Description: e.or("description", nil), Href: l.to("transferBalance", id), ID: id,
		ImpactedBucket: []impactedBucket{
			impact(gives, t.FromBefore, t.FromBefore-t.Taken(), t.Taken(), t.Unit),
			impact(gets, t.ToBefore, t.ToBefore+t.Given(), t.Given(), t.Unit),
		},
		LogicalResource: e.logical(), PartyAccount: newPartyAccount(&from), Product: e.first("product"), Reason: e.or("reason", nil),
		Receiver: e.or("receiver", nil), ReceiverBucket: gets, ReceiverBucketUsageType: usageType(t.Unit),
		ReceiverPartyAccount: newPartyAccount(&to), ReceiverProduct: e.first("receiverProduct"), RelatedParty: e.or("relatedParty", nil),
		RequestedDate: a.at(t.CreatedAt), Requestor: e.or("requestor", nil), Status: statusConfirmed, UsageType: usageType(t.Unit),
	}
	out.ReceiverLogicalResource = extra{"logicalResource": e["receiverLogicalResource"]}.logical()
	if t.Cost != 0 {
		out.TransferCost = newQuantity(t.Cost, t.Unit)
	}
	return out
}

func (a *api) showTransfer(ctx context.Context, l links, t *billing.Transfer) (*transferOut, error) {
	owners, err := a.e.Holders(ctx, t.From, t.To)
	if err != nil {
		return nil, err
	}
	return a.transfer(l, t, owners), nil
}

// transferEchoes are the members that are kept; a PATCH brings those of every action only.
var transferEchoes = append([]string{"receiver", "receiverLogicalResource", "receiverProduct"}, actionEchoes...)

// costIn is what a transfer costs, as a quantity or, as in the draft, as money.
type costIn struct {
	quantityIn
	Value *text   `json:"value"`
	Unit  *string `json:"unit"`
}

// read is the cost in the unit of the transfer, and who pays; nothing for a cost of 0.
func (c *costIn) read(owner *string, unit billing.Unit) (cost int64, by billing.CostBearer, err error) {
	by = billing.CostByOriginator
	if owner != nil {
		by = billing.CostBearer(strings.ToLower(*owner))
		if by != billing.CostByOriginator && by != billing.CostByReceiver {
			return 0, "", wrongMember("costOwner", "costOwner is originator or receiver")
		}
	}
	if c == nil {
		return 0, billing.CostByNobody, nil
	}
	q := c.quantityIn
	if q.Amount == nil && q.Units == nil {
		q = quantityIn{c.Value, c.Unit}
	}
	amount, err := q.kept("transferCost")
	switch {
	case err != nil:
		return 0, "", err
	case amount.Unit != unit:
		return 0, "", wrongMember("transferCost.units", "transferCost is in the unit of amount")
	case amount.Micros == 0:
		return 0, billing.CostByNobody, nil
	}
	return amount.Micros, by, nil
}

type transferIn struct {
	Amount                  *quantityIn     `json:"amount"`
	Bucket                  *ref            `json:"bucket"`
	PartyAccount            *ref            `json:"partyAccount"`
	LogicalResource         json.RawMessage `json:"logicalResource"`
	UsageType               *string         `json:"usageType"`
	ReceiverBucket          *ref            `json:"receiverBucket"`
	ReceiverPartyAccount    *ref            `json:"receiverPartyAccount"`
	ReceiverLogicalResource json.RawMessage `json:"receiverLogicalResource"`
	ReceiverUsageType       *string         `json:"receiverBucketUsageType"`
	TransferCost            *costIn         `json:"transferCost"`
	CostOwner               *string         `json:"costOwner"`
}

func (a *api) readTransfer(r *http.Request) (p billing.TransferParams, err error) {
	var in transferIn
	if err := read(r, &in); err != nil {
		return p, err
	}
	amount, err := in.Amount.kept("amount")
	if err == nil {
		err = fitsUsage("usageType", in.UsageType, amount.Unit)
	}
	if err == nil {
		err = fitsUsage("receiverBucketUsageType", in.ReceiverUsageType, amount.Unit)
	}
	if err != nil {
		return p, err
	}
	p.Unit, p.Amount = amount.Unit, amount.Micros
	if p.Cost, p.CostBy, err = in.TransferCost.read(in.CostOwner, p.Unit); err != nil {
		return p, err
	}
	from, err := a.holder(r.Context(), side{bucket: in.Bucket, account: in.PartyAccount, logical: in.LogicalResource}, p.Unit)
	if err != nil {
		return p, err
	}
	to, err := a.holder(r.Context(), side{
		prefix: "receiver", bucket: in.ReceiverBucket, account: in.ReceiverPartyAccount, logical: in.ReceiverLogicalResource,
	}, p.Unit)
	if err != nil {
		return p, err
	}
	p.From, p.To = from.ID, to.ID
	e, kept, err := newBody(r, transferEchoes)
	p.Notes, p.Extra = e.word("reason"), kept
	return p, err
}

func (a *api) createTransfer(r *http.Request) (answer, error) {
	p, err := a.readTransfer(r)
	if err != nil {
		return answer{}, err
	}
	t, err := a.e.Transfer(r.Context(), p)
	if err != nil {
		return answer{}, err
	}
	out, err := a.showTransfer(r.Context(), linksOf(r), &t)
	if err != nil {
		return answer{}, err
	}
	return created(out.Href, out), nil
}

func (a *api) getTransfer(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	t, err := a.transferAt(r)
	if err != nil {
		return answer{}, err
	}
	out, err := a.showTransfer(r.Context(), linksOf(r), &t)
	if err != nil {
		return answer{}, err
	}
	return q.one(out)
}

func (a *api) transferAt(r *http.Request) (billing.Transfer, error) {
	id, err := actionAt(r, billing.ActionTransfer, "transfer")
	if err != nil {
		return billing.Transfer{}, err
	}
	return a.e.TransferByID(r.Context(), id)
}

func (a *api) listTransfers(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	o, unit, known, err := a.ofBucket(r.Context(), q)
	if err != nil || !known {
		return listed(nil, 0), err
	}
	l := linksOf(r)
	list := func(f billing.ActionFilter) ([]billing.Transfer, error) { return a.e.Transfers(r.Context(), f) }
	show := func(page []billing.Transfer) ([]any, error) {
		var ids []billing.OwnerID
		for i := range page {
			ids = append(ids, page[i].From, page[i].To)
		}
		owners, err := a.e.Holders(r.Context(), ids...)
		all := make([]any, len(page))
		for i := range page {
			if err == nil && (unit == "" || page[i].Unit == unit) {
				all[i] = a.transfer(l, &page[i], owners)
			}
		}
		return all, err
	}
	return q.page(records(list, func(t *billing.Transfer) billing.ActionID { return t.ID }, show, o))
}

func (a *api) updateTransfer(r *http.Request) (answer, error) {
	t, err := a.transferAt(r)
	if err != nil {
		return answer{}, err
	}
	change, status, err := patchOf(r, actionEchoes)
	if err == nil {
		err = final("a transfer", status)
	}
	if err != nil {
		return answer{}, err
	}
	if t, err = a.e.DescribeTransfer(r.Context(), t.ID, change); err != nil {
		return answer{}, err
	}
	out, err := a.showTransfer(r.Context(), linksOf(r), &t)
	return ok(out), err
}

func (a *api) deleteTransfer(r *http.Request) (answer, error) {
	if _, err := a.transferAt(r); err != nil {
		return answer{}, err
	}
	return answer{}, undeletable("a transfer")
}

func (a *api) transferOfEvent(ctx context.Context, ev *billing.Event, l links) (any, string, error) {
	var t billing.Transfer
	if err := json.Unmarshal([]byte(ev.Record), &t); err != nil {
		return nil, "", err
	}
	out, err := a.showTransfer(ctx, l, &t)
	if err != nil {
		return nil, "", err
	}
	return out, out.ID, nil
}
