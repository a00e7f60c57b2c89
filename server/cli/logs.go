package cli

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/term"
)

// logger writes to standard error, for people on a terminal, for machines
// elsewhere.
func (a *app) logger(cfg *Config) zerolog.Logger {
	w := a.err
	console := cfg.LogFormat == "console" || cfg.LogFormat == "" && isTerminal(a.err)
	if console {
		w = zerolog.ConsoleWriter{Out: a.err, TimeFormat: time.RFC3339, NoColor: !isTerminal(a.err)}
	}
	zerolog.TimeFieldFormat = time.RFC3339Nano
	zerolog.TimestampFunc = func() time.Time { return time.Now().UTC() }
	return zerolog.New(&lockedWriter{w: w}).Level(cfg.LogLevel).With().Timestamp().Logger()
}

// lockedWriter keeps lines of several goroutines apart.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes one line.
func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
