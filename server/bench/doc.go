// Package bench holds the benchmarks of whole processes: the real binary over a
// million accounts, measured against a bare net/http server in the same run.
// It owns no code of the product; docs/PERFORMANCE.md has the one command.
package bench
