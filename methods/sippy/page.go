package sippy

import (
	"strconv"

	"topupd/methods/xmlrpc"
)

// page is which rows of a list are wanted. The rule is one for all lists (S-547).
type page struct {
	offset int64
	limit  int64 // 1 to the list's most
}

// pageParams are what a list takes that answers most rows at a time.
func pageParams(most int64) []param {
	n := strconv.FormatInt(most, 10)
	return []param{
		{name: "offset", kind: "int or nil", note: "how many rows to leave out; 0 or more"},
		{name: "limit", kind: "int or nil", note: "1 to " + n + "; without one " + n},
	}
}

// pageOf reads them. What is beyond the most is refused: a list that is cut short looks
// to a panel like one that has ended.
func pageOf(p xmlrpc.Params, most int64) (page, error) {
	offset, state, err := p.Int("offset")
	switch {
	case err != nil:
		return page{}, err
	case state == xmlrpc.Given && offset < 0:
		return page{}, wrong("offset")
	}
	limit, state, err := p.Int("limit")
	switch {
	case err != nil:
		return page{}, err
	case state != xmlrpc.Given:
		limit = most
	case limit < 1 || limit > most:
		return page{}, wrong("limit")
	}
	return page{offset, limit}, nil
}
