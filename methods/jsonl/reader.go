package jsonl

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds one line; a pool plan may name many subscribers.
const maxLine = 16 << 20

// lineReader reads lines and counts them. A line is valid until the next.
type lineReader struct {
	r      *bufio.Reader
	long   []byte // a line that is longer than the reader's buffer
	number int64
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 256<<10)}
}

// next returns the next line that is not blank; io.EOF when there is none.
func (l *lineReader) next() ([]byte, error) {
	for {
		text, err := l.read()
		if len(text) > 0 {
			l.number++
		}
		if l.number == 1 {
			text = bytes.TrimPrefix(text, []byte("\uFEFF"))
		}
		if text = bytes.TrimSpace(text); len(text) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			return text, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// read reads up to and with the next line break.
func (l *lineReader) read() ([]byte, error) {
	text, err := l.r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return text, err
	}
	l.long = l.long[:0]
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(l.long) > maxLine {
			l.number++
			return nil, fmt.Errorf("the line is longer than %d bytes", maxLine)
		}
		l.long = append(l.long, text...)
		text, err = l.r.ReadSlice('\n')
	}
	l.long = append(l.long, text...)
	return l.long, err
}
