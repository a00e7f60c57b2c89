package cli

import "fmt"

// exportCmd writes everything.
type exportCmd struct {
	Secrets bool `help:"Write card tokens and password hashes too."`
}

// Run exports to standard output.
func (c *exportCmd) Run(a *app) error {
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	show, end := a.progress("owners")
	defer end()
	return a.parts.Export(as(a.ctx, "cli"), o.engine, a.out, ExportOptions{
		Realm: o.cfg.Engine.Realm, Secrets: c.Secrets, Progress: show,
		Warn: func(text string) { fmt.Fprintln(a.err, text) },
	})
}
