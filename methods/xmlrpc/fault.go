package xmlrpc

import (
	"context"
	"errors"
	"fmt"
)

// Fault numbers of the protocol itself: the community list of xmlrpc-epi, and
// 501 as the switch answers for anything unhandled (1.9).
const (
	CodeNotWellFormed = -32700
	CodeEncoding      = -32701
	CodeCharacter     = -32702
	CodeNotXMLRPC     = -32600
	CodeNoMethod      = -32601
	CodeParams        = -32602
	CodeFatal         = 501
)

// Fault is an error that goes to the client as it is.
type Fault struct {
	Code   int
	String string
}

// Error implements error.
func (f Fault) Error() string { return fmt.Sprintf("fault %d: %s", f.Code, f.String) }

// PanicError is what Options.Fault is told when a method panicked. The client
// gets 501 whatever is returned for it.
type PanicError struct {
	Value any
	Stack []byte
}

// Error implements error.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// noMethod holds the words by which a client tells a missing method from a
// refused one (1.9).
func noMethod() *Fault {
	return &Fault{CodeNoMethod, "Sorry, we do not have a method with that name"}
}

func fatal() Fault { return Fault{CodeFatal, "Fatal error"} }

func notXMLRPC(what string) error {
	return &Fault{CodeNotXMLRPC, "server error. invalid xml-rpc: " + what}
}

func wrongParams(what string) error {
	return &Fault{CodeParams, "server error. invalid method parameters: " + what}
}

// faultOf turns a method's error into what the client sees.
func (h *handler) faultOf(ctx context.Context, method string, err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok && f != nil {
		return f
	}
	if f, ok := errors.AsType[Fault](err); ok {
		return &f
	}
	f := fatal()
	if h.fault != nil {
		mapped := h.fault(ctx, method, err)
		if _, panicked := errors.AsType[*PanicError](err); !panicked {
			f = mapped
		}
	}
	return &f
}
