package db

import (
	"time"

	"topupd/billing"
)

const cardColumns = `id, owner_id, gateway, gateway_customer, token, fingerprint, brand, last4, exp_month, exp_year,
    holder, is_primary, state, aside, auto_collect, priority, card_type, alias, street1, street2, region, postal_code, city, country, phone,
    extra, created_at, updated_at`

func scanCard(r *row, c *billing.Card) {
	c.ID = billing.CardID(r.int64())
	c.Owner = billing.OwnerID(r.int64())
	c.Gateway = r.text()
	c.GatewayCustomer = r.text()
	c.Token = r.bytes()
	c.Fingerprint = r.text()
	c.Brand = r.text()
	c.Last4 = r.text()
	c.ExpMonth = r.int()
	c.ExpYear = r.int()
	c.Holder = r.text()
	c.Primary = r.bool()
	c.State = billing.CardState(r.text())
	c.Aside = r.text()
	c.AutoCollect = r.bool()
	c.Priority = r.int()
	c.Type = billing.CardType(r.int())
	c.Alias = r.text()
	c.Street1 = r.text()
	c.Street2 = r.text()
	c.Region = r.text()
	c.PostalCode = r.text()
	c.City = r.text()
	c.Country = r.text()
	c.Phone = r.text()
	c.Extra = r.text()
	c.CreatedAt = r.time()
	c.UpdatedAt = r.time()
}

const sqlCard = `SELECT ` + cardColumns + ` FROM cards WHERE id = $1`

func (r *reader) Card(id billing.CardID) (billing.Card, error) {
	return one(r, "card", scanCard, sqlCard, int64(id))
}

const sqlCardsOf = `SELECT ` + cardColumns + ` FROM cards WHERE owner_id = $1 ORDER BY id`

func (r *reader) CardsOf(o billing.OwnerID) ([]billing.Card, error) {
	return list(r, scanCard, sqlCardsOf, int64(o))
}

const sqlCards = `SELECT ` + cardColumns + ` FROM cards WHERE id > $1 ORDER BY id LIMIT $2`

func (r *reader) Cards(after billing.CardID, limit int) ([]billing.Card, error) {
	return list(r, scanCard, sqlCards, int64(after), limitOf(limit))
}

const sqlCardsByFingerprint = `SELECT ` + cardColumns + ` FROM cards
WHERE fingerprint = $2 AND fingerprint <> '' AND gateway = $1 ORDER BY id`

func (r *reader) CardsByFingerprint(gateway, fingerprint string) ([]billing.Card, error) {
	return list(r, scanCard, sqlCardsByFingerprint, gateway, fingerprint)
}

const sqlCardsOfCustomer = `SELECT ` + cardColumns + ` FROM cards WHERE gateway = $1 AND gateway_customer = $2 ORDER BY id`

func (r *reader) CardsOfCustomer(gateway, customer string) ([]billing.Card, error) {
	return list(r, scanCard, sqlCardsOfCustomer, gateway, customer)
}

const (
	sqlFirstSealedCard = `SELECT ` + cardColumns + ` FROM cards WHERE length(token) > 0 ORDER BY id LIMIT 1`
	sqlLastSealedCard  = `SELECT ` + cardColumns + ` FROM cards WHERE length(token) > 0 ORDER BY id DESC LIMIT 1`
)

func (r *reader) SealedCards() ([]billing.Card, error) {
	first, err := list(r, scanCard, sqlFirstSealedCard)
	if err != nil || len(first) == 0 {
		return nil, err
	}
	last, err := list(r, scanCard, sqlLastSealedCard)
	return append(first, last...), err
}

const sqlExpiringCards = `SELECT ` + cardColumns + ` FROM cards
WHERE exp_year = $1 AND exp_month = $2 AND state = 'usable' AND id > $3 ORDER BY id LIMIT $4`

func (r *reader) ExpiringCards(year, month int, after billing.CardID, limit int) ([]billing.Card, error) {
	return list(r, scanCard, sqlExpiringCards, year, month, int64(after), limitOf(limit))
}

const (
	sqlNextCard = `SELECT COALESCE(MAX(id), 0) + 1 FROM cards`
	sqlAddCard  = `INSERT INTO cards (id, owner_id, top_id, gateway, gateway_customer, token, fingerprint, brand, last4,
    exp_month, exp_year, holder, is_primary, state, aside, auto_collect, priority, extra, created_at, updated_at,
    card_type, alias, street1, street2, region, postal_code, city, country, phone)
VALUES ($1, $2, (SELECT top_id FROM owners WHERE id = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
    $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)
ON CONFLICT (id) DO NOTHING`
	sqlReplaceCard = `UPDATE cards SET owner_id = $2, top_id = (SELECT top_id FROM owners WHERE id = $2), gateway = $3,
    gateway_customer = $4, token = $5, fingerprint = $6, brand = $7, last4 = $8, exp_month = $9, exp_year = $10,
    holder = $11, is_primary = $12, state = $13, aside = $14, auto_collect = $15, priority = $16, extra = $17,
    created_at = $18, updated_at = $19, card_type = $20, alias = $21, street1 = $22, street2 = $23, region = $24,
    postal_code = $25, city = $26, country = $27, phone = $28
WHERE id = $1`
)

