package xmlrpc

// Limits bounds what one request may cost. A zero field takes its value from
// DefaultLimits.
type Limits struct {
	Bytes   int64 // of the body as sent
	Depth   int   // of arrays and structs inside each other
	Members int   // struct members, array items and params of one request
	Text    int   // bytes of one string, number or name
	Calls   int   // entries of one system.multicall
}

// DefaultLimits is generous for every call of the interfaces we serve.
var DefaultLimits = Limits{
	Bytes:   1 << 20,
	Depth:   32,
	Members: 20_000,
	Text:    256 << 10,
	Calls:   1000,
}

func (l Limits) orDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = DefaultLimits.Bytes
	}
	l.Depth = positive(l.Depth, DefaultLimits.Depth)
	l.Members = positive(l.Members, DefaultLimits.Members)
	l.Text = positive(l.Text, DefaultLimits.Text)
	l.Calls = positive(l.Calls, DefaultLimits.Calls)
	return l
}

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}
