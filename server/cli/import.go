package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// importCmd loads a file.
type importCmd struct {
	File string `arg:"" help:"JSON Lines, - for standard input."`
	Hold bool   `help:"Keep the imported owners from all automatic charges and mails until golive."`
}

// Run imports and prints how many lines of each type were put.
func (c *importCmd) Run(a *app) error {
	source, done, err := c.source(a)
	if err != nil {
		return err
	}
	defer done()
	o, err := a.open(opening{create: true})
	if err != nil {
		return err
	}
	defer o.close()
	show, end := a.progress("lines")
	sum, err := a.parts.Import(as(a.ctx, "import"), o.engine, ImportInput{
		Source: source, Name: c.File, Hold: c.Hold, Progress: show,
	})
	end()
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, "imported: "+counts(sum))
	return nil
}

func (c *importCmd) source(a *app) (io.ReadSeeker, func(), error) {
	if c.File == "-" {
		return a.parts.Spool(a.in)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, nil, err
	}
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		// A pipe cannot be read twice.
		defer f.Close()
		return a.parts.Spool(f)
	}
	return f, func() { _ = f.Close() }, nil
}

// counts prints counts by name: "2 account, 1 plan".
func counts(m map[string]int64) string {
	if len(m) == 0 {
		return "nothing"
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", m[name], name)
	}
	return strings.Join(names, ", ")
}
