package db_test

import (
	"net/url"
	"strings"
	"testing"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

// Whoever sets PostgreSQL up is told what is wrong, each in its own words, without the password.
func TestPostgresSetUpWrong(t *testing.T) {
	server := dbtest.OwnServer(t)
	server.Do(`CREATE ROLE guest LOGIN`)
	server.Do(`CREATE ROLE reader LOGIN`)
	server.Do(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader`)
	empty := server.Database("empty")
	with := func(address string, set map[string]string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		for name, value := range set {
			q.Set(name, value)
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	for name, c := range map[string]struct {
		address string
		code    billing.Code
		want    string
	}{
		"may not make tables": {with(server.Database("bare"), map[string]string{"user": "guest"}), billing.Forbidden, "no CREATE on the schema"},
		"may not read":        {with(server.Address(), map[string]string{"user": "guest"}), billing.Forbidden, "rights"},
		"may only read":       {with(server.Address(), map[string]string{"user": "reader"}), billing.Forbidden, "rights"},
		"no such user":        {with(empty, map[string]string{"user": "nobody", "password": "hidden"}), billing.Conflict, "user or password is wrong"},
		"no such database":    {with(strings.Replace(empty, "/empty", "/missing", 1), map[string]string{"password": "hidden"}), billing.Conflict, "no database of that name"},
		"an unknown setting":  {with(empty, map[string]string{"no_such": "1"}), billing.Conflict, "parameter of the address is unknown"},
		"a wrong setting":     {with(empty, map[string]string{"idle_session_timeout": "soon"}), billing.Conflict, "a value that PostgreSQL does not take"},
	} {
		s, err := db.Open(t.Context(), c.address, db.Options{Migrate: true})
		if err == nil {
			t.Errorf("%s: it was opened", name)
			_ = s.Close()
			continue
		}
		if billing.ErrorCode(err) != c.code || billing.ErrorField(err) != "db" || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v, %v", name, billing.ErrorCode(err), err)
		}
	}
}

// A text that a customer sends would fail, or be cut by its bytes, long after the set-up.
func TestPostgresEncoding(t *testing.T) {
	server := dbtest.OwnServer(t)
	for _, encoding := range []string{"SQL_ASCII", "LATIN1"} {
		name := strings.ToLower(encoding)
		server.Do(`CREATE DATABASE ` + name + ` ENCODING '` + encoding + `' LOCALE 'C' TEMPLATE template0`)
		s, err := db.Open(t.Context(), strings.Replace(server.Address(), "/postgres?", "/"+name+"?", 1), db.Options{Migrate: true})
		if err == nil {
			t.Errorf("%s was opened", encoding)
			_ = s.Close()
			continue
		}
		if billing.ErrorCode(err) != billing.Conflict || !strings.Contains(err.Error(), "ENCODING 'UTF8'") || !strings.Contains(err.Error(), encoding) {
			t.Errorf("%s: %v", encoding, err)
		}
	}
}
