package db

import (
	"strings"
	"time"

	"topupd/billing"
)

const profileColumns = `id, name, description, enabled, trigger_basis, trigger_type, trigger_value, reference_limit, topup_mode,
    topup_value, topup_limit, auto_collect, letter_expected, letter_card, letter_direct_debit, min_days, customer_id, created_at,
    updated_at, deleted_at`

func scanProfile(r *row, p *billing.Profile) {
	p.ID = billing.ProfileID(r.int64())
	p.Name = r.text()
	p.Description = r.text()
	p.Enabled = r.bool()
	p.Basis = billing.TopupBasis(r.text())
	p.Trigger = billing.TriggerKind(r.text())
	p.TriggerValue = r.int64()
	p.Limit = r.text()
	p.Mode = billing.TopupMode(r.text())
	p.TopupValue = r.int64()
	p.TopupLimit = r.text()
	p.AutoCollect = r.bool()
	p.LetterExpected = billing.LetterTypeID(r.int64())
	p.LetterCard = billing.LetterTypeID(r.int64())
	p.LetterDirectDebit = billing.LetterTypeID(r.int64())
	p.MinDays = r.int64()
	p.Customer = billing.OwnerID(r.int64())
	p.CreatedAt = r.time()
	p.UpdatedAt = r.time()
	p.DeletedAt = r.time()
}

const sqlProfile = `SELECT ` + profileColumns + ` FROM auto_topup_profiles WHERE id = $1 AND deleted_at IS NULL`

func (r *reader) Profile(id billing.ProfileID) (billing.Profile, error) {
	return one(r, "profile", scanProfile, sqlProfile, int64(id))
}

const sqlProfilesNamed = `SELECT ` + profileColumns + ` FROM auto_topup_profiles WHERE lower(name) = $1 AND deleted_at IS NULL
ORDER BY id`

// lower is what lower(name) is in a statement, on every engine: only ASCII has cases.
func lower(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}, name)
}

func (r *reader) ProfilesNamed(name string) ([]billing.Profile, error) {
	return list(r, scanProfile, sqlProfilesNamed, lower(name))
}

// Times are compared as they are kept; what was never told is older than all.
const sqlSince = ` AND COALESCE(created_at, 0) >= $2 AND COALESCE(updated_at, 0) >= $3`

const sqlProfiles = `SELECT ` + profileColumns + ` FROM auto_topup_profiles WHERE id > $1` + sqlSince + `
    AND deleted_at IS NULL ORDER BY id LIMIT $4`

func (r *reader) Profiles(f billing.ListFilter) ([]billing.Profile, error) {
	return list(r, scanProfile, sqlProfiles, f.After, timeOrLeast(f.CreatedSince), timeOrLeast(f.UpdatedSince), limitOf(f.Limit))
}

const sqlExpectedProfiles = `SELECT ` + profileColumns + ` FROM auto_topup_profiles p WHERE deleted_at IS NOT NULL
    AND EXISTS (SELECT 1 FROM expected_payments e JOIN owners o ON o.id = e.owner_id WHERE e.profile_id = p.id AND o.deleted_at IS NULL)
ORDER BY id`

func (r *reader) ExpectedProfiles() ([]billing.Profile, error) {
	return list(r, scanProfile, sqlExpectedProfiles)
}

const sqlProfileLinked = `SELECT EXISTS (SELECT 1 FROM owner_topup WHERE profile_id = $1)`

func (r *reader) ProfileLinked(id billing.ProfileID) (bool, error) {
	return one(r, "profile", scanBool, sqlProfileLinked, int64(id))
}

func scanBool(r *row, b *bool) { *b = r.bool() }

const (
	sqlNextProfile = `SELECT COALESCE(MAX(id), 0) + 1 FROM auto_topup_profiles`
	sqlAddProfile  = `INSERT INTO auto_topup_profiles (` + profileColumns + `)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) ON CONFLICT (id) DO NOTHING`
	sqlReplaceProfile = `UPDATE auto_topup_profiles SET name = $2, description = $3, enabled = $4, trigger_basis = $5,
    trigger_type = $6, trigger_value = $7, reference_limit = $8, topup_mode = $9, topup_value = $10, topup_limit = $11,
    auto_collect = $12, letter_expected = $13, letter_card = $14, letter_direct_debit = $15, min_days = $16, customer_id = $17,
    created_at = $18, updated_at = $19, deleted_at = $20
WHERE id = $1`
)

func (t *tx) PutProfile(p *billing.Profile) error {
	id, err := t.idOr(int64(p.ID), sqlNextProfile)
	if err != nil {
		return err
	}
	err = t.put(sqlAddProfile, sqlReplaceProfile, id, p.Name, p.Description, p.Enabled, string(p.Basis), string(p.Trigger),
		p.TriggerValue, p.Limit, string(p.Mode), p.TopupValue, p.TopupLimit, p.AutoCollect, ref(p.LetterExpected),
		ref(p.LetterCard), ref(p.LetterDirectDebit), p.MinDays, ref(p.Customer), p.CreatedAt, p.UpdatedAt, p.DeletedAt)
	if err == nil {
		p.ID = billing.ProfileID(id)
	}
	return err
}

