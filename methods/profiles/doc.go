// Package profiles is the REST interface of auto top-up profiles and of what hangs on
// customers: their link and debts, expected payments, correspondence, payment cards.
// Its debts are positive, as a customer owes them; it moves no balance.
package profiles
