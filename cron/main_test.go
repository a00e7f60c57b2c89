package cron

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones of the tests do not depend on the machine

	"go.uber.org/goleak"

	"topupd/db/dbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(dbtest.Engines{M: m}) }

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func cal(t testing.TB, text, zoneName string) calendar {
	t.Helper()
	s, err := parseSpec(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return calendar{s, zone(t, zoneName)}
}

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func day0(t testing.TB, s string) date {
	t.Helper()
	d, err := parseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
