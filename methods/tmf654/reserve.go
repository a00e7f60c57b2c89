package tmf654

import (
	"net/http"
	"time"

	"topupd/billing"
)

func (a *api) reserveRoutes() []route {
	k := a.reservations()
	return []route{
		{method: "POST", path: "/reserveBalance", handle: a.createReservation, body: "ReserveBalanceCreate"},
		{method: "GET", path: "/reserveBalance", handle: k.all},
		{method: "GET", path: "/reserveBalance/{id}", handle: k.get},
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

func (a *api) reservations() *kind[billing.Reservation] {
	return &kind[billing.Reservation]{
		a: a, kind: billing.ActionReservation, resource: "reserveBalance", word: "reservation", find: a.e.Reservation, list: a.e.Reservations,
		id:     func(v *billing.Reservation) billing.ActionID { return v.ID },
		unit:   func(v *billing.Reservation) billing.Unit { return v.Unit },
		owners: func(v *billing.Reservation) []billing.OwnerID { return []billing.OwnerID{v.Owner} },
		shape: func(l links, v *billing.Reservation, owners map[billing.OwnerID]billing.Owner) any {
			return a.reservation(l, v, owners)
		},
	}
}

func (a *api) createReservation(r *http.Request) (answer, error) {
	var in struct {
		actionIn
		ValidFor *struct {
			Start *time.Time `json:"startDateTime"`
			End   *time.Time `json:"endDateTime"`
		} `json:"validFor"`
	}
	if err := read(r, &in); err != nil {
		return answer{}, err
	}
	amount, err := in.amount()
	if err != nil {
		return answer{}, err
	}
	p := billing.ReserveParams{Unit: amount.Unit, Amount: amount.Micros}
	o, err := in.holder(r.Context(), a, p.Unit)
	if err != nil {
		return answer{}, err
	}
	p.Owner = o.ID
	if in.ValidFor != nil && in.ValidFor.Start != nil {
		// What begins later is not kept, so it is refused, not begun now; clocks differ a little.
		start, end := *in.ValidFor.Start, in.ValidFor.End
		if time.Until(start) > time.Minute || end != nil && !start.Before(*end) {
			return answer{}, wrongMember("validFor.startDateTime", "a reservation begins when it is made, and before it ends: leave validFor.startDateTime out")
		}
	}
	if in.ValidFor != nil && in.ValidFor.End != nil {
		p.EndsAt = in.ValidFor.End.UTC().Truncate(time.Microsecond)
	}
	if _, p.Extra, err = newBody(r, actionEchoes); err != nil {
		return answer{}, err
	}
	v, err := a.e.Reserve(r.Context(), p)
	return a.reservations().made(r, v, err, o)
}

// updateReservation releases it when the status is cancelled.
func (a *api) updateReservation(r *http.Request) (answer, error) {
	k := a.reservations()
	v, err := k.at(r)
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
	v, err = a.e.ChangeReservation(r.Context(), p)
	return k.changed(r, v, err)
}

func (a *api) deleteReservation(r *http.Request) (answer, error) {
	v, err := a.reservations().at(r)
	if err != nil {
		return answer{}, err
	}
	return gone, a.e.DeleteReservation(r.Context(), v.ID)
}
