package cli

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"topupd/billing"
)

// observer turns what the engine tells into log lines and metrics.
type observer struct {
	log zerolog.Logger

	charges   *prometheus.CounterVec
	decisions *prometheus.CounterVec
	postings  *prometheus.CounterVec
	notices   *prometheus.CounterVec
	events    *prometheus.CounterVec
	runs      *prometheus.HistogramVec
	alarms    *prometheus.CounterVec
	paused    *prometheus.GaugeVec
	failures  prometheus.Counter
	shed      prometheus.Counter
	again     prometheus.CounterFunc
	store     atomic.Value // a beyonder, once it is open
}

// beyonder is a store that counts what it had to run again, alone.
type beyonder interface{ Beyond() int64 }

// watch has the metrics read a store that counts.
func (o *observer) watch(s billing.Store) {
	if b, ok := s.(beyonder); ok {
		o.store.Store(&b)
	}
}

var _ billing.Observer = (*observer)(nil)

func newObserver(log zerolog.Logger) *observer {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	o := &observer{
		log:       log,
		charges:   counter("topupd_charges_total", "Charges that entered a state, by state and the gateway's outcome.", "state", "outcome"),
		decisions: counter("topupd_decisions_total", "Decisions that were kept, by purpose and reason.", "purpose", "reason"),
		postings:  counter("topupd_postings_total", "Postings booked, by kind.", "kind"),
		notices:   counter("topupd_notices_total", "Notices delivered or given up, by kind and state.", "kind", "state"),
		events:    counter("topupd_event_deliveries_total", "Tries to deliver an event, by its type and the state that they led to.", "type", "state"),
		runs: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "topupd_run_duration_seconds", Help: "Time that a run took to decide, by job.",
			Buckets: []float64{.01, .1, 1, 10, 60, 300, 1800, 7200},
		}, []string{"job", "result"}),
		alarms: counter("topupd_alarms_total", "What a person has to look at, by kind; each has a log line.", "kind"),
		paused: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "topupd_gateway_paused", Help: "1 while a gateway is spared because it is down.",
		}, []string{"gateway"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "topupd_failures_total", Help: "Errors of ours in the background; each has a log line.",
		}),
	}
	o.shed = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "topupd_event_deliveries_shed_total", Help: "Deliveries of events given up since too many waited for their subscription.",
	})
	o.again = prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "topupd_changes_alone_again_total",
		Help: "Changes that went beyond the owners that they had declared: undone and run again with nothing beside them.",
	}, func() float64 {
		if b, ok := o.store.Load().(*beyonder); ok {
			return float64((*b).Beyond())
		}
		return 0
	})
	return o
}

// collectors are the metrics, for the server's registry.
func (o *observer) collectors() []prometheus.Collector {
	return []prometheus.Collector{o.charges, o.decisions, o.postings, o.notices, o.events, o.shed, o.runs, o.alarms, o.paused, o.failures, o.again}
}

// Decided counts; what follows from a decision has a line of its own.
func (o *observer) Decided(d billing.Decision) {
	o.decisions.WithLabelValues(string(d.Purpose), string(d.Reason)).Inc()
	o.log.Debug().Stringer("owner", d.Owner).Str("trigger", string(d.Trigger)).Str("reason", string(d.Reason)).
		Str("detail", d.Detail).Int64("charge", int64(d.Made)).Int64("run", int64(d.Run)).Msg("decision")
}

// ChargeMoved writes one line for each state that a charge enters.
func (o *observer) ChargeMoved(c billing.Charge, outcome string) {
	o.charges.WithLabelValues(string(c.State), outcomeLabel(c.State, outcome)).Inc()
	level := zerolog.InfoLevel
	if c.State == billing.ChargeUnresolved {
		level = zerolog.ErrorLevel // a person is needed
	}
	e := o.log.WithLevel(level).Int64("charge", int64(c.ID)).Stringer("owner", c.Owner).Str("purpose", string(c.Purpose)).
		Str("state", string(c.State)).Int("attempt", c.Attempt).Stringer("amount", billing.Money(c.Gross, c.Unit)).
		Str("gateway", c.Gateway)
	if outcome != "" {
		e.Str("outcome", outcome)
	}
	if c.Reason != "" {
		e.Str("reason", c.Reason)
	}
	if c.Run != 0 {
		e.Int64("run", int64(c.Run))
	}
	e.Msg("charge")
}

