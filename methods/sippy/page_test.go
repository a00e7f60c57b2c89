package sippy

import (
	"math"
	"slices"
	"testing"

	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// lists is how many rows each list answers at most, and what the engine was asked for.
var lists = map[string]struct {
	most  int64
	asked func(*fake) page
}{
	"listAccounts":         {100_000, func(f *fake) page { return page{f.listed.Offset, f.listed.Limit} }},
	"listCustomers":        {100_000, func(f *fake) page { return page{f.listed.Offset, f.listed.Limit} }},
	"listDebitCreditCards": {10_000, func(f *fake) page { return page{f.cards.Offset, f.cards.Limit} }},
	"getPaymentsList":      {10_000, func(f *fake) page { return page{f.filter.Offset, int64(f.filter.Limit)} }},
	"getAuditLogs":         {100, func(f *fake) page { return page{f.logs.Offset, *f.logs.Limit} }},
}

// One rule of paging for all lists (S-547).
func TestPaging(t *testing.T) {
	for _, method := range table() {
		takes := slices.ContainsFunc(method.params, func(p param) bool { return p.name == "limit" || p.name == "offset" })
		list, is := lists[method.name]
		if takes != is {
			t.Errorf("%s: a list is %t", method.name, takes)
		}
		if !is {
			continue
		}
		in := leastCall(method.name)
		integer := xmlrpc.Int
		for _, c := range []struct {
			more members
			want page
		}{
			{nil, page{0, list.most}},
			{members{m("offset", xmlrpc.Nil()), m("limit", xmlrpc.Nil())}, page{0, list.most}},
			{members{m("offset", xmlrpc.String("")), m("limit", xmlrpc.String(""))}, page{0, list.most}},
			{members{m("offset", integer(0)), m("limit", integer(1))}, page{0, 1}},
			{members{m("offset", integer(5)), m("limit", integer(7))}, page{5, 7}},
			{members{m("offset", integer(math.MaxInt64)), m("limit", integer(list.most))}, page{math.MaxInt64, list.most}},
		} {
			if f := accepts(t, method.name, with(in, c.more...)); list.asked(f) != c.want {
				t.Errorf("%s %s: asked for %+v", method.name, named(c.more), list.asked(f))
			}
		}
		for name, values := range map[string][]xmlrpc.Value{
			"offset": {integer(-1), integer(math.MinInt64)},
			"limit":  {integer(-1), integer(0), integer(list.most + 1), integer(math.MaxInt64)},
		} {
			for _, v := range append(values, xmlrpc.String("1"), xmlrpc.Double("1.0"), xmlrpc.Bool(true), xmlrpc.Struct()) {
				refuses(t, method.name, with(in, m(name, v)), 400, "Wrong "+name)
			}
		}
	}
	if billing.MaxOwnerRows != 100_000 || billing.MaxPayments != 10_000 || billing.MaxAuditLogs != 100 {
		t.Error("the engine's most is another")
	}
}
