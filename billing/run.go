package billing

import "time"

// Job names a scheduled job.
type Job string

// The jobs.
const (
	JobLowBalance Job = "low-balance"
	JobBilling    Job = "billing"
	JobProfiles   Job = "profiles"
	JobRecurring  Job = "recurring"
)

// JobCharges is what sends charges and hears of them: no schedule runs it.
const JobCharges Job = "charges"

// JobEvents is what delivers events: no schedule runs it.
const JobEvents Job = "events"

// Run is one pass of a job. A scheduled firing's Key is unique per job (N1);
// runs started by hand, and the sweep at start, have none and close no night.
type Run struct {
	ID         RunID
	Job        Job
	Key        string    // "2026-11-22", "2026-11-22T10:15Z", or empty
	Trigger    string    // "schedule", "start", "command"
	AsOf       time.Time // zero: the real clock
	StartedAt  time.Time
	FinishedAt time.Time // zero while running, or when the process died
	// LeaseUntil lets another process continue a run whose process died.
	LeaseUntil time.Time
	// Error is why the pass stopped early; empty when it finished.
	Error string
	Tally Tally
}

// Tally counts what a run decided. Charged and Declined follow the charges
// that the run made, also those that settle after it.
type Tally struct {
	Decided  int64 // owners judged
	Charges  int64 // charges made
	Charged  int64 // of these, succeeded
	Declined int64 // of these, declined at least once and not succeeded
	Unknown  int64 // of these, outcome not known
	Waiting  int64 // of these, created and not sent: queued, or the gateway fails
	Mails    int64
	Posted   int64 // plan prices posted
	Expected int64 // expected payments made, collected ones too
	Failed   int64 // owners that could not be judged: an error of ours
	// Skipped counts owners for which nothing was done, by reason.
	Skipped map[Reason]int64
}
