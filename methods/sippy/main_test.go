package sippy

import (
	"testing"

	"go.uber.org/goleak"

	"topupd/db/dbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(dbtest.Engines{M: m}) }
