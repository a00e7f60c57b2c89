package profiles

import (
	"net/http"

	"topupd/billing"
)

type expectedType struct {
	Name        string  `json:"expectedPaymentTypeName"`
	DisplayName string  `json:"expectedPaymentTypeDisplayName"`
	Description *string `json:"expectedPaymentTypeDescription"`
	ID          *string `json:"id"`
}

func expectedTypeShape(t *billing.ExpectedType) expectedType {
	return expectedType{Name: t.Name, DisplayName: t.DisplayName, Description: textOrNull(t.Description), ID: idText(t.ID)}
}

func expectedTypeParams(r *http.Request) (billing.ExpectedTypeParams, error) {
	m, err := body(r, "id")
	if err != nil {
		return billing.ExpectedTypeParams{}, err
	}
	p := billing.ExpectedTypeParams{
		Name: m.text("expectedPaymentTypeName"), DisplayName: m.text("expectedPaymentTypeDisplayName"),
		Description: m.text("expectedPaymentTypeDescription"),
	}
	return p, m.end()
}

func (a *api) listExpectedTypes(r *http.Request) (answer, error) {
	f, err := listFilter(r)
	if err != nil {
		return answer{}, err
	}
	list, err := a.e.ExpectedTypes(r.Context(), f)
	return ok(all(list, expectedTypeShape)), err
}

func (a *api) getExpectedType(r *http.Request) (answer, error) {
	id, err := pathID(r, "id")
	if err != nil {
		return answer{}, err
	}
	t, err := a.e.ExpectedType(r.Context(), billing.ExpectedTypeID(id))
	return ok(expectedTypeShape(&t)), err
}

func (a *api) createExpectedType(r *http.Request) (answer, error) {
	p, err := expectedTypeParams(r)
	if err != nil {
		return answer{}, err
	}
	t, err := a.e.CreateExpectedType(r.Context(), p)
	return answer{http.StatusCreated, expectedTypeShape(&t)}, err
}

func (a *api) updateExpectedType(r *http.Request) (answer, error) {
	id, err := pathID(r, "id")
	if err != nil {
		return answer{}, err
	}
	p, err := expectedTypeParams(r)
	if err != nil {
		return answer{}, err
	}
	t, err := a.e.UpdateExpectedType(r.Context(), billing.ExpectedTypeID(id), p)
	return ok(expectedTypeShape(&t)), err
}

func (a *api) deleteExpectedType(r *http.Request) (answer, error) {
	id, err := pathID(r, "id")
	if err == nil {
		err = a.e.DeleteExpectedType(r.Context(), billing.ExpectedTypeID(id))
	}
	return answer{status: http.StatusNoContent}, err
}
