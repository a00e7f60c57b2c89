// Package smtp delivers notices through one mail server, set as
// smtp://user:password@host:port (STARTTLS when offered) or smtps://.
//
// It owns the conversation with the server, what its answers mean (a refused
// mail is a *billing.PermanentError, all else may be tried again) and the form
// of the message. It does not own wording, retries or the queue.
//
// Invariants:
//   - The password is never in an error, a log or a printed Mailer, and is never
//     sent in clear text to another machine: a server that is not on this one
//     and offers no encryption is refused before the login.
//   - A certificate is verified whenever there is encryption, also when STARTTLS
//     was only offered; servers on loopback are not, since nobody is in between
//     and their certificates are rarely made for that name.
//   - One mail has one recipient, and no header can be added through a field.
//   - A mail that the server took is a success, whatever happens afterwards; one
//     whose answer was lost is tried again under the same Message-ID.
//   - Send ends with its context, at the latest after the time-out.
package smtp
