package cli

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows a count on standard error while a command works, on a
// terminal only. The functions it returns work elsewhere too, and do nothing.
func (a *app) progress(what string) (show func(int64), done func()) {
	if !isTerminal(a.err) {
		return func(int64) {}, func() {}
	}
	bar := progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(a.err),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionThrottle(200*time.Millisecond),
		progressbar.OptionSpinnerType(14),
		// No goroutine of its own: nobody would wait for it.
		progressbar.OptionSetSpinnerChangeInterval(0),
	)
	show = func(n int64) { _ = bar.Set64(n) } // a progress line that cannot be shown is no error
	return show, func() { _ = bar.Clear() }
}
