package profiles

import (
	"encoding/json"
	"net/http"
	"slices"

	"topupd/billing"
)

// profile is a profile as it is shown: the source page's seventeen fields in its order.
type profile struct {
	Name                          string          `json:"name"`
	Description                   *string         `json:"description"`
	Enabled                       string          `json:"enabled"`
	TriggerBasis                  string          `json:"triggerBasis"`
	TriggerType                   string          `json:"triggerType"`
	TriggerValue                  json.RawMessage `json:"triggerValue"`
	ReferenceLimit                string          `json:"referenceLimit"`
	TopupMode                     string          `json:"topupMode"`
	TopupValue                    json.RawMessage `json:"topupValue"`
	TopupReferenceLimit           *string         `json:"topupReferenceLimit"`
	AutoCollect                   string          `json:"autoCollect"`
	CorrespondenceTypeExpected    *string         `json:"correspondenceTypeExpected"`
	CorrespondenceTypeCard        *string         `json:"correspondenceTypeCard"`
	CorrespondenceTypeDirectDebit *string         `json:"correspondenceTypeDirectDebit"`
	MinDaysBetweenTopups          int64           `json:"minDaysBetweenTopups"`
	CustomerID                    *string         `json:"customerID"`
	ID                            *string         `json:"id"`
}

// shapes shows profiles; the names of letters are read where one has any.
func (a *api) shapes(r *http.Request, list []billing.Profile) (func(*billing.Profile) profile, error) {
	names := map[billing.LetterTypeID]string{}
	var err error
	if slices.ContainsFunc(list, func(p billing.Profile) bool { return p.LetterExpected|p.LetterCard|p.LetterDirectDebit != 0 }) {
		var types []billing.LetterType
		types, err = a.e.LetterTypes(r.Context())
		for _, t := range types {
			names[t.ID] = t.Name
		}
	}
	return func(p *billing.Profile) profile {
		return profile{
			Name: p.Name, Description: textOrNull(p.Description), Enabled: yesNo(p.Enabled), TriggerBasis: p.Basis.Word(),
			TriggerType: p.Trigger.Word(), TriggerValue: money(p.TriggerValue), ReferenceLimit: p.Limit, TopupMode: p.Mode.Word(),
			TopupValue: money(p.TopupValue), TopupReferenceLimit: textOrNull(p.TopupLimit), AutoCollect: yesNo(p.AutoCollect),
			CorrespondenceTypeExpected: textOrNull(names[p.LetterExpected]), CorrespondenceTypeCard: textOrNull(names[p.LetterCard]),
			CorrespondenceTypeDirectDebit: textOrNull(names[p.LetterDirectDebit]), MinDaysBetweenTopups: p.MinDays,
			CustomerID: ownerText(p.Customer), ID: idText(p.ID),
		}
	}, err
}

func profileParams(r *http.Request) (billing.ProfileParams, error) {
	m, err := body(r, "id")
	if err != nil {
		return billing.ProfileParams{}, err
	}
	p := billing.ProfileParams{
		Name: m.text("name"), Description: m.text("description"), Enabled: m.flag("enabled"), Basis: m.text("triggerBasis"),
		Trigger: m.text("triggerType"), TriggerValue: m.money("triggerValue"), Limit: m.text("referenceLimit"), Mode: m.text("topupMode"),
		TopupValue: m.money("topupValue"), TopupLimit: m.text("topupReferenceLimit"), AutoCollect: m.flag("autoCollect"),
		LetterExpected: m.text("correspondenceTypeExpected"), LetterCard: m.text("correspondenceTypeCard"),
		LetterDirectDebit: m.text("correspondenceTypeDirectDebit"), MinDays: m.count("minDaysBetweenTopups"), Customer: m.id("customerID"),
	}
	return p, m.end()
}

func (a *api) one(r *http.Request, status int, p *billing.Profile) (answer, error) {
	shape, err := a.shapes(r, []billing.Profile{*p})
	return answer{status, shape(p)}, err
}

func (a *api) listProfiles(r *http.Request) (answer, error) {
	f, err := listFilter(r)
	if err != nil {
		return answer{}, err
	}
	list, err := a.e.Profiles(r.Context(), f)
	if err != nil {
		return answer{}, err
	}
	shape, err := a.shapes(r, list)
	return ok(all(list, shape)), err
}

func (a *api) getProfile(r *http.Request) (answer, error) {
	id, err := pathID(r, "id")
	if err != nil {
		return answer{}, err
	}
	p, err := a.e.Profile(r.Context(), billing.ProfileID(id))
	if err != nil {
		return answer{}, err
	}
	return a.one(r, http.StatusOK, &p)
}

func (a *api) createProfile(r *http.Request) (answer, error) {
	params, err := profileParams(r)
	if err != nil {
		return answer{}, err
	}
	p, err := a.e.CreateProfile(r.Context(), params)
	if err != nil {
		return answer{}, err
	}
	return a.one(r, http.StatusCreated, &p)
}

func (a *api) updateProfile(r *http.Request) (answer, error) {
	id, err := pathID(r, "id")
	if err != nil {
		return answer{}, err
	}
	params, err := profileParams(r)
	if err != nil {
		return answer{}, err
	}
	p, err := a.e.UpdateProfile(r.Context(), billing.ProfileID(id), params)
	if err != nil {
		return answer{}, err
	}
	return a.one(r, http.StatusOK, &p)
}

func (a *api) deleteProfile(r *http.Request) (answer, error) {
	id, err := pathID(r, "id")
	if err == nil {
		err = a.e.DeleteProfile(r.Context(), billing.ProfileID(id))
	}
	return answer{status: http.StatusNoContent}, err
}
