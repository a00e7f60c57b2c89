package profiles

import (
	"fmt"
	"net/http"

	"topupd/billing"
)

// paymentCard is a card; its token is nobody's business.
type paymentCard struct {
	ID                         *string  `json:"id"`
	CustomerID                 *string  `json:"customerID"`
	PaymentCardPriority        int      `json:"paymentCardPriority"`
	CardholderName             *string  `json:"cardholderName"`
	PaymentCardType            *string  `json:"paymentCardType"`
	PANLastDigits              *string  `json:"PANLastDigits"`
	ExpiryDate                 *string  `json:"expiryDate"`
	PaymentCardCollectionTypes []string `json:"paymentCardCollectionTypes"`
	UseForPaymentTypes         []string `json:"useForPaymentTypes"`
	Usable                     bool     `json:"usable"`
}

func cardShape(c *billing.Card) paymentCard {
	p := paymentCard{
		ID: idText(c.ID), CustomerID: ownerText(c.Owner), PaymentCardPriority: c.Priority, CardholderName: textOrNull(c.Holder),
		PaymentCardType: textOrNull(c.Brand), PANLastDigits: textOrNull(c.Last4), PaymentCardCollectionTypes: []string{"manual"},
		UseForPaymentTypes: []string{}, Usable: c.State == billing.CardUsable,
	}
	if c.ExpYear != 0 && c.ExpMonth != 0 {
		p.ExpiryDate = textOrNull(fmt.Sprintf("%04d-%02d", c.ExpYear, c.ExpMonth))
	}
	if c.AutoCollect {
		p.PaymentCardCollectionTypes = []string{"automatic", "manual"}
	}
	return p
}

func (a *api) listCards(r *http.Request) (answer, error) {
	o, err := customerOf(r)
	if err != nil {
		return answer{}, err
	}
	f, err := listFilter(r)
	if err != nil {
		return answer{}, err
	}
	cards, err := a.e.Cards(r.Context(), billing.CardsParams{Owner: o})
	var list []billing.Card
	for _, c := range cards {
		if int64(c.ID) > f.After && !c.CreatedAt.Before(f.CreatedSince) && !c.UpdatedAt.Before(f.UpdatedSince) && (f.Limit == 0 || len(list) < f.Limit) {
			list = append(list, c)
		}
	}
	return ok(all(list, cardShape)), err
}

func (a *api) listEveryCard(r *http.Request) (answer, error) {
	f, err := listFilter(r)
	if err != nil {
		return answer{}, err
	}
	list, err := a.e.CustomerCards(r.Context(), f)
	return ok(all(list, cardShape)), err
}

func (a *api) getAnyCard(r *http.Request) (answer, error) {
	id, err := pathID(r, "id")
	if err != nil {
		return answer{}, err
	}
	c, err := a.e.CustomerCard(r.Context(), billing.CardID(id))
	return ok(cardShape(&c)), err
}

func (a *api) getCard(r *http.Request) (answer, error) {
	o, err := customerOf(r)
	if err != nil {
		return answer{}, err
	}
	id, err := pathID(r, "card")
	if err != nil {
		return answer{}, err
	}
	c, err := a.e.Card(r.Context(), o, billing.CardID(id))
	return answer{http.StatusOK, cardShape(&c)}, err
}
