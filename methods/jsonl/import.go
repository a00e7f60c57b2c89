package jsonl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"topupd/billing"
)

// ImportOptions say what is imported and how.
type ImportOptions struct {
	// Source is read from its start, more than once when the database asks for it.
	Source io.ReadSeeker
	// Name is what the source is called in errors.
	Name string
	// Hold keeps the imported owners from all automatic charges and mails.
	Hold bool
	// Progress is called with the number of lines put so far; may be nil.
	Progress func(lines int64)
}

// Summary counts the lines of an import by their type.
type Summary map[string]int64

// Import puts all lines of the source in one transaction, or none. Its errors
// about a line are *LineError.
func Import(ctx context.Context, e *billing.Engine, o ImportOptions) (Summary, error) {
	var sum Summary
	err := e.Import(ctx, o.Hold, func(tx *billing.Importer) error {
		if _, err := o.Source.Seek(0, io.SeekStart); err != nil {
			return err
		}
		p := &pass{tx: tx, name: o.Name, progress: o.Progress, sum: Summary{}}
		sum = p.sum
		return p.run(ctx, o.Source)
	})
	return sum, err
}

// LineError says what is wrong with which line.
type LineError struct {
	File string
	Line int64
	Err  error
}

// Error is "FILE:LINE: what is wrong".
func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Err) }

// Unwrap is what is wrong.
func (e *LineError) Unwrap() error { return e.Err }

// decoded is a line on its way from the decoder to the transaction.
type decoded struct {
	number int64
	kind   string
	line   line
	err    error
}

// batch is how many lines go from the decoder to the writer at once.
const batch = 256

// pass is one reading of the source.
type pass struct {
	tx       *billing.Importer
	name     string
	progress func(int64)
	sum      Summary
	done     int64
	// waiting are the lines whose reference was not there yet.
	waiting []decoded
}

// run decodes in a goroutine of its own, ahead of the writer, and waits for it.
func (p *pass) run(ctx context.Context, source io.Reader) error {
	batches := make(chan []decoded, 8)
	stop := make(chan struct{})
	var decoder sync.WaitGroup
	decoder.Go(func() { decodeAll(source, batches, stop) })
	defer decoder.Wait()
	defer close(stop)
	for lines := range batches {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.put(lines); err != nil {
			return err
		}
		if p.progress != nil {
			p.progress(p.done)
		}
	}
	return p.putWaiting(ctx)
}

// decodeAll sends the source's lines in batches; it ends with the first line
// that is wrong, with the source, or with stop.
func decodeAll(source io.Reader, batches chan<- []decoded, stop <-chan struct{}) {
	defer close(batches)
	r := newLineReader(source)
	var d decoder
	for more := true; more; {
		lines := make([]decoded, 0, batch)
		for len(lines) < batch && more {
			text, err := r.next()
			if errors.Is(err, io.EOF) {
				more = false
				break
			}
			l := decoded{number: r.number, err: err}
			if err == nil {
				l.kind, l.line, l.err = d.decode(text)
			}
			more = l.err == nil
			lines = append(lines, l)
		}
		select {
		case batches <- lines:
		case <-stop:
			return
		}
	}
}

func (p *pass) put(lines []decoded) error {
	for _, l := range lines {
		err := l.err
		if err == nil {
			err = l.line.put(p.tx)
		}
		switch {
		case err == nil:
			p.count(l)
		case l.err == nil && errors.Is(err, billing.NotFound):
			p.waiting = append(p.waiting, l)
		default:
			return p.at(l, err)
		}
	}
	return nil
}

func (p *pass) count(l decoded) {
	p.sum[l.kind]++
	p.done++
}

// putWaiting tries the waiting lines again until none is left or none goes.
// It reads them to and fro, so that a long chain in either order takes two
// rounds and not one for each link.
func (p *pass) putWaiting(ctx context.Context) error {
	for backward := true; len(p.waiting) > 0; backward = !backward {
		lines := p.waiting
		p.waiting = nil
		if backward != (lines[0].number > lines[len(lines)-1].number) {
			reverse(lines)
		}
		first := make(map[int64]error, 1)
		for _, l := range lines {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := l.line.put(p.tx)
			switch {
			case err == nil:
				p.count(l)
			case errors.Is(err, billing.NotFound):
				p.waiting = append(p.waiting, l)
				first[l.number] = err
			default:
				return p.at(l, err)
			}
		}
		if len(p.waiting) == len(lines) {
			l := lowest(p.waiting)
			return p.at(l, first[l.number])
		}
	}
	return nil
}

func reverse(lines []decoded) {
	for i, j := 0, len(lines)-1; i < j; i, j = i+1, j-1 {
		lines[i], lines[j] = lines[j], lines[i]
	}
}

func lowest(lines []decoded) decoded {
	low := lines[0]
	for _, l := range lines[1:] {
		if l.number < low.number {
			low = l
		}
	}
	return low
}

// at names the line. A database that is busy and a stop are not the line's fault.
func (p *pass) at(l decoded, err error) error {
	if errors.Is(err, billing.Busy) || errors.Is(err, context.Canceled) {
		return err
	}
	var e *billing.Error
	if errors.As(err, &e) && e.Field != "" && e.Message != "" {
		err = withField(e)
	}
	return &LineError{File: p.name, Line: l.number, Err: err}
}

// withField puts the member before the engine's words, unless they name it.
func withField(e *billing.Error) error {
	for i := 0; i+len(e.Field) <= len(e.Message); i++ {
		if e.Message[i:i+len(e.Field)] == e.Field {
			return e
		}
	}
	return fmt.Errorf("%s: %w", e.Field, e)
}

// Spool copies a stream, such as standard input, to a temporary file, since an
// import may have to read it again. The caller calls remove at the end.
func Spool(r io.Reader) (f *os.File, remove func(), err error) {
	f, err = os.CreateTemp("", "topupd-import-*.jsonl")
	if err != nil {
		return nil, nil, err
	}
	remove = func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
	if _, err = io.Copy(f, r); err != nil {
		remove()
		return nil, nil, err
	}
	return f, remove, nil
}
