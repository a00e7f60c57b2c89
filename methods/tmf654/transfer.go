package tmf654

import (
	"encoding/json"
	"net/http"
	"strings"

	"topupd/billing"
)

func (a *api) transferRoutes() []route {
	k := a.transfers()
	return []route{
		{method: "POST", path: "/transferBalance", handle: a.createTransfer, body: "TransferBalanceCreate"},
		{method: "GET", path: "/transferBalance", handle: k.all},
		{method: "GET", path: "/transferBalance/{id}", handle: k.get},
		{method: "PATCH", path: "/transferBalance/{id}", handle: a.updateTransfer, body: "TransferBalanceUpdate"},
		{method: "DELETE", path: "/transferBalance/{id}", handle: k.keep},
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

func (a *api) transfers() *kind[billing.Transfer] {
	return &kind[billing.Transfer]{
		a: a, kind: billing.ActionTransfer, resource: "transferBalance", word: "transfer", booked: "a transfer",
		find: a.e.TransferByID, list: a.e.Transfers,
		id:     func(t *billing.Transfer) billing.ActionID { return t.ID },
		unit:   func(t *billing.Transfer) billing.Unit { return t.Unit },
		owners: func(t *billing.Transfer) []billing.OwnerID { return []billing.OwnerID{t.From, t.To} },
		shape: func(l links, t *billing.Transfer, owners map[billing.OwnerID]billing.Owner) any {
			return a.transfer(l, t, owners)
		},
	}
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
	case c.twice():
		return 0, "", wrongMember("transferCost", "transferCost says two amounts, in amount and units and in value and unit")
	case amount.Unit != unit:
		return 0, "", wrongMember("transferCost.units", "transferCost is in the unit of amount")
	case amount.Micros == 0:
		return 0, billing.CostByNobody, nil
	}
	return amount.Micros, by, nil
}

// twice reports whether both forms are there and differ.
func (c *costIn) twice() bool {
	if c.Amount == nil && c.Units == nil || c.Value == nil && c.Unit == nil {
		return false
	}
	other := quantityIn{c.Value, c.Unit}
	a, err := c.kept("transferCost")
	b, otherErr := other.kept("transferCost")
	return err != nil || otherErr != nil || a != b
}

type transferIn struct {
	actionIn
	ReceiverBucket          *ref            `json:"receiverBucket"`
	ReceiverPartyAccount    *ref            `json:"receiverPartyAccount"`
	ReceiverLogicalResource json.RawMessage `json:"receiverLogicalResource"`
	ReceiverUsageType       *string         `json:"receiverBucketUsageType"`
	TransferCost            *costIn         `json:"transferCost"`
	CostOwner               *string         `json:"costOwner"`
}

// readTransfer reads a transfer, and who is part of it.
func (a *api) readTransfer(r *http.Request) (p billing.TransferParams, from, to billing.Owner, err error) {
	var in transferIn
	if err := read(r, &in); err != nil {
		return p, from, to, err
	}
	amount, err := in.amount()
	if err == nil {
		err = fitsUsage("receiverBucketUsageType", in.ReceiverUsageType, amount.Unit)
	}
	if err != nil {
		return p, from, to, err
	}
	p.Unit, p.Amount = amount.Unit, amount.Micros
	if p.Cost, p.CostBy, err = in.TransferCost.read(in.CostOwner, p.Unit); err != nil {
		return p, from, to, err
	}
	if from, err = in.holder(r.Context(), a, p.Unit); err != nil {
		return p, from, to, err
	}
	to, err = a.holder(r.Context(), side{
		prefix: "receiver", bucket: in.ReceiverBucket, account: in.ReceiverPartyAccount, logical: in.ReceiverLogicalResource,
	}, p.Unit)
	if err != nil {
		return p, from, to, err
	}
	p.From, p.To = from.ID, to.ID
	e, kept, err := newBody(r, transferEchoes)
	p.Notes, p.Extra = e.word("reason"), kept
	return p, from, to, err
}

func (a *api) createTransfer(r *http.Request) (answer, error) {
	p, from, to, err := a.readTransfer(r)
	if err != nil {
		return answer{}, err
	}
	t, err := a.e.Transfer(r.Context(), p)
	return a.transfers().made(r, t, err, from, to)
}

func (a *api) updateTransfer(r *http.Request) (answer, error) {
	return a.transfers().describe(r, actionEchoes, a.e.DescribeTransfer)
}
