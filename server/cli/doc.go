// Package cli is the commands: one file each, over parts that main hands it.
//
// It owns the command line, the settings (flag, variable, configuration file),
// what a command prints and its exit code, the order in which a server starts
// and stops, and the log lines and metrics of what the engine did. It does not
// own any rule, SQL, wire format, schedule or gateway: it reaches them through
// billing.Engine and Parts.
//
// Invariants:
//
//   - standard output is a command's result, logs and progress go to standard
//     error;
//   - a flag goes before a variable, a variable before the file; an unknown
//     line of the file is refused;
//   - a wrong value stops the start with one line: the setting, the value (never
//     a secret) and what is allowed;
//   - a secret is read from the environment, the file or standard input, never
//     from the command line, and printed at most once, when it was made here;
//   - money is printed exactly, as a decimal with its unit.
package cli
