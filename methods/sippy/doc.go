// Package sippy is the switch's XML-RPC interface: the methods that panels
// already call, over one billing engine.
//
// It owns the methods' names, help and signatures, how their members are read
// and in which order they are answered, the two date formats, the scope rules
// of the interface (direct sub-customers, i_wholesaler), and the table from
// billing codes to fault numbers. It does not own the codec, introspection and
// multicall (methods/xmlrpc), authentication (server), or any rule about money
// (billing): what a member may hold beyond its type is decided there.
//
// Invariants:
//
//   - A call reads all members it knows before it touches the engine, then
//     calls one operation; a fault means that nothing was changed, but that a
//     wrong voucher was counted (S-545), or that nobody knows (billing.Internal).
//   - Money goes from text to millionths and back; there is no float.
//   - A member is absent, null or given, and the three are never confused.
//   - What is not known and what is out of scope give the same fault.
//   - Members that no page names are ignored, and their names, never their
//     values, are told to Options.Log.
//   - Fault texts are made of fixed words and member names: none of & < >,
//     nothing a client sent.
//
// Keys such as S-3 are entries of docs/DIVERGENCES.md; section numbers are
// those of the client reference, spec/sippy.md.
package sippy
