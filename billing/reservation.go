package billing

import "time"

// ReservationState is where a reservation is.
type ReservationState string

// The states of a reservation. All but held are final, and hold nothing.
const (
	ReservationHeld     ReservationState = "held"
	ReservationReleased ReservationState = "released" // somebody gave it up
	ReservationExpired  ReservationState = "expired"  // its time was over
)

// Reservation keeps an amount of a bucket from being spent. It moves nothing: the ledger
// does not know of it.
type Reservation struct {
	ID     ActionID
	Owner  OwnerID
	Top    OwnerID
	Unit   Unit
	Amount int64 // above 0
	// Before is what of the bucket was not reserved: balance less reservations.
	Before int64
	State  ReservationState
	// EndsAt is when it expires; zero is never.
	EndsAt    time.Time
	Extra     string
	CreatedAt time.Time
	UpdatedAt time.Time
	// ClosedAt is when it stopped to hold.
	ClosedAt time.Time
	// DeletedAt: it is in no list and under no id from then on, but in the history.
	DeletedAt time.Time
}

// ReservationReader reads reservations.
type ReservationReader interface {
	// Reservation reads deleted ones too; the list leaves them out.
	Reservation(ActionID) (Reservation, error)
	Reservations(ActionFilter) ([]Reservation, error)
	// DueReservations lists those that are held and whose end has come, the oldest end
	// first. Its cost follows what it returns.
	DueReservations(now time.Time, limit int) ([]ActionID, error)
}

// ReservationWriter writes them, and moves what their buckets hold back.
type ReservationWriter interface {
	// CreateReservation inserts the record of a balance action that is there; a held one
	// is added to what its bucket reserves. Errors: NotFound for a bucket of an allowance
	// that was never opened, Overflow.
	CreateReservation(*Reservation) error
	// SetReservation replaces what changes in its life. Ending a held one frees what its
	// bucket reserves. Errors: Conflict for a change of one that has ended.
	SetReservation(*Reservation) error
}