const sqlDeleteProfile = `UPDATE auto_topup_profiles SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL`

func (t *tx) DeleteProfile(id billing.ProfileID, at time.Time) error {
	return t.change("profile", sqlDeleteProfile, int64(id), at)
}

const topupColumns = `t.owner_id, t.top_id, t.profile_id, t.amount, t.outstanding, t.overdue, t.unbilled, t.payment_type, t.suspended,
    t.updated_at`

func scanTopup(r *row, t *billing.TopupTerms) {
	t.Owner = billing.OwnerID(r.int64())
	t.Top = billing.OwnerID(r.int64())
	t.Profile = billing.ProfileID(r.int64())
	t.Amount = r.opt()
	t.Outstanding = r.int64()
	t.Overdue = r.int64()
	t.Unbilled = r.int64()
	t.PaymentType = billing.PaymentType(r.text())
	t.Suspended = billing.Suspension(r.text())
	t.UpdatedAt = r.time()
}

const (
	sqlTopup        = `SELECT ` + topupColumns + ` FROM owner_topup t WHERE t.owner_id = $1`
	sqlTopups       = `SELECT ` + topupColumns + ` FROM owner_topup t WHERE t.owner_id > $1 AND t.owner_id <= $2 ORDER BY t.owner_id LIMIT $3`
	sqlTopupsLinked = `SELECT ` + topupColumns + ` FROM owner_topup t INDEXED BY owner_topup_linked
WHERE t.profile_id IS NOT NULL AND t.owner_id > $1 AND t.owner_id <= $2 ORDER BY t.owner_id LIMIT $3`
	sqlTopupsOfProfile = `SELECT ` + topupColumns + ` FROM owner_topup t
WHERE t.profile_id = $4 AND t.owner_id > $1 AND t.owner_id <= $2 ORDER BY t.owner_id LIMIT $3`
	sqlLimits = `SELECT owner_id, name, micros FROM owner_limits WHERE owner_id >= $1 AND owner_id <= $2 ORDER BY owner_id, name`
)

func (r *reader) TopupTerms(o billing.OwnerID) (billing.TopupTerms, error) {
	t, err := one(r, o.Field(), scanTopup, sqlTopup, int64(o))
	if err != nil {
		return t, err
	}
	all := []billing.TopupTerms{t}
	err = r.limits(all)
	return all[0], err
}

func (r *reader) TopupTermsList(f billing.TopupFilter) ([]billing.TopupTerms, error) {
	upto := int64(f.Upto)
	if upto == 0 {
		upto = 1<<63 - 1
	}
	query, args := sqlTopups, []any{int64(f.After), upto, limitOf(f.Limit)}
	switch {
	case f.Profile != 0:
		query, args = sqlTopupsOfProfile, append(args, int64(f.Profile))
	case f.Linked:
		query = sqlTopupsLinked
	}
	all, err := list(r, scanTopup, query, args...)
	if err != nil {
		return nil, err
	}
	return all, r.limits(all)
}

// limits fills in the limits of owners in id order.
func (r *reader) limits(all []billing.TopupTerms) error {
	if len(all) == 0 {
		return nil
	}
	at := 0
	return r.each(func(row *row) error {
		o := billing.OwnerID(row.int64())
		for at < len(all) && all[at].Owner < o {
			at++
		}
		if at < len(all) && all[at].Owner == o {
			all[at].Limits = append(all[at].Limits, billing.NamedLimit{Name: row.text(), Micros: row.int64()})
		}
		return nil
	}, sqlLimits, int64(all[0].Owner), int64(all[len(all)-1].Owner))
}

const (
	sqlAddTopup = `INSERT INTO owner_topup (owner_id, top_id, profile_id, amount, outstanding, overdue, unbilled, payment_type,
    suspended, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (owner_id) DO NOTHING`
	sqlReplaceTopup = `UPDATE owner_topup SET top_id = $2, profile_id = $3, amount = $4, outstanding = $5, overdue = $6,
    unbilled = $7, payment_type = $8, suspended = $9, updated_at = $10
WHERE owner_id = $1`
	sqlDropLimits = `DELETE FROM owner_limits WHERE owner_id = $1`
	sqlAddLimit   = `INSERT INTO owner_limits (owner_id, name, top_id, micros) VALUES ($1, $2, $3, $4)`
	sqlDropTopup  = `DELETE FROM owner_topup WHERE owner_id = $1`
)

func (t *tx) PutTopupTerms(v *billing.TopupTerms) error {
	if err := t.owns(v.Owner); err != nil {
		return err
	}
	err := t.put(sqlAddTopup, sqlReplaceTopup, int64(v.Owner), int64(v.Top), ref(v.Profile), v.Amount, v.Outstanding, v.Overdue,
		v.Unbilled, string(v.PaymentType), string(v.Suspended), v.UpdatedAt)
	if err != nil {
		return err
	}
	if _, err := t.exec(sqlDropLimits, int64(v.Owner)); err != nil {
		return t.spoil(err)
	}
	for _, l := range v.Limits {
		if _, err := t.exec(sqlAddLimit, int64(v.Owner), l.Name, int64(v.Top), l.Micros); err != nil {
			return t.spoil(err)
		}
	}
	return nil
}
