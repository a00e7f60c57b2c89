package profiles

import (
	"encoding/json"
	"net/http"

	"topupd/billing"
)

// customer is a customer as far as profiles go.
type customer struct {
	ID                 *string                    `json:"id"`
	Name               string                     `json:"name"`
	Currency           string                     `json:"currency"`
	AutoTopupProfileID *string                    `json:"autoTopupProfileID"`
	AutoTopupAmount    json.RawMessage            `json:"autoTopupAmount"`
	Outstanding        json.RawMessage            `json:"outstanding"`
	Overdue            json.RawMessage            `json:"overdue"`
	UnbilledCalls      json.RawMessage            `json:"unbilledCalls"`
	Limits             map[string]json.RawMessage `json:"limits"`
	PaymentType        *string                    `json:"paymentType"`
	AutoTopupSuspended *string                    `json:"autoTopupSuspended"`
	Created            *string                    `json:"created"`
	Updated            *string                    `json:"updated"`
}

func customerShape(c *billing.TopupCustomer) customer {
	t := &c.Terms
	shape := customer{
		ID: ownerText(c.Owner.ID), Name: c.Owner.Name, Currency: string(c.Owner.Currency), AutoTopupProfileID: idText(t.Profile),
		AutoTopupAmount: moneyOrNull(t.Amount), Outstanding: money(t.Outstanding), Overdue: money(t.Overdue), UnbilledCalls: money(t.Unbilled),
		Limits: map[string]json.RawMessage{}, PaymentType: textOrNull(string(t.PaymentType)), AutoTopupSuspended: textOrNull(string(t.Suspended)),
		Created: timeText(c.Owner.CreatedAt), Updated: timeText(c.UpdatedAt()),
	}
	for _, l := range t.Limits {
		shape.Limits[l.Name] = money(l.Micros)
	}
	return shape
}

func (a *api) listCustomers(r *http.Request) (answer, error) {
	f, err := listFilter(r)
	if err != nil {
		return answer{}, err
	}
	list, err := a.e.TopupCustomers(r.Context(), f)
	return ok(all(list, customerShape)), err
}

func (a *api) getCustomer(r *http.Request) (answer, error) {
	o, err := customerOf(r)
	if err != nil {
		return answer{}, err
	}
	c, err := a.e.TopupCustomer(r.Context(), o)
	return ok(customerShape(&c)), err
}

func (a *api) updateCustomer(r *http.Request) (answer, error) {
	o, err := customerOf(r)
	if err != nil {
		return answer{}, err
	}
	m, err := body(r, "id")
	if err != nil {
		return answer{}, err
	}
	p := billing.TopupTermsParams{
		Owner: o, Profile: m.id("autoTopupProfileID"), Amount: m.money("autoTopupAmount"), Outstanding: m.money("outstanding"),
		Overdue: m.money("overdue"), Unbilled: m.money("unbilledCalls"), PaymentType: m.text("paymentType"), Limits: m.limits("limits"),
	}
	if err := m.end(); err != nil {
		return answer{}, err
	}
	c, err := a.e.UpdateTopupTerms(r.Context(), p)
	return answer{http.StatusOK, customerShape(&c)}, err
}
