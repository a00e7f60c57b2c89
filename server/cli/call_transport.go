package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxReply bounds an answer.
const maxReply = 64 << 20

// nilTransport sends nil as <nil/>, for which the client library writes
// <value/>, an empty string by the specification; and it keeps the answer's
// text. Only the library can write those bytes: every text and name is escaped.
type nilTransport struct {
	inner   http.RoundTripper
	timeout time.Duration
	ctx     context.Context

	status int
	body   []byte
}

// RoundTrip sends one request.
func (t *nilTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return nil, err
	}
	body = bytes.ReplaceAll(body, []byte("<value/>"), []byte("<value><nil/></value>"))
	ctx, cancel := context.WithTimeout(t.ctx, t.timeout)
	defer cancel()
	out := r.Clone(ctx)
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	out.Body, _ = out.GetBody()
	out.ContentLength = int64(len(body))
	out.Header.Set("Content-Length", strconv.Itoa(len(body)))
	res, err := t.inner.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	t.status = res.StatusCode
	t.body, err = io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	if err == nil && len(t.body) > maxReply {
		err = fmt.Errorf("the answer is longer than %d bytes", maxReply)
	}
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(t.body))
	return res, nil
}
