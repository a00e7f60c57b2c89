package subscription

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// The request in XML: a DataContract of a nested class.
const (
	requestRoot      = "SubscriptionsController.EnableAutoTopupRequest"
	requestNamespace = "http://schemas.datacontract.org/2004/07/LimitlessMobile.WebAPI.Controllers"
)

// maxDepth bounds how deep members that nobody knows may nest.
const maxDepth = 32

// maxNumber bounds the text of a member, which may come in many pieces.
const maxNumber = 1000

var errCharset = errors.New("another character set")

// readXML reads the members in any order: a DataContract's reader silently skips what is
// out of order, which here would be money (T-8). A document type is refused, so there are
// no entities but the five.
func readXML(body []byte, m *found) *problem {
	malformed := wrong("", "The body is not the XML of "+requestRoot+".")
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		switch strings.ToLower(label) {
		case "utf-16", "us-ascii": // it is UTF-8 by now
			return in, nil
		}
		return nil, errCharset
	}
	x := xmlReader{m: m}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || !x.take(t) {
			return malformed
		}
	}
	if !x.ended {
		return malformed
	}
	return nil
}

// xmlReader is where a document is being read.
type xmlReader struct {
	m     *found
	depth int
	ended bool
	// member is the name of the known member that is open.
	member string
	value  value
}

// take takes one token; false for one that must not be there.
func (x *xmlReader) take(t xml.Token) bool {
	switch t := t.(type) {
	case xml.StartElement:
		x.depth++
		return !x.ended && x.depth <= maxDepth && x.start(t)
	case xml.EndElement:
		if x.depth == 2 && x.member != "" {
			x.m.put(x.member, x.value)
			x.member = ""
		}
		x.depth--
		x.ended = x.depth == 0
	case xml.CharData:
		if x.depth < 2 {
			return len(bytes.TrimSpace(t)) == 0
		}
		switch {
		case x.member == "":
		case len(x.value.text)+len(t) > maxNumber:
			x.value.bad = notANumber
		default:
			x.value.text += string(t)
		}
	case xml.Directive:
		return false
	}
	return true
}

func (x *xmlReader) start(t xml.StartElement) bool {
	ours := t.Name.Space == requestNamespace || t.Name.Space == ""
	switch {
	case x.depth == 1:
		return ours && t.Name.Local == requestRoot
	case x.depth == 2 && ours:
		x.member, x.value = t.Name.Local, value{}
		for _, a := range t.Attr {
			if a.Name.Space == xmlSchemaInstance && a.Name.Local == "nil" && (a.Value == "true" || a.Value == "1") {
				x.value.bad = notANumber
			}
		}
	case x.member != "":
		x.value.bad = notANumber
	}
	return true
}
