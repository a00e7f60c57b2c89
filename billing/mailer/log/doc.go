// Package log is the mailer of a server without a mail server: each notice
// becomes one line of the log, so that a newcomer sees what would have been
// sent.
//
// It owns that line. It does not own wording, and it does not fail: a mail that
// was written counts as delivered, since nobody would read it a second time.
//
// Invariants: one mail is one event at level info with the members mail_id, to,
// subject and body; nothing else of the process is in it.
package log
