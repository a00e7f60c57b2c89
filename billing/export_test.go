package billing

import (
	"context"
	"text/template"
)

// ChargeOne lets tests stop a process in the middle of a charge.
func ChargeOne(e *Engine, ctx context.Context, id ChargeID) error {
	due := DueCharge{ID: id}
	err := e.store.View(context.WithoutCancel(ctx), func(r Reader) error {
		c, err := r.Charge(id)
		due.Owner = c.Owner
		return err
	})
	if err != nil {
		return err
	}
	return e.chargeOne(ctx, due, nil)
}

// DrainAlone is Drain with one row at a time, the same each time.
func DrainAlone(e *Engine, ctx context.Context) error {
	f := newFlight(1)
	f.alone = true
	return e.drain(ctx, f)
}

// TidyAtOnce lets Work delete what is too old without a wait.
func TidyAtOnce() (restore func()) {
	was := tidyFirst
	tidyFirst = 0
	return func() { tidyFirst = was }
}

// NetworkFree is networkFree.
var NetworkFree = networkFree

// BreakNotice makes a kind of notice impossible to write until the returned func is called.
func BreakNotice(kind NoticeKind) func() {
	was := noticeTemplates
	noticeTemplates = template.Must(template.Must(was.Clone()).New(string(kind) + ".txt").Parse("{{.NoSuchField}}"))
	return func() { noticeTemplates = was }
}

// TopUpPool applies one request without the upkeep that a worker begins with.
func TopUpPool(e *Engine, ctx context.Context, id PoolTopUpID) error { return e.topUpPool(ctx, id) }

// Waits joins the calls that wait for a charge.
func Waits(e *Engine, id ChargeID) (told <-chan struct{}, leave func()) { return e.waiting.join(id) }

// ShedEvents gives up what is above most, as the worker does above its own limit.
func ShedEvents(e *Engine, ctx context.Context, most int64) (int64, error) {
	defer func(was int64) { waitingMost = was }(waitingMost)
	waitingMost = most
	return e.shedEvents(ctx)
}
