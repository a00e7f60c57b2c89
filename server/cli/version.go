package cli

import (
	"fmt"
	"runtime"
)

// versionCmd prints the version.
type versionCmd struct{}

// Run prints version, revision and what it was built with.
func (*versionCmd) Run(a *app) error {
	fmt.Fprintf(a.out, "topupd %s %s %s %s/%s\n", a.parts.Version, a.parts.Revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
