// Package need finds the outside programs that tests drive. It is for tests only.
package need

import (
	"os"
	"os/exec"
	"testing"
)

// Program returns the path of a program; install says how it is had. Where the
// suite must be complete (CI=true) its absence fails the test, elsewhere it skips it.
func Program(t testing.TB, program, install string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		Missing(t, program+" is not on PATH; install it with: "+install)
	}
	return path
}

// Missing ends a test for want of something outside: a failure where CI=true,
// elsewhere a skip with the same words.
func Missing(t testing.TB, words string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(words)
	}
	t.Skip(words)
}
