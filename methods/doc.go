// Package methods holds what the wire interfaces share; each interface is a
// package below it.
//
// An interface package owns names, shapes, casing, sign conversions, status
// words, fault numbers and paging of one wire interface. It owns no rule, no
// SQL and no money arithmetic: each call is five steps in one file - decode,
// find the actor and its scope, fill one billing parameter struct, call one
// engine operation, encode - and every error goes through the interface's one
// table from billing codes to its own faults.
//
// Where an interface leaves its source page, or settles what the page leaves
// open, the code carries the key of an entry in docs/DIVERGENCES.md ("S-3").
package methods
