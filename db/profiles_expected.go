package db

import "topupd/billing"

const expectedColumns = `e.id, e.owner_id, e.top_id, e.type_id, e.profile_id, e.run_date, e.run_id, e.amount, e.unit, e.method, e.reason,
    e.card_id, e.charge_id, e.imported, e.payment_id, e.fulfilled_at, e.our_reference, e.customer_reference, e.revision, e.created_at, e.updated_at, e.deleted_at`

func scanExpected(r *row, e *billing.ExpectedPayment) {
	e.ID = billing.ExpectedID(r.int64())
	e.Owner = billing.OwnerID(r.int64())
	e.Top = billing.OwnerID(r.int64())
	e.Type = billing.ExpectedTypeID(r.int64())
	e.Profile = billing.ProfileID(r.int64())
	e.Date = r.text()
	e.Run = billing.RunID(r.int64())
	e.Amount = r.int64()
	e.Unit = billing.Unit(r.text())
	e.Method = billing.CollectMethod(r.text())
	e.Reason = billing.Reason(r.text())
	e.Card = billing.CardID(r.int64())
	e.Charge = billing.ChargeID(r.int64())
	e.Imported = r.bool()
	e.Payment = billing.PaymentID(r.int64())
	e.FulfilledAt = r.time()
	e.OurReference = r.text()
	e.CustomerReference = r.text()
	e.Revision = r.int64()
	e.CreatedAt = r.time()
	e.UpdatedAt = r.time()
	e.DeletedAt = r.time()
}

const (
	sqlExpected         = `SELECT ` + expectedColumns + ` FROM expected_payments e WHERE e.id = $1`
	sqlExpectedByCharge = `SELECT ` + expectedColumns + ` FROM expected_payments e WHERE e.charge_id = $1`
	sqlExpectedRest     = ` AND e.created_at >= $2 AND e.updated_at >= $3 AND e.deleted_at IS NULL AND (e.payment_id = $5 OR $5 = 0)
    AND (NOT $6 OR e.fulfilled_at IS NULL) AND (NOT $7 OR e.fulfilled_at IS NOT NULL)
ORDER BY e.id LIMIT $4`
	sqlExpectedAll = `SELECT ` + expectedColumns + ` FROM expected_payments e WHERE e.id > $1` + sqlExpectedRest
	sqlExpectedOf  = `SELECT ` + expectedColumns + ` FROM expected_payments e INDEXED BY expected_payments_owner
WHERE e.owner_id = $8 AND e.id > $1` + sqlExpectedRest
	sqlExpectedWithin = `SELECT ` + expectedColumns + ` FROM expected_payments e JOIN owners o ON o.id = e.owner_id
WHERE e.top_id = $8 AND o.path >= $9 AND o.path < $10 AND e.id > $1` + sqlExpectedRest
)

func (r *reader) ExpectedPayment(id billing.ExpectedID) (billing.ExpectedPayment, error) {
	return one(r, "expected_payment", scanExpected, sqlExpected, int64(id))
}

func (r *reader) ExpectedByCharge(id billing.ChargeID) (billing.ExpectedPayment, error) {
	return one(r, "expected_payment", scanExpected, sqlExpectedByCharge, int64(id))
}

func (r *reader) ExpectedPayments(f billing.ExpectedFilter) ([]billing.ExpectedPayment, error) {
	args := []any{f.After, timeOrLeast(f.CreatedSince), timeOrLeast(f.UpdatedSince), limitOf(f.Limit), int64(f.Payment), f.Open, f.Complete}
	s, err := r.scopeOf(f.Within)
	switch {
	case err != nil:
		return nil, err
	case f.Owner != 0:
		return list(r, scanExpected, sqlExpectedOf, append(args, int64(f.Owner))...)
	case !s.all:
		return list(r, scanExpected, sqlExpectedWithin, append(args, s.top, s.from, s.end)...)
	}
	return list(r, scanExpected, sqlExpectedAll, args...)
}

const (
	sqlAllExpected = `SELECT ` + expectedColumns + ` FROM expected_payments e JOIN owners o ON o.id = e.owner_id
WHERE e.id > $1 AND o.deleted_at IS NULL ORDER BY e.id LIMIT $2`
	sqlExpectedWithCard = `SELECT EXISTS (SELECT 1 FROM expected_payments WHERE card_id = $1)`
)

func (r *reader) AllExpected(after billing.ExpectedID, limit int) ([]billing.ExpectedPayment, error) {
	return list(r, scanExpected, sqlAllExpected, int64(after), limitOf(limit))
}

func (r *reader) ExpectedWithCard(card billing.CardID) (bool, error) {
	return one(r, "card", scanBool, sqlExpectedWithCard, int64(card))
}

const sqlOpenExpected = `SELECT EXISTS (SELECT 1 FROM expected_payments INDEXED BY expected_payments_open
WHERE owner_id = $1 AND fulfilled_at IS NULL AND deleted_at IS NULL AND profile_id IS NOT NULL)`

func (r *reader) OpenExpected(o billing.OwnerID) (bool, error) {
	return one(r, o.Field(), scanBool, sqlOpenExpected, int64(o))
}

const sqlLastExpected = `SELECT COALESCE(MAX(run_date), '') FROM expected_payments WHERE owner_id = $1 AND profile_id IS NOT NULL`

