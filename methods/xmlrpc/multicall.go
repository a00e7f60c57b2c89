package xmlrpc

import "context"

const multicallName = "system.multicall"

// multicall runs the calls in order. One that fails, or is malformed, is a
// fault struct in its place and the others go on.
func (h *handler) multicall(ctx context.Context, params []Value) (Value, error) {
	if len(params) != 1 || params[0].kind != KindArray {
		return Value{}, wrongParams("one array expected")
	}
	entries := params[0].items
	if len(entries) > h.limits.Calls {
		return Value{}, wrongParams("too many calls")
	}
	results := make([]Value, len(entries))
	for i, entry := range entries {
		v, f := h.entry(ctx, entry)
		if f != nil {
			results[i] = faultValue(*f)
			continue
		}
		results[i] = Array(v)
	}
	return Array(results...), nil
}

func (h *handler) entry(ctx context.Context, entry Value) (Value, *Fault) {
	name, _ := entry.Get("methodName")
	if name.kind != KindString {
		return Value{}, h.faultOf(ctx, multicallName, wrongParams("methodName expected"))
	}
	params, given := entry.Get("params")
	if given && params.kind != KindArray {
		return Value{}, h.faultOf(ctx, multicallName, wrongParams("params is no array"))
	}
	if name.text == multicallName {
		return Value{}, h.faultOf(ctx, multicallName, notXMLRPC("multicall inside multicall"))
	}
	// The caller has gone: what is left must not run, what is done is done.
	if err := ctx.Err(); err != nil {
		return Value{}, h.faultOf(ctx, name.text, err)
	}
	return h.run(ctx, name.text, params.items)
}
