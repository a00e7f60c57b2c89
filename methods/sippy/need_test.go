package sippy_test

import (
	"os"
	"os/exec"
	"testing"
)

// need returns the path of a program a test drives. Where the suite must be
// complete (CI=true) its absence fails the test, elsewhere it skips it.
func need(t *testing.T, program, install string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	const words = "%s is not on PATH; install it with: %s"
	if os.Getenv("CI") == "true" {
		t.Fatalf(words, program, install)
	}
	t.Skipf(words, program, install)
	return ""
}
