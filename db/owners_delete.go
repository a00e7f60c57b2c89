package db

import (
	"time"

	"topupd/billing"
)

const sqlUnfinished = `SELECT
    EXISTS (SELECT 1 FROM buckets b WHERE b.owner_id = $1 AND (b.balance <> 0 OR b.reserved <> 0)),
    EXISTS (SELECT 1 FROM charges c WHERE c.owner_id = $1 AND c.settled_at IS NULL),
    EXISTS (SELECT 1 FROM periods p WHERE p.owner_id = $1 AND p.settled_at IS NULL),
    EXISTS (SELECT 1 FROM disputes d WHERE d.owner_id = $1 AND d.lifted_at IS NULL)
        OR EXISTS (SELECT 1 FROM disputes d WHERE d.owner_id = $1 AND d.closed_at IS NULL),
    EXISTS (SELECT 1 FROM refunds r WHERE r.owner_id = $1 AND r.settled_at IS NULL),
    EXISTS (SELECT 1 FROM owners o WHERE o.parent_id = $1 AND o.deleted_at IS NULL)
        OR EXISTS (SELECT 1 FROM plans p WHERE p.customer_id = $1)`

func (r *reader) Unfinished(o billing.OwnerID) (billing.Unfinished, error) {
	return one(r, o.Field(), func(row *row, u *billing.Unfinished) {
		u.Money = row.bool()
		u.Charges = row.bool()
		u.Periods = row.bool()
		u.Disputes = row.bool()
		u.Refunds = row.bool()
		u.Children = row.bool()
	}, sqlUnfinished, int64(o))
}

const (
	sqlDeleteOwner = `UPDATE owners SET deleted_at = $2, updated_at = $2, username = '', balance_group = 0
WHERE id = $1 AND deleted_at IS NULL`
	sqlDropPolicy      = `DELETE FROM low_balance WHERE owner_id = $1`
	sqlDropAccountPlan = `DELETE FROM account_plans WHERE owner_id = $1`
	sqlDropLoginsOf    = `DELETE FROM logins WHERE owner_id = $1`
	sqlDeleteCardsOf   = `UPDATE cards SET state = 'deleted', token = NULL, is_primary = FALSE, alias = '', holder = '',
    street1 = '', street2 = '', region = '', postal_code = '', city = '', country = '', phone = '', updated_at = $2 WHERE owner_id = $1`
	sqlRevokeAll = `UPDATE mandates SET revoked_at = $2 WHERE owner_id = $1 AND revoked_at IS NULL`
	// It has no login any more that could end them.
	sqlEndHubsOf      = `UPDATE hub_subscriptions SET secret = NULL, deleted_at = $2 WHERE customer_id = $1 AND deleted_at IS NULL`
	sqlRevokeTokensOf = `UPDATE tokens SET revoked_at = $2 WHERE customer_id = $1 AND revoked_at IS NULL`
)

func (t *tx) DeleteOwner(o billing.OwnerID, at time.Time) error {
	if err := t.alone(); err != nil {
		return err
	}
	if err := t.change(o.Field(), sqlDeleteOwner, int64(o), at); err != nil {
		return err
	}
	for _, query := range []string{sqlDropPolicy, sqlDropMinutes, sqlDropAccountPlan, sqlDropLoginsOf, sqlDropLimits, sqlDropTopup} {
		if _, err := t.exec(query, int64(o)); err != nil {
			return t.spoil(err)
		}
	}
	for _, query := range []string{sqlDeleteCardsOf, sqlRevokeAll, sqlRevokeTokensOf, sqlEndHubsOf, sqlEndRulesOf} {
		if _, err := t.exec(query, int64(o), at); err != nil {
			return t.spoil(err)
		}
	}
	return nil
}
