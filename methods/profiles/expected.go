package profiles

import (
	"encoding/json"
	"net/http"
	"strconv"

	"topupd/billing"
)

type expectedPayment struct {
	OurReference            *string         `json:"ourReference"`
	CustomerReference       *string         `json:"customerReference"`
	ExpectedPaymentType     string          `json:"expectedPaymentType"`
	ExpectedPaymentDueDate  string          `json:"expectedPaymentDueDate"`
	RequestedPaymentTypeIDs []string        `json:"requestedPaymentTypeIDs"`
	ExpectedPaymentAmount   json.RawMessage `json:"expectedPaymentAmount"`
	Currency                string          `json:"currency"`
	DirectDebitAccountID    *string         `json:"directDebitAccountID"`
	PaymentCardID           *string         `json:"paymentCardID"`
	PaymentID               *string         `json:"paymentID"`
	Complete                bool            `json:"complete"`
	AutoTopupProfileID      *string         `json:"autoTopupProfileID"`
	NotCollectedReason      *string         `json:"notCollectedReason"`
	Created                 *string         `json:"created"`
	Updated                 *string         `json:"updated"`
	ID                      *string         `json:"id"`
	RevisionNumber          string          `json:"revisionNumber"`
	CustomerID              *string         `json:"customerID"`
}

// expectedShapes shows expected payments, each with its type's name.
func (a *api) expectedShapes(r *http.Request) (func(*billing.ExpectedPayment) expectedPayment, error) {
	types, err := a.e.ExpectedTypes(r.Context(), billing.ListFilter{})
	names := make(map[billing.ExpectedTypeID]string, len(types))
	for _, t := range types {
		names[t.ID] = t.Name
	}
	return func(e *billing.ExpectedPayment) expectedPayment { return expectedShape(e, names[e.Type]) }, err
}

func (a *api) oneExpected(r *http.Request, status int, e *billing.ExpectedPayment) (answer, error) {
	shape, err := a.expectedShapes(r)
	if err != nil {
		return answer{}, err
	}
	return answer{status, shape(e)}, nil
}

func expectedShape(e *billing.ExpectedPayment, kind string) expectedPayment {
	return expectedPayment{
		OurReference: textOrNull(e.OurReference), CustomerReference: textOrNull(e.CustomerReference), ExpectedPaymentType: kind,
		ExpectedPaymentDueDate: e.Date, RequestedPaymentTypeIDs: []string{}, ExpectedPaymentAmount: money(e.Amount), Currency: string(e.Unit),
		PaymentCardID: idText(e.Card), PaymentID: idText(e.Payment), Complete: !e.FulfilledAt.IsZero(), AutoTopupProfileID: idText(e.Profile),
		NotCollectedReason: textOrNull(string(e.Reason)), Created: timeText(e.CreatedAt), Updated: timeText(e.UpdatedAt), ID: idText(e.ID),
		RevisionNumber: strconv.FormatInt(e.Revision, 10), CustomerID: ownerText(e.Owner),
	}
}

// expectedFilter: open ones, unless complete (only those that are fulfilled), includeComplete
// (all) or a paymentID is asked for.
func expectedFilter(r *http.Request) (f billing.ExpectedFilter, err error) {
	if f.ListFilter, err = listFilter(r); err != nil {
		return f, err
	}
	if f.Complete, err = flagOf(r, "complete"); err != nil {
		return f, err
	}
	every, err := flagOf(r, "includeComplete")
	if err != nil {
		return f, err
	}
	payment, err := number(r.URL.Query().Get("paymentID"), "paymentID", 1)
	f.Payment = billing.PaymentID(payment)
	f.Open = !f.Complete && !every && payment == 0
	return f, err
}

func (a *api) listExpected(r *http.Request) (answer, error) { return a.expectedList(r, 0) }

func (a *api) listExpectedOf(r *http.Request) (answer, error) {
	o, err := customerOf(r)
	if err != nil {
		return answer{}, err
	}
	return a.expectedList(r, o)
}

func (a *api) expectedList(r *http.Request, o billing.OwnerID) (answer, error) {
	f, err := expectedFilter(r)
	if err != nil {
		return answer{}, err
	}
	f.Owner = o
	list, err := a.e.ExpectedPayments(r.Context(), f)
	if err != nil {
		return answer{}, err
	}
	shape, err := a.expectedShapes(r)
	return ok(all(list, shape)), err
}

func (a *api) getExpected(r *http.Request) (answer, error) {
	id, err := pathID(r, "id")
	if err != nil {
		return answer{}, err
	}
	e, err := a.e.ExpectedPayment(r.Context(), billing.ExpectedID(id))
	if err != nil {
		return answer{}, err
	}
	return a.oneExpected(r, http.StatusOK, &e)
}

func (a *api) createExpected(r *http.Request) (answer, error) {
	o, err := customerOf(r)
	if err != nil {
		return answer{}, err
	}
	m, err := body(r, "id")
	if err != nil {
		return answer{}, err
	}
	p := billing.CreateExpectedParams{
		Owner: o, Type: m.text("expectedPaymentType"), Amount: m.money("expectedPaymentAmount"), Due: m.text("expectedPaymentDueDate"),
		OurReference: m.text("ourReference"), CustomerReference: m.text("customerReference"),
	}
	if err := m.end(); err != nil {
		return answer{}, err
	}
	e, err := a.e.CreateExpected(r.Context(), p)
	if err != nil {
		return answer{}, err
	}
	return a.oneExpected(r, http.StatusCreated, &e)
}

func (a *api) updateExpected(r *http.Request) (answer, error) {
	id, err := pathID(r, "id")
	if err != nil {
		return answer{}, err
	}
	m, err := body(r, "id")
	if err != nil {
		return answer{}, err
	}
	p := billing.ExpectedParams{
		ID: billing.ExpectedID(id), OurReference: m.text("ourReference"), CustomerReference: m.text("customerReference"),
	}
	if payment := m.id("paymentID"); payment.Given {
		p.Payment = billing.ToNull[billing.PaymentID]()
		if payment.Value != nil {
			p.Payment = billing.To(billing.PaymentID(*payment.Value))
		}
	}
	if err := m.end(); err != nil {
		return answer{}, err
	}
	e, err := a.e.UpdateExpected(r.Context(), p)
	if err != nil {
		return answer{}, err
	}
	return a.oneExpected(r, http.StatusOK, &e)
}

func (a *api) deleteExpected(r *http.Request) (answer, error) {
	id, err := pathID(r, "id")
	if err == nil {
		err = a.e.DeleteExpected(r.Context(), billing.ExpectedID(id))
	}
	return answer{status: http.StatusNoContent}, err
}
