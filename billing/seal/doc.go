// Package seal keeps secrets at rest: card tokens and logins are sealed with
// AES-256-GCM before they reach the database.
//
// It owns the sealing keys, their file, and the sealed form: four bytes of key
// id (from the key's SHA-256), a random nonce, the ciphertext with its tag. It
// does not own which columns are sealed, nor the resealing of rows:
// billing.Engine.Rekey walks them and asks NeedsReseal.
//
// Invariants:
//   - What is sealed is bound to its context (table and row): moved to another
//     row it does not open. Any changed byte is refused.
//   - The first key of a ring seals; every key of it opens. A key may be dropped
//     once nothing needs resealing.
//   - No error and no printed Ring shows a key or a secret.
//   - The key file is made whole or not at all, and is for its owner only. Of two
//     processes that make it at once, both use the same. Only a rekey replaces
//     it, one at a time: by a file with the new key in front of the older ones,
//     and, once everything is sealed anew, by one without them. So whatever a
//     crash leaves opens everything.
//   - A value is sealed inside the transaction that stores it, by the file as it
//     is then. SQLite has one writer at a time: a transaction that begins after
//     the file was replaced seals with the new key, and one that began before is
//     over before the rekey looks for what is left.
//   - A key seals far fewer than 2^32 values, the limit for random nonces.
package seal
