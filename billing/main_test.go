package billing_test

import (
	"flag"
	"os"
	"testing"

	"topupd/db/dbtest"
)

// A model has a hundred cases by itself, each of which is some hundred transactions;
// -rapid.checks asks for as many as one has time for.
func TestMain(m *testing.M) {
	_ = flag.Lookup("rapid.checks").Value.Set("40") // a default: flag.Set would say that somebody asked for it
	os.Exit(dbtest.Engines{M: m}.Run())
}
