package tmf654

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"topupd/billing"
)

func (a *api) reserveRoutes() []route {
	return []route{
		{method: "POST", path: "/reserveBalance", handle: a.createReservation, body: "ReserveBalanceCreate"},
		{method: "GET", path: "/reserveBalance", handle: a.listReservations},
		{method: "GET", path: "/reserveBalance/{id}", handle: a.getReservation},
		{method: "PATCH", path: "/reserveBalance/{id}", handle: a.updateReservation, body: "ReserveBalanceUpdate"},
		{method: "DELETE", path: "/reserveBalance/{id}", handle: a.deleteReservation},
	}
}

// reservationStatuses are the states in Oracle's words; the last is ours (T-106).
var reservationStatuses = map[billing.ReservationState]string{
	billing.ReservationHeld: statusConfirmed, billing.ReservationReleased: statusCancelled, billing.ReservationExpired: "EXPIRED",
}

// period is a time with an end, or without one.
type period struct {
	StartDateTime *string `json:"startDateTime"`
	EndDateTime   *string `json:"endDateTime"`
}

// reservationOut is a reservation as answers have it.
type reservationOut struct {
	BaseType         string           `json:"@baseType"`
	SchemaLocation   *string          `json:"@schemaLocation"`
	Type             string           `json:"@type"`
	Amount           *quantity        `json:"amount"`
	Bucket           *bucketRef       `json:"bucket"`
	Channel          any              `json:"channel"`
	ConfirmationDate *string          `json:"confirmationDate"`
	Description      any              `json:"description"`
	Href             string           `json:"href"`
	ID               string           `json:"id"`
	ImpactedBucket   []impactedBucket `json:"impactedBucket"`
	LogicalResource  logicalResource  `json:"logicalResource"`
	PartyAccount     *partyAccount    `json:"partyAccount"`
	Product          any              `json:"product"`
	Reason           any              `json:"reason"`
	RelatedParty     any              `json:"relatedParty"`
	RequestedDate    *string          `json:"requestedDate"`
	Requestor        any              `json:"requestor"`
	Status           string           `json:"status"`
	UsageType        string           `json:"usageType"`
	ValidFor         *period          `json:"validFor"`
}

// reservation is the shape of a reservation. What it impacts is what is left of the bucket
// beside reservations.
func (a *api) reservation(l links, v *billing.Reservation, owners map[billing.OwnerID]billing.Owner) *reservationOut {
	e, o, id := parseExtra(v.Extra), owners[v.Owner], actionID(billing.ActionReservation, v.ID)
	bucket := l.bucket(bucketOf(&o, v.Unit))
	return &reservationOut{
		BaseType: "ReserveBalance", Type: "ReserveBalance", Amount: newQuantity(v.Amount, v.Unit), Bucket: bucket,
		Channel: e.or("channel", nil), ConfirmationDate: a.at(v.CreatedAt), Description: e.or("description", nil),
		Href: l.to("reserveBalance", id), ID: id,
		ImpactedBucket:  []impactedBucket{impact(bucket, v.Before, v.Before-v.Amount, v.Amount, v.Unit)},
		LogicalResource: e.logical(), PartyAccount: newPartyAccount(&o), Product: e.first("product"), Reason: e.or("reason", nil),
		RelatedParty: e.or("relatedParty", nil), RequestedDate: a.at(v.CreatedAt), Requestor: e.or("requestor", nil),
		Status: reservationStatuses[v.State], UsageType: usageType(v.Unit), ValidFor: &period{a.at(v.CreatedAt), a.at(v.EndsAt)},
	}
}

func (a *api) showReservation(ctx context.Context, l links, v *billing.Reservation) (*reservationOut, error) {
	owners, err := a.e.Holders(ctx, v.Owner)
	if err != nil {
		return nil, err
	}
	return a.reservation(l, v, owners), nil
}

