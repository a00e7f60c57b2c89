// Package xmlrpc is the XML-RPC server codec and dispatcher.
//
// It owns the reading of a methodCall, the writing of a methodResponse or
// fault, the dispatch table, system.listMethods, system.methodSignature,
// system.methodHelp, system.getCapabilities, system.multicall, and the limits
// on what a client may send. It does not own any method of the business, authentication, logging,
// or the meaning of a fault number above the protocol's own: those belong to
// the interface package that fills the table.
//
// Section numbers in comments ("1.10.8") are those of the client reference,
// spec/sippy.md; a reply point is 1.10 followed by its number.
//
// Invariants:
//
//   - A number never passes through a float. Value keeps the text as sent, so
//     a card number in <i4> or a postal code with a leading zero survives.
//   - What DecodeCall accepts is well-formed XML 1.0 without a document type.
//     Entities are the five predefined ones, so nothing can expand.
//   - The byte shape of a reply is fixed (encode.go) and always well-formed,
//     whatever strings a method returned.
//   - A request costs memory in proportion to its size; nesting, member count
//     and text length are bounded by Limits while reading, not afterwards.
//   - A panic in one method is a fault of that call and of nothing else.
//   - Texts of faults made here contain none of & < >, since one known client
//     shows them without unescaping (1.7), and nothing a client sent except
//     the name of an element.
//
// Choices the format leaves open: a struct with the same member twice is
// refused (no known client sends one, and picking either amount would be a
// guess); a param without a value is an empty struct (1.5, 1.6); white space
// around numbers, booleans and dates is dropped, in strings it is kept.
package xmlrpc
