package tmf654

import "topupd/billing"

// topupOut is a top-up as answers have it: every member is there, null where there is
// nothing.
type topupOut struct {
	BaseType            string           `json:"@baseType"`
	SchemaLocation      *string          `json:"@schemaLocation"`
	Type                string           `json:"@type"`
	Amount              *quantity        `json:"amount"`
	Bucket              *bucketRef       `json:"bucket"`
	Channel             any              `json:"channel"`
	ConfirmationDate    *string          `json:"confirmationDate"`
	Description         any              `json:"description"`
	Href                string           `json:"href"`
	ID                  string           `json:"id"`
	ImpactedBucket      []impactedBucket `json:"impactedBucket"`
	IsAutoTopup         bool             `json:"isAutoTopup"`
	LogicalResource     logicalResource  `json:"logicalResource"`
	NumberOfPeriods     *int64           `json:"numberOfPeriods"`
	PartyAccount        *partyAccount    `json:"partyAccount"`
	Payment             *paymentOut      `json:"payment"`
	PaymentMethod       *paymentMethod   `json:"paymentMethod"`
	Product             *productRef      `json:"product"`
	Reason              any              `json:"reason"`
	RecurringPeriod     *string          `json:"recurringPeriod"`
	RelatedParty        any              `json:"relatedParty"`
	RelatedTopupBalance any              `json:"relatedTopupBalance"`
	RequestedDate       *string          `json:"requestedDate"`
	Requestor           any              `json:"requestor"`
	Status              string           `json:"status"`
	UsageType           string           `json:"usageType"`
	Voucher             string           `json:"voucher"`
}

// paymentOut is what paid for a top-up.
type paymentOut struct {
	ID             string  `json:"id"`
	Href           string  `json:"href"`
	Name           string  `json:"name"`
	Amount         money   `json:"amount"`
	PaymentDate    *string `json:"paymentDate"`
	BaseType       string  `json:"@baseType"`
	SchemaLocation *string `json:"@schemaLocation"`
	Type           string  `json:"@type"`
	ReferredType   *string `json:"@referredType"`
}

// paymentMethod is a card.
type paymentMethod struct {
	ID             string        `json:"id"`
	Href           string        `json:"href"`
	Description    *string       `json:"description"`
	IsPreferred    bool          `json:"isPreferred"`
	Name           string        `json:"name"`
	Status         *string       `json:"status"`
	StatusDate     *string       `json:"statusDate"`
	Account        []methodOwner `json:"account"`
	RelatedParty   *string       `json:"relatedParty"`
	ValidFor       *string       `json:"validFor"`
	BaseType       *string       `json:"@baseType"`
	SchemaLocation *string       `json:"@schemaLocation"`
	Type           string        `json:"@type"`
	ReferredType   *string       `json:"@referredType"`
}

type methodOwner struct {
	ID             string  `json:"id"`
	Href           *string `json:"href"`
	Description    *string `json:"description"`
	Name           *string `json:"name"`
	BaseType       *string `json:"@baseType"`
	SchemaLocation *string `json:"@schemaLocation"`
	Type           *string `json:"@type"`
	ReferredType   *string `json:"@referredType"`
}

// The fixed names of the source page.
const (
	paymentName = "Billing Event Log"
	methodName  = "PIN Payinfo Object"
	methodType  = "tokenizedCard"
)

// relatedTopup links an execution to its rule.
type relatedTopup struct {
	ID             string  `json:"id"`
	Href           string  `json:"href"`
	Name           *string `json:"name"`
	Role           string  `json:"role"`
	BaseType       *string `json:"@baseType"`
	SchemaLocation *string `json:"@schemaLocation"`
	Type           *string `json:"@type"`
	ReferredType   string  `json:"@referredType"`
}

// topup is the shape of a top-up. A rule shows its newest execution where it was asked for
// by its id; in lists and in the history it shows its first, and the others are beside it.
func (a *api) topup(l links, v *billing.BalanceTopupView) *topupOut {
	e, t := parseExtra(v.Extra), &v.Latest
	id := topupID(v.ID)
	out := &topupOut{
		BaseType: "TopupBalance", Type: "TopupBalance", Amount: newQuantity(v.Amount, v.Unit), Bucket: l.bucket(moneyBucket(&v.Owner)),
		Channel: e.or("channel", nil), Description: e.or("description", nil), Href: l.to("topupBalance", id), ID: id,
		IsAutoTopup: v.IsRule(), LogicalResource: e.logical(), PartyAccount: newPartyAccount(&v.Owner),
		PaymentMethod: l.method(&v.Owner, v.Card), Product: newProduct(e.service(v.Services)), Reason: e.or("reason", nil),
		RelatedParty: e.or("relatedParty", nil), RelatedTopupBalance: e.or("relatedTopupBalance", nil), RequestedDate: a.at(v.CreatedAt),
		Requestor: e.or("requestor", nil), Status: topupStatus(v), UsageType: "monetary",
	}
	switch {
	case v.IsRule():
		text := periodTexts[v.Rule.Period]
		out.NumberOfPeriods, out.RecurringPeriod = v.Rule.Periods, &text
	case v.Rule != nil:
		parent := topupID(v.Rule.ID)
		out.RelatedTopupBalance = relatedTopup{ID: parent, Href: l.to("topupBalance", parent), Role: "parent", ReferredType: "TopupBalance"}
	}
	if t.Voucher != "" {
		out.Voucher = "****" + t.Voucher
	}
	if t.State != billing.TopupCompleted {
		return out
	}
	out.ConfirmationDate = a.at(t.SettledAt)
	if p := t.Payment(); p != 0 {
		pid := paymentID(p)
		out.Payment = &paymentOut{
			ID: pid, Href: l.payment(pid), Name: paymentName, Amount: money{string(t.Unit), number(t.Amount)},
			PaymentDate: a.at(t.SettledAt), BaseType: "Payment", Type: "Payment",
		}
	}
	if t.Before != nil && t.After != nil {
		out.ImpactedBucket = []impactedBucket{impact(l.bucket(moneyBucket(&v.Owner)), *t.Before, *t.After, t.Amount, t.Unit)}
	}
	return out
}

// topupStatus is the status of a top-up in Oracle's words; of a rule that was cancelled
// before its end that of the rule.
func topupStatus(v *billing.BalanceTopupView) string {
	if v.IsRule() && v.Rule.State == billing.RuleCancelled {
		return statusCancelled
	}
	switch v.Latest.State {
	case billing.TopupCompleted:
		return statusConfirmed
	case billing.TopupFailed:
		return statusFailed
	case billing.TopupCancelled:
		if v.IsRule() && v.Latest.ID == v.ID && v.Rule.State == billing.RuleActive {
			return statusCreated // it began elsewhere and goes on here: only its own period was not executed
		}
		return statusCancelled
	default:
		return statusCreated
	}
}

func (l links) method(o *billing.Owner, c *billing.Card) *paymentMethod {
	if c == nil {
		return nil
	}
	id := cardID(c.ID)
	return &paymentMethod{
		ID: id, Href: l.paymentMethod(id), IsPreferred: c.Primary, Name: methodName, Type: methodType,
		Account: []methodOwner{{ID: accountID(o.ID), Name: textOrNull(o.Name)}},
	}
}

// service is the one that the request named, or the owner's first; nil for none.
func (e extra) service(all []billing.Service) *billing.Service {
	id, err := e.product()
	for i := range all {
		if err != nil || id == 0 || all[i].ID == id {
			return &all[i]
		}
	}
	return nil
}
