package profiles

import (
	"encoding/json"
	"net/http"

	"topupd/billing"
)

// evaluation is what the next run would do for one customer.
type evaluation struct {
	CustomerID    *string         `json:"customerID"`
	Currency      string          `json:"currency"`
	TriggerBasis  string          `json:"triggerBasis"`
	Basis         json.RawMessage `json:"basis"`
	Limit         json.RawMessage `json:"limit"`
	Threshold     json.RawMessage `json:"threshold"`
	Fires         bool            `json:"fires"`
	Outcome       string          `json:"outcome"`
	Reason        string          `json:"reason"`
	Detail        *string         `json:"detail"`
	Amount        json.RawMessage `json:"amount"`
	Method        *string         `json:"method"`
	PaymentCardID *string         `json:"paymentCardID"`
	StillBelow    bool            `json:"stillBelow"`
}

func evaluationOf(d *billing.Decision) evaluation {
	t := d.Topup
	e := evaluation{
		CustomerID: ownerText(d.Owner), Currency: string(d.Unit), TriggerBasis: t.Basis.Word(), Basis: money(t.Debt),
		Limit: moneyOrNull(t.Limit), Threshold: moneyOrNull(t.Threshold), Fires: d.Low, Outcome: "skip", Reason: string(d.Reason),
		Detail: textOrNull(d.Detail), Amount: moneyOrNull(nil), StillBelow: t.StillLow,
	}
	if t.Amount > 0 {
		e.Outcome, e.Amount, e.Method = "expectedPayment", money(t.Amount), textOrNull(string(t.Method))
	}
	if d.Charge != nil {
		e.Outcome, e.PaymentCardID = "cardPayment", idText(d.Charge.Card.ID)
	}
	return e
}

// evaluate is a dry run over the profile's customers; it takes no body.
func (a *api) evaluate(r *http.Request) (answer, error) {
	id, err := pathID(r, "id")
	if err != nil {
		return answer{}, err
	}
	f, err := listFilter(r)
	if err != nil {
		return answer{}, err
	}
	list, err := a.e.Evaluate(r.Context(), billing.ProfileID(id), billing.Customer(f.After), f.Limit)
	return answer{http.StatusOK, all(list, evaluationOf)}, err
}
