package billing

// Unit is what an amount counts: a currency by its ISO 4217 letters ("USD"),
// or an allowance ("SMS", "KB").
type Unit string
