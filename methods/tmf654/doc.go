// Package tmf654 is the prepay balance management interface, TMF654 v4, in the flavour of
// Oracle's REST services: top-ups, buckets, adjustments, transfers, reservations, events.
//
// A resource is a file of its own with its routes (listed in resources), its shape and its
// part of the contract in openapi/. What they share is in the files of this base: ids,
// quantities, lists, merge patches, errors.
//
// Balances have the billing sign on this wire: what a customer has is negative, what it
// owes positive (billed). Amounts of actions are positive.
package tmf654
