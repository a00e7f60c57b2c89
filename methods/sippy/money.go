package sippy

import (
	"topupd/billing"
	"topupd/methods/xmlrpc"
)

// microsOf reads a double as millionths; what does not fit them is wrong, and
// so is an amount beyond what can be kept (S-9).
func microsOf(p xmlrpc.Params, name string) (int64, xmlrpc.State, error) {
	text, state, err := p.Decimal(name)
	if err != nil || state != xmlrpc.Given {
		return 0, state, err
	}
	micros, err := billing.ParseWireMicros(text)
	if err != nil {
		return 0, state, wrong(name)
	}
	return micros, state, nil
}

// double writes millionths as clients expect a double: 10.0, 5.25 (1.7).
func double(micros int64) xmlrpc.Value { return xmlrpc.Double(billing.FixedMicros(micros, 1)) }

// doubleOrNil writes null for what is switched off or left to the plan.
func doubleOrNil(micros *int64) xmlrpc.Value {
	if micros == nil {
		return xmlrpc.Nil()
	}
	return double(*micros)
}

// intOrNil writes a number that may be left to a default.
func intOrNil[T ~int64](n *T) xmlrpc.Value {
	if n == nil {
		return xmlrpc.Nil()
	}
	return xmlrpc.Int(int64(*n))
}
