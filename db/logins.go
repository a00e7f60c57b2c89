package db

import "topupd/billing"

const loginColumns = `name, owner_id, ha1, realm, disabled, created_at, updated_at`

func scanLogin(r *row, l *billing.Login) {
	l.Name = r.text()
	l.Customer = billing.OwnerID(r.int64())
	l.HA1 = r.bytes()
	l.Realm = r.text()
	l.Disabled = r.bool()
	l.CreatedAt = r.time()
	l.UpdatedAt = r.time()
}

const sqlLogin = `SELECT ` + loginColumns + ` FROM logins WHERE name = $1`

func (r *reader) Login(name string) (billing.Login, error) {
	return one(r, "login", scanLogin, sqlLogin, name)
}

const sqlLogins = `SELECT ` + loginColumns + ` FROM logins ORDER BY name`

func (r *reader) Logins() ([]billing.Login, error) { return list(r, scanLogin, sqlLogins) }

const sqlLoginsOf = `SELECT ` + loginColumns + ` FROM logins WHERE owner_id = $1 ORDER BY name`

func (r *reader) LoginsOf(o billing.OwnerID) ([]billing.Login, error) {
	return list(r, scanLogin, sqlLoginsOf, int64(o))
}

const sqlDropLogin = `DELETE FROM logins WHERE name = $1`

func (t *tx) DropLogin(name string) error { return t.change("login", sqlDropLogin, name) }

const sqlPutLogin = `INSERT INTO logins (name, owner_id, ha1, realm, disabled, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (name) DO UPDATE SET owner_id = excluded.owner_id, ha1 = excluded.ha1, realm = excluded.realm,
    disabled = excluded.disabled, created_at = excluded.created_at, updated_at = excluded.updated_at`

func (t *tx) PutLogin(l *billing.Login) error {
	_, err := t.exec(sqlPutLogin, l.Name, int64(l.Customer), l.HA1, l.Realm, l.Disabled, l.CreatedAt, l.UpdatedAt)
	return err
}

const sqlResealLogin = `UPDATE logins SET ha1 = $3 WHERE name = $1 AND ha1 = $2`

func (t *tx) ResealLogin(name string, was, now []byte) (bool, error) {
	n, err := t.exec(sqlResealLogin, name, was, now)
	return n == 1, err
}
