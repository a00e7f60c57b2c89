package db

import "topupd/billing"

func scanLetterType(r *row, l *billing.LetterType) {
	l.ID = billing.LetterTypeID(r.int64())
	l.Name = r.text()
	l.CreatedAt = r.time()
}

const (
	sqlLetterType      = `SELECT id, name, created_at FROM correspondence_types WHERE id = $1`
	sqlLetterTypeNamed = `SELECT id, name, created_at FROM correspondence_types WHERE lower(name) = $1`
	sqlLetterTypes     = `SELECT id, name, created_at FROM correspondence_types ORDER BY id`
	sqlNextLetterType  = `SELECT COALESCE(MAX(id), 0) + 1 FROM correspondence_types`
	sqlAddLetterType   = `INSERT INTO correspondence_types (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`
	sqlSetLetterType   = `UPDATE correspondence_types SET name = $2, created_at = $3 WHERE id = $1`
)

func (r *reader) LetterType(id billing.LetterTypeID) (billing.LetterType, error) {
	return one(r, "correspondence_type", scanLetterType, sqlLetterType, int64(id))
}

func (r *reader) LetterTypeNamed(name string) (billing.LetterType, error) {
	return one(r, "correspondence_type", scanLetterType, sqlLetterTypeNamed, lower(name))
}

func (r *reader) LetterTypes() ([]billing.LetterType, error) {
	return list(r, scanLetterType, sqlLetterTypes)
}

func (t *tx) PutLetterType(l *billing.LetterType) error {
	id, err := t.idOr(int64(l.ID), sqlNextLetterType)
	if err == nil {
		err = t.put(sqlAddLetterType, sqlSetLetterType, id, l.Name, l.CreatedAt)
	}
	if err == nil {
		l.ID = billing.LetterTypeID(id)
	}
	return err
}

const letterColumns = `id, owner_id, top_id, type_id, expected_id, notice_id, created_at`

func scanLetter(r *row, l *billing.Letter) {
	l.ID = billing.LetterID(r.int64())
	l.Owner = billing.OwnerID(r.int64())
	l.Top = billing.OwnerID(r.int64())
	l.Type = billing.LetterTypeID(r.int64())
	l.Expected = billing.ExpectedID(r.int64())
	l.Notice = billing.NoticeID(r.int64())
	l.CreatedAt = r.time()
}

const (
	sqlLetter    = `SELECT ` + letterColumns + ` FROM correspondence WHERE id = $1`
	sqlLetters   = `SELECT ` + letterColumns + ` FROM correspondence WHERE id > $1 ORDER BY id LIMIT $2`
	sqlLetterOf  = `SELECT ` + letterColumns + ` FROM correspondence WHERE expected_id = $1`
	sqlLettersOf = `SELECT ` + letterColumns + ` FROM correspondence WHERE owner_id = $3 AND id > $1 ORDER BY id LIMIT $2`
)

func (r *reader) Letter(id billing.LetterID) (billing.Letter, error) {
	return one(r, "correspondence", scanLetter, sqlLetter, int64(id))
}

func (r *reader) LetterOf(id billing.ExpectedID) (billing.Letter, error) {
	return one(r, "correspondence", scanLetter, sqlLetterOf, int64(id))
}

func (r *reader) Letters(o billing.OwnerID, after billing.LetterID, limit int) ([]billing.Letter, error) {
	if o == 0 {
		return list(r, scanLetter, sqlLetters, int64(after), limitOf(limit))
	}
	return list(r, scanLetter, sqlLettersOf, int64(after), limitOf(limit), int64(o))
}

const (
	sqlNextLetter   = `SELECT COALESCE(MAX(id), 0) + 1 FROM correspondence`
	sqlCreateLetter = `INSERT INTO correspondence (id, owner_id, top_id, type_id, expected_id, notice_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)`
)

func (t *tx) CreateLetter(l *billing.Letter) error {
	id, err := t.idOr(int64(l.ID), sqlNextLetter)
	if err != nil {
		return err
	}
	_, err = t.exec(sqlCreateLetter, id, int64(l.Owner), int64(l.Top), int64(l.Type), int64(l.Expected), int64(l.Notice), l.CreatedAt)
	if err == nil {
		l.ID = billing.LetterID(id)
	}
	return err
}