func (a *api) createReservation(r *http.Request) (answer, error) {
	var in struct {
		Amount          *quantityIn     `json:"amount"`
		Bucket          *ref            `json:"bucket"`
		PartyAccount    *ref            `json:"partyAccount"`
		LogicalResource json.RawMessage `json:"logicalResource"`
		UsageType       *string         `json:"usageType"`
		ValidFor        *struct {
			End *time.Time `json:"endDateTime"`
		} `json:"validFor"`
	}
	if err := read(r, &in); err != nil {
		return answer{}, err
	}
	amount, err := in.Amount.kept("amount")
	if err == nil {
		err = fitsUsage("usageType", in.UsageType, amount.Unit)
	}
	if err != nil {
		return answer{}, err
	}
	o, err := a.holder(r.Context(), side{bucket: in.Bucket, account: in.PartyAccount, logical: in.LogicalResource}, amount.Unit)
	if err != nil {
		return answer{}, err
	}
	p := billing.ReserveParams{Owner: o.ID, Unit: amount.Unit, Amount: amount.Micros}
	if in.ValidFor != nil && in.ValidFor.End != nil {
		p.EndsAt = in.ValidFor.End.UTC().Truncate(time.Microsecond)
	}
	if _, p.Extra, err = newBody(r, actionEchoes); err != nil {
		return answer{}, err
	}
	v, err := a.e.Reserve(r.Context(), p)
	if err != nil {
		return answer{}, err
	}
	out, err := a.showReservation(r.Context(), linksOf(r), &v)
	if err != nil {
		return answer{}, err
	}
	return created(out.Href, out), nil
}

func (a *api) getReservation(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	v, err := a.reservationAt(r)
	if err != nil {
		return answer{}, err
	}
	out, err := a.showReservation(r.Context(), linksOf(r), &v)
	if err != nil {
		return answer{}, err
	}
	return q.one(out)
}

func (a *api) reservationAt(r *http.Request) (billing.Reservation, error) {
	id, err := actionAt(r, billing.ActionReservation, "reservation")
	if err != nil {
		return billing.Reservation{}, err
	}
	return a.e.Reservation(r.Context(), id)
}

func (a *api) listReservations(r *http.Request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	o, unit, known, err := a.ofBucket(r.Context(), q)
	if err != nil || !known {
		return listed(nil, 0), err
	}
	l := linksOf(r)
	list := func(f billing.ActionFilter) ([]billing.Reservation, error) { return a.e.Reservations(r.Context(), f) }
	show := func(page []billing.Reservation) ([]any, error) {
		ids := make([]billing.OwnerID, len(page))
		for i := range page {
			ids[i] = page[i].Owner
		}
		owners, err := a.e.Holders(r.Context(), ids...)
		all := make([]any, len(page))
		for i := range page {
			if err == nil && (unit == "" || page[i].Unit == unit) {
				all[i] = a.reservation(l, &page[i], owners)
			}
		}
		return all, err
	}
	return q.page(records(list, func(v *billing.Reservation) billing.ActionID { return v.ID }, show, o))
}

// updateReservation releases it when the status is cancelled.
func (a *api) updateReservation(r *http.Request) (answer, error) {
	v, err := a.reservationAt(r)
	if err != nil {
		return answer{}, err
	}
	p := billing.ChangeReservationParams{ID: v.ID}
	var status string
	if p.Extra, status, err = patchOf(r, actionEchoes); err == nil {
		p.Release, err = cancelling(status, reservationStatuses[v.State])
	}
	if err != nil {
		return answer{}, err
	}
	if v, err = a.e.ChangeReservation(r.Context(), p); err != nil {
		return answer{}, err
	}
	out, err := a.showReservation(r.Context(), linksOf(r), &v)
	return ok(out), err
}

func (a *api) deleteReservation(r *http.Request) (answer, error) {
	id, err := actionAt(r, billing.ActionReservation, "reservation")
	if err != nil {
		return answer{}, err
	}
	return gone, a.e.DeleteReservation(r.Context(), id)
}

func (a *api) reservationOfEvent(ctx context.Context, ev *billing.Event, l links) (any, string, error) {
	var v billing.Reservation
	if err := json.Unmarshal([]byte(ev.Record), &v); err != nil {
		return nil, "", err
	}
	out, err := a.showReservation(ctx, l, &v)
	if err != nil {
		return nil, "", err
	}
	return out, out.ID, nil
}
