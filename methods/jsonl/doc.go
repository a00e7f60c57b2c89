// Package jsonl is import and export: UTF-8 JSON Lines, one object a line.
//
// It owns the lines: their types, member names and forms, in which order they
// are written and how they are read in any order. It does not own what a line
// means: billing.Importer puts it, and billing says what is wrong with it.
//
// Invariants:
//
//   - an import is all or nothing: every line goes through one Engine.Import;
//   - the input may be read more than once, so it is a file: standard input is
//     spooled to one;
//   - members and lines come in any order: a line whose reference is not there
//     yet waits for the others, and only such lines are kept in memory;
//   - what is not known is refused by name, what is there twice is refused,
//     absent and null are two things, and money is never a JSON number;
//   - an export, imported into an empty database, exports the same bytes;
//   - tokens and password hashes are written only when asked for.
package jsonl