// outcomeLabel bounds the label: a failed charge's outcome is the gateway's
// code, a cancelled one's its reason.
func outcomeLabel(state billing.ChargeState, outcome string) string {
	if state == billing.ChargeFailed {
		return billing.OutcomeDeclined.String()
	}
	switch outcome {
	case "", billing.OutcomeSucceeded.String(), billing.OutcomeDeclined.String(),
		billing.OutcomeNotAttempted.String(), billing.OutcomeUnknown.String():
		return outcome
	}
	return "other"
}

// Posted counts.
func (o *observer) Posted(kind billing.PostingKind) {
	o.postings.WithLabelValues(string(kind)).Inc()
}

// Mailed counts, and writes a line for a notice that was given up.
func (o *observer) Mailed(n billing.Notice) {
	o.notices.WithLabelValues(string(n.Kind), string(n.State)).Inc()
	e := o.log.Debug()
	if n.State == billing.NoticeFailed {
		e = o.log.Warn()
	}
	e.Int64("notice", int64(n.ID)).Stringer("owner", n.Owner).Str("kind", string(n.Kind)).
		Str("state", string(n.State)).Int("tries", n.Tries).Str("error", n.Error).Msg("notice")
}

// EventSent counts, and writes a line: a try that failed is the receiver's matter, a
// delivery that was given up a person's.
func (o *observer) EventSent(d billing.Delivery, t billing.EventType) {
	o.events.WithLabelValues(t.String(), string(d.State)).Inc()
	e := o.log.Debug()
	switch {
	case d.State == billing.DeliveryDead:
		e = o.log.Warn()
	case d.State == billing.DeliveryPending:
		e = o.log.Info()
	}
	e.Int64("event", int64(d.Event)).Int64("subscription", int64(d.Hub)).Str("type", t.String()).Str("state", string(d.State)).
		Int("tries", d.Tries).Int("status", d.Status).Str("error", d.Error).Msg("event")
}

// EventsShed counts, and writes one line for all of a subscription.
func (o *observer) EventsShed(h billing.HubID, n int64) {
	o.shed.Add(float64(n))
	o.log.Warn().Int64("subscription", int64(h)).Int64("events", n).Msg("events given up: too many waited for the subscription")
}

// RunEnded writes one line for each run.
func (o *observer) RunEnded(r billing.Run) {
	result, e := "finished", o.log.Info()
	if r.Error != "" {
		result, e = "stopped", o.log.Error().Str("error", r.Error)
	}
	end := r.FinishedAt
	if end.IsZero() {
		end = time.Now()
	}
	took := end.Sub(r.StartedAt)
	o.runs.WithLabelValues(string(r.Job), result).Observe(took.Seconds())
	t := &r.Tally
	e.Int64("run", int64(r.ID)).Str("job", string(r.Job)).Str("key", r.Key).Str("trigger", r.Trigger).
		Int64("decided", t.Decided).Int64("charges", t.Charges).Int64("mails", t.Mails).Int64("posted", t.Posted).
		Int64("failed", t.Failed).Int64("ms", took.Milliseconds()).Msg("run")
}

// Alarmed counts, and writes a line that a person should see.
func (o *observer) Alarmed(kind billing.AlarmKind, subject, text string) {
	o.alarms.WithLabelValues(string(kind)).Inc()
	o.log.Error().Str("alarm", string(kind)).Str("detail", text).Msg(subject)
}

// gatewayPaused is told by a gateway's breaker.
func (o *observer) gatewayPaused(gateway string, paused bool) {
	if paused {
		o.paused.WithLabelValues(gateway).Set(1)
		o.log.Warn().Str("gateway", gateway).Msg("the gateway fails too often: it is spared")
		return
	}
	o.paused.WithLabelValues(gateway).Set(0)
	o.log.Info().Str("gateway", gateway).Msg("the gateway is called again")
}

// Failed writes one line for each error of ours.
func (o *observer) Failed(what string, err error) {
	o.failures.Inc()
	o.log.Error().Err(err).Msg(what)
}
