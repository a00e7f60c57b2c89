package server

import (
	"context"
	"errors"
	"log"
	"net/http"
	"time"

	"github.com/rs/zerolog"
)

// timeouts bound what a client may make the server wait for.
type timeouts struct {
	header, read, write, idle, stop time.Duration
}

var defaultTimeouts = timeouts{
	header: 10 * time.Second,
	read:   60 * time.Second,
	// A payment call may wait 20 s for its gateway; this only ends what hangs.
	write: 120 * time.Second,
	idle:  120 * time.Second,
	stop:  10 * time.Second,
}

// maxHeaderBytes bounds the head of a request.
const maxHeaderBytes = 32 << 10

// Serve answers requests until the context ends; then it stops accepting,
// finishes what is in flight for at most 10 s, cuts what is left, and returns
// nil. It calls Listen if that was not done. A server serves once.
func (s *Server) Serve(ctx context.Context) error { return s.serve(ctx, defaultTimeouts) }

func (s *Server) serve(ctx context.Context, t timeouts) error {
	if s.listener == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	hs := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: t.header,
		ReadTimeout:       t.read,
		WriteTimeout:      t.write,
		IdleTimeout:       t.idle,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(connectionLog{s.options.Logger}, "", 0),
	}
	quit, noted := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(noted)
		s.notes.run(quit)
	}()
	defer func() { // after the last request
		close(quit)
		<-noted
	}()
	ended := make(chan error, 1)
	go func() { ended <- hs.Serve(s.listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	s.SetReady(false)
	close(s.stop)
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.stop)
	defer cancel()
	err := hs.Shutdown(limit)
	if errors.Is(err, context.DeadlineExceeded) {
		s.options.Logger.Warn().Int64("in_flight", s.InFlight()).Msg("stopped before every request was finished")
		err = hs.Close()
	}
	<-ended
	return err
}

// connectionLog takes what net/http says of connections (a failed TLS
// handshake, a client that went away): nobody's fault here, so debug only.
type connectionLog struct{ log zerolog.Logger }

// Write logs one message.
func (c connectionLog) Write(b []byte) (int, error) {
	c.log.Debug().Str("text", string(b)).Msg("connection")
	return len(b), nil
}
