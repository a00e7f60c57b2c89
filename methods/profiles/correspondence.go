package profiles

import (
	"net/http"

	"topupd/billing"
)

type letter struct {
	ID                 *string `json:"id"`
	CustomerID         *string `json:"customerID"`
	CorrespondenceType string  `json:"correspondenceType"`
	ExpectedPaymentID  *string `json:"expectedPaymentID"`
	Recipient          *string `json:"recipient"`
	Subject            string  `json:"subject"`
	Body               string  `json:"body"`
	Delivered          bool    `json:"delivered"`
	DeliveredAt        *string `json:"deliveredAt"`
	Created            *string `json:"created"`
}

func letterShape(v *billing.LetterView) letter {
	return letter{
		ID: idText(v.Letter.ID), CustomerID: ownerText(v.Letter.Owner), CorrespondenceType: v.TypeName, ExpectedPaymentID: idText(v.Letter.Expected),
		Recipient: textOrNull(v.Notice.To), Subject: v.Notice.Subject, Body: v.Notice.Body, Delivered: v.Notice.State == billing.NoticeSent,
		DeliveredAt: timeText(v.Notice.SentAt), Created: timeText(v.Letter.CreatedAt),
	}
}

func (a *api) listLetters(r *http.Request) (answer, error) { return a.letters(r, 0) }

func (a *api) listLettersOf(r *http.Request) (answer, error) {
	o, err := customerOf(r)
	if err != nil {
		return answer{}, err
	}
	return a.letters(r, o)
}

func (a *api) letters(r *http.Request, o billing.OwnerID) (answer, error) {
	f, err := listFilter(r)
	if err != nil {
		return answer{}, err
	}
	p := billing.LettersParams{
		Owner: o, After: billing.LetterID(f.After), Limit: f.Limit, CreatedSince: f.CreatedSince, Type: r.URL.Query().Get("correspondenceType"),
	}
	if p.MinDate, err = dateOf(r, "minDate"); err != nil {
		return answer{}, err
	}
	if p.MaxDate, err = dateOf(r, "maxDate"); err != nil {
		return answer{}, err
	}
	if p.Delivered, err = flagOf(r, "delivered"); err != nil {
		return answer{}, err
	}
	if p.Undelivered, err = flagOf(r, "undelivered"); err != nil {
		return answer{}, err
	}
	list, err := a.e.Letters(r.Context(), p)
	return ok(all(list, letterShape)), err
}

func (a *api) getLetter(r *http.Request) (answer, error) {
	id, err := pathID(r, "id")
	if err != nil {
		return answer{}, err
	}
	v, err := a.e.Letter(r.Context(), billing.LetterID(id))
	return ok(letterShape(&v)), err
}

type letterType struct {
	ID   *string `json:"id"`
	Name string  `json:"name"`
}

func letterTypeShape(t *billing.LetterType) letterType { return letterType{idText(t.ID), t.Name} }

func (a *api) listLetterTypes(r *http.Request) (answer, error) {
	list, err := a.e.LetterTypes(r.Context())
	return ok(all(list, letterTypeShape)), err
}

func (a *api) createLetterType(r *http.Request) (answer, error) {
	m, err := body(r, "id")
	if err != nil {
		return answer{}, err
	}
	name := m.text("name")
	if err := m.end(); err != nil {
		return answer{}, err
	}
	if name.Value == nil {
		return answer{}, billing.Errorf(billing.Missing, "name", "name is required")
	}
	t, err := a.e.CreateLetterType(r.Context(), *name.Value)
	return answer{http.StatusCreated, letterTypeShape(&t)}, err
}