func (t *tx) PutCard(c *billing.Card) error {
	if err := t.owns(c.Owner); err != nil {
		return err
	}
	id, err := t.idOr(int64(c.ID), sqlNextCard)
	if err != nil {
		return err
	}
	err = t.put(sqlAddCard, sqlReplaceCard, id, int64(c.Owner), c.Gateway, c.GatewayCustomer, c.Token, c.Fingerprint, c.Brand,
		c.Last4, c.ExpMonth, c.ExpYear, c.Holder, c.Primary, string(c.State), c.Aside, c.AutoCollect, c.Priority,
		c.Extra, c.CreatedAt, c.UpdatedAt, int(c.Type), c.Alias, c.Street1, c.Street2, c.Region, c.PostalCode, c.City,
		c.Country, c.Phone)
	if err == nil {
		c.ID = billing.CardID(id)
	}
	return err
}

const sqlResealCard = `UPDATE cards SET token = $3 WHERE id = $1 AND token = $2`

func (t *tx) ResealCard(id billing.CardID, was, now []byte) (bool, error) {
	n, err := t.exec(sqlResealCard, int64(id), was, now)
	return n == 1, err
}

// idOr is an id that was given, or the next one, which two beside each other would
// both take.
func (t *tx) idOr(id int64, next string) (int64, error) {
	if id != 0 {
		return id, nil
	}
	if err := t.alone(); err != nil {
		return 0, err
	}
	return one(&t.reader, "id", scanInt, next)
}

const sqlActiveMandate = `SELECT id, owner_id, top_id, purpose, card_id, wording, amount, actor, address, given_at,
    revoked_at
FROM mandates WHERE owner_id = $1 AND purpose = $2 AND revoked_at IS NULL ORDER BY id DESC LIMIT 1`

func scanMandate(r *row, m *billing.Mandate) {
	m.ID = billing.MandateID(r.int64())
	m.Owner = billing.OwnerID(r.int64())
	m.Top = billing.OwnerID(r.int64())
	m.Purpose = billing.Purpose(r.text())
	m.Card = billing.CardID(r.int64())
	m.Text = r.text()
	m.Amount = r.int64()
	m.Actor = r.text()
	m.Address = r.text()
	m.At = r.time()
	m.RevokedAt = r.time()
}

func (r *reader) ActiveMandate(o billing.OwnerID, p billing.Purpose) (billing.Mandate, error) {
	return one(r, "mandate", scanMandate, sqlActiveMandate, int64(o), string(p))
}

const sqlMandates = `SELECT id, owner_id, top_id, purpose, card_id, wording, amount, actor, address, given_at,
    revoked_at
FROM mandates WHERE owner_id = $1 ORDER BY id DESC`

func (r *reader) Mandates(o billing.OwnerID) ([]billing.Mandate, error) {
	return list(r, scanMandate, sqlMandates, int64(o))
}

const sqlPutMandate = `INSERT INTO mandates (owner_id, top_id, purpose, card_id, wording, amount, actor, address,
    given_at, revoked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

func (t *tx) PutMandate(m *billing.Mandate) error {
	if err := t.owns(m.Owner); err != nil {
		return err
	}
	if m.RevokedAt.IsZero() {
		if err := t.RevokeMandates(m.Owner, m.Purpose, m.At); err != nil {
			return err
		}
	}
	id, err := t.insert(sqlPutMandate, int64(m.Owner), int64(m.Top), string(m.Purpose), ref(m.Card), m.Text, m.Amount,
		m.Actor, m.Address, m.At, m.RevokedAt)
	m.ID = billing.MandateID(id)
	// The earlier ones are revoked: there is no way back to them.
	return t.spoil(err)
}

const sqlRevokeMandates = `UPDATE mandates SET revoked_at = $3
WHERE owner_id = $1 AND purpose = $2 AND revoked_at IS NULL`

func (t *tx) RevokeMandates(o billing.OwnerID, p billing.Purpose, at time.Time) error {
	if err := t.owns(o); err != nil {
		return err
	}
	_, err := t.exec(sqlRevokeMandates, int64(o), string(p), at)
	return err
}
