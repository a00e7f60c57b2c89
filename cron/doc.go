// Package cron decides when a job is due and calls it. It never knows what a
// job does.
//
// It owns the alarm clock over robfig/cron, the business calendar (which date
// is due at which instant in a zone with daylight saving) and the making up of
// missed nights. It does not own the jobs, their records or the decision
// whether a firing runs: the job function inserts the unique row (job, key),
// and a firing that is recorded already is a call that returns nil.
//
// Invariants:
//
//   - robfig reads the schedules and wakes every job once a minute; what is due
//     is computed from the calendar. An alarm that comes twice, late or not at
//     all changes nothing but the delay.
//   - A daily job is called for each business date after the newest recorded one
//     on which its schedule fires, oldest first, and for a later date only when
//     the earlier one has returned nil: the newest recorded date then stands for
//     all dates before it.
//   - Any other job is called for the latest scheduled minute only. A minute
//     that passed while the server was down is not made up: the start sweep is
//     in its place.
//   - One clock never runs a job in parallel with itself. Several clocks on one
//     database may call for the same key; the row decides.
//   - An error or a panic leaves the key undone. It is tried again at a later
//     minute: a date until it is done, a minute until the next scheduled one.
package cron
