package db

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "modernc.org/sqlite/lib"

	"topupd/billing"
)

// constraintFields names the field of billing.Exists for each unique rule, by
// the columns that the engine names.
var constraintFields = map[string]string{
	"owners.username":                                 "username",
	"owners.balance_group":                            "balance_group",
	"cards.owner_id":                                  "primary",
	"mandates.owner_id, mandates.purpose":             "mandate",
	"postings.cause":                                  "cause",
	"postings.charge_id":                              "charge",
	"charges.cause":                                   "cause",
	"charges.owner_id":                                "open_charge",
	"attempts.key":                                    "key",
	"attempts.charge_id, attempts.n":                  "attempt",
	"refunds.key":                                     "key",
	"refunds.gateway, refunds.ref":                    "ref",
	"disputes.gateway, disputes.ref":                  "ref",
	"gateway_events.gateway, gateway_events.event_id": "event",
	"runs.job, runs.key":                              "key",
	"periods.owner_id, periods.date":                  "period",
	"notices.cause":                                   "cause",
	"objects.type, objects.key":                       "key",
	"logins.name":                                     "name",
	"account_plans.owner_id":                          "owner",
	"low_balance.owner_id":                            "owner",
	"buckets.owner_id, buckets.unit":                  "bucket",
	"entries.posting_id, entries.n":                   "entry",
	"entries.owner_id, entries.payment_at, entries.posting_id": "payment",
	"orders.payment_id":               "payment",
	"meta.key":                        "key",
	"tokens.hash":                     "hash",
	"tokens.customer_id, tokens.name": "name",
	"idempotency_keys.customer_id, idempotency_keys.key":                                   "key",
	"expected_payments.owner_id, expected_payments.profile_id, expected_payments.run_date": "run_date",
	"expected_payments.charge_id":                                                          "charge",
	"adjustments.id":                                                                       "id",
	"transfers.id":                                                                         "id",
	"reservations.id":                                                                      "id",
	"topups.rule_id, topups.period":                                                        "execution",
	"topups.rule_id":                                                                       "execution",
	"topups.charge_id":                                                                     "charge",
	"topups.posting_id":                                                                    "posting",
	"balance_actions.id":                                                                   "id",
	"hub_subscriptions.customer_id, hub_subscriptions.callback, hub_subscriptions.query": "callback",
	"deliveries.event_id, deliveries.hub_id":                                             "delivery",
	"deliveries.hub_id, deliveries.subject":                                              "subject",
	"index 'correspondence_types_name'":                                                  "name",
	"index 'expected_payment_types_name'":                                                "name",
	"correspondence_types.lower(name)":                                                   "name",
	"expected_payment_types.lower(name)":                                                 "name",
}

// coded is an error of SQLite: ours, and the driver's that migrations run through.
type coded interface {
	error
	Code() int
}

// classify turns a driver's error into a billing.Error; nil stays nil, and what
// is one already stays as it is.
func classify(err error) error {
	if err == nil {
		return nil
	}
	var known *billing.Error
	if errors.As(err, &known) {
		return err
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return classifyPostgres(err) // the migrations'
	}
	var se coded
	if !errors.As(err, &se) {
		return internal(err)
	}
	switch code := se.Code(); code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return &billing.Error{Code: billing.Exists, Field: uniqueField(se.Error()), Err: err}
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return &billing.Error{Code: billing.NotFound, Err: err}
	case sqlite3.SQLITE_CONSTRAINT_NOTNULL:
		return notNull(se)
	case sqlite3.SQLITE_CONSTRAINT_DATATYPE:
		return datatype(se)
	case sqlite3.SQLITE_CONSTRAINT_CHECK:
		return broken(detail(se.Error(), "CHECK constraint failed: "), err)
	case sqlite3.SQLITE_CONSTRAINT_TRIGGER:
		return &billing.Error{Code: billing.Conflict, Err: err}
	default:
		if p := code & 0xff; p == sqlite3.SQLITE_BUSY || p == sqlite3.SQLITE_LOCKED {
			return &billing.Error{Code: billing.Busy, Message: "busy, try again", Err: err}
		}
		return internal(err)
	}
}

// notNull explains a missing value: top_id is looked up from the owner, so a
// missing one is a missing owner.
func notNull(se coded) error {
	if strings.HasSuffix(detail(se.Error(), "NOT NULL constraint failed: "), ".top_id") {
		return &billing.Error{Code: billing.NotFound, Field: "owner", Err: se}
	}
	return &billing.Error{Code: billing.Conflict, Err: se}
}

// datatype explains a value of the wrong type: an integer sum beyond int64
// becomes a REAL, which a STRICT table refuses.
func datatype(se coded) error {
	if strings.Contains(se.Error(), "REAL value in INTEGER column") {
		return &billing.Error{Code: billing.Overflow, Field: "amount", Err: se}
	}
	return internal(se)
}

// broken is a CHECK that was broken, by its name.
func broken(name string, err error) error {
	if name == "buckets_overflow" {
		return &billing.Error{Code: billing.Overflow, Field: "amount", Err: err}
	}
	return &billing.Error{Code: billing.Conflict, Field: name, Err: err}
}

func uniqueField(msg string) string {
	columns := detail(msg, "UNIQUE constraint failed: ")
	if field, ok := constraintFields[columns]; ok {
		return field
	}
	_, column, _ := strings.Cut(columns, ".")
	return column
}

// detail is what follows a marker in SQLite's message, without the code at its end.
func detail(msg, marker string) string {
	_, rest, _ := strings.Cut(msg, marker)
	rest, _, _ = strings.Cut(rest, " (")
	return rest
}

// badText is for a text that PostgreSQL has no place for. SQLite refuses U+0000 as well, so
// that what it keeps can be copied there.
func badText(err error) error {
	return &billing.Error{Code: billing.Invalid, Message: "a text holds a character that cannot be stored", Err: err}
}

func internal(err error) error { return &billing.Error{Code: billing.Internal, Err: err} }

func notFound(field string) error { return &billing.Error{Code: billing.NotFound, Field: field} }

// spoils reports whether an error of one statement leaves the transaction in a
// state nobody may go on from. A broken rule undoes its statement and no more;
// after anything else the engine may have rolled back behind our back.
func spoils(err error) bool {
	switch billing.ErrorCode(err) {
	case billing.NotFound, billing.Exists, billing.Conflict, billing.Overflow:
		return false
	}
	return true
}
