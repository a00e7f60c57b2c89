// Package poolplan is the pool plan top-up over REST, as a connectivity platform
// documents it: POST /api/v2/customer/{id}/offer/{id}/topup acknowledges a request, which
// a worker applies, and GET /api/v2/global/call/{requestId} tells what became of it.
//
// Every answer is an envelope; a refusal (NAK) has the code and the message, and empty
// strings for the rest. Decisions are the keys F-... of docs/DIVERGENCES.md.
package poolplan