func (r *reader) LastExpected(o billing.OwnerID) (string, error) {
	return one(r, o.Field(), func(row *row, s *string) { *s = row.text() }, sqlLastExpected, int64(o))
}

const (
	sqlNextExpected   = `SELECT COALESCE(MAX(id), 0) + 1 FROM expected_payments`
	sqlCreateExpected = `INSERT INTO expected_payments (id, owner_id, top_id, type_id, profile_id, run_date, run_id, amount, unit, method,
    reason, card_id, charge_id, imported, payment_id, fulfilled_at, our_reference, customer_reference, revision, created_at, updated_at,
    deleted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`
)

func (t *tx) CreateExpectedPayment(e *billing.ExpectedPayment) error {
	if err := t.owns(e.Owner); err != nil {
		return err
	}
	id, err := t.idOr(int64(e.ID), sqlNextExpected)
	if err != nil {
		return err
	}
	_, err = t.exec(sqlCreateExpected, id, int64(e.Owner), int64(e.Top), int64(e.Type), ref(e.Profile), e.Date, ref(e.Run), e.Amount,
		string(e.Unit), string(e.Method), string(e.Reason), ref(e.Card), ref(e.Charge), e.Imported, ref(e.Payment), e.FulfilledAt,
		e.OurReference, e.CustomerReference, e.Revision, e.CreatedAt, e.UpdatedAt, e.DeletedAt)
	if err == nil {
		e.ID = billing.ExpectedID(id)
	}
	return err
}

const sqlSetExpected = `UPDATE expected_payments SET reason = $2, payment_id = $3, fulfilled_at = $4, our_reference = $5,
    customer_reference = $6, revision = $7, updated_at = $8, deleted_at = $9
WHERE id = $1`

func (t *tx) SetExpectedPayment(e *billing.ExpectedPayment) error {
	if err := t.owns(e.Owner); err != nil {
		return err
	}
	return t.change("expected_payment", sqlSetExpected, int64(e.ID), string(e.Reason), ref(e.Payment), e.FulfilledAt,
		e.OurReference, e.CustomerReference, e.Revision, e.UpdatedAt, e.DeletedAt)
}

const expectedTypeColumns = `id, name, display_name, description, created_at, updated_at`

func scanExpectedType(r *row, e *billing.ExpectedType) {
	e.ID = billing.ExpectedTypeID(r.int64())
	e.Name = r.text()
	e.DisplayName = r.text()
	e.Description = r.text()
	e.CreatedAt = r.time()
	e.UpdatedAt = r.time()
}

const (
	sqlExpectedType      = `SELECT ` + expectedTypeColumns + ` FROM expected_payment_types WHERE id = $1`
	sqlExpectedTypeNamed = `SELECT ` + expectedTypeColumns + ` FROM expected_payment_types WHERE lower(name) = $1`
	sqlExpectedTypes     = `SELECT ` + expectedTypeColumns + ` FROM expected_payment_types WHERE id > $1` + sqlSince + `
ORDER BY id LIMIT $4`
	sqlNextExpectedType = `SELECT COALESCE(MAX(id), 0) + 1 FROM expected_payment_types`
	sqlAddExpectedType  = `INSERT INTO expected_payment_types (` + expectedTypeColumns + `)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING`
	sqlSetExpectedType = `UPDATE expected_payment_types SET name = $2, display_name = $3, description = $4, created_at = $5,
    updated_at = $6
WHERE id = $1`
	sqlExpectedTypeUsed   = `SELECT EXISTS (SELECT 1 FROM expected_payments WHERE type_id = $1)`
	sqlDeleteExpectedType = `DELETE FROM expected_payment_types WHERE id = $1`
)

func (r *reader) ExpectedType(id billing.ExpectedTypeID) (billing.ExpectedType, error) {
	return one(r, "expected_payment_type", scanExpectedType, sqlExpectedType, int64(id))
}

func (r *reader) ExpectedTypeNamed(name string) (billing.ExpectedType, error) {
	return one(r, "expected_payment_type", scanExpectedType, sqlExpectedTypeNamed, lower(name))
}

func (r *reader) ExpectedTypes(f billing.ListFilter) ([]billing.ExpectedType, error) {
	return list(r, scanExpectedType, sqlExpectedTypes, f.After, timeOrLeast(f.CreatedSince), timeOrLeast(f.UpdatedSince), limitOf(f.Limit))
}

func (t *tx) PutExpectedType(e *billing.ExpectedType) error {
	id, err := t.idOr(int64(e.ID), sqlNextExpectedType)
	if err == nil {
		err = t.put(sqlAddExpectedType, sqlSetExpectedType, id, e.Name, e.DisplayName, e.Description, e.CreatedAt, e.UpdatedAt)
	}
	if err == nil {
		e.ID = billing.ExpectedTypeID(id)
	}
	return err
}

func (t *tx) DeleteExpectedType(id billing.ExpectedTypeID) error {
	used, err := one(&t.reader, "expected_payment_type", scanBool, sqlExpectedTypeUsed, int64(id))
	if err != nil {
		return err
	}
	if used {
		return &billing.Error{Code: billing.Conflict, Field: "expected_payment_type"}
	}
	return t.change("expected_payment_type", sqlDeleteExpectedType, int64(id))
}
