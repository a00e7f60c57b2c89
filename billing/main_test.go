package billing_test

import (
	"os"
	"testing"

	"topupd/db/dbtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Engines{M: m}.Run()) }
