package sippy

import (
	"context"
	"slices"
	"strings"

	"topupd/methods/xmlrpc"
)

// What a client can put into our log by one call.
const (
	maxIgnored     = 20
	maxIgnoredName = 64
)

// report tells the log of members outside known (S-6). Calls hold a handful of
// members, so looking through the list is cheaper than a map.
func (a *api) report(ctx context.Context, method string, p xmlrpc.Params, known []string) {
	if a.log == nil {
		return
	}
	var ignored []string
	for _, m := range p.Members() {
		if slices.Contains(known, m.Name) {
			continue
		}
		if len(ignored) == maxIgnored {
			break
		}
		ignored = append(ignored, strings.ToValidUTF8(m.Name[:min(len(m.Name), maxIgnoredName)], ""))
	}
	if ignored != nil {
		a.log(ctx, method, ignored)
	}
}

// reportGiven tells the log of members that are known but do not apply.
func (a *api) reportGiven(ctx context.Context, c call, names []string) {
	if a.log == nil {
		return
	}
	var ignored []string
	for _, m := range c.Members() {
		if slices.Contains(names, m.Name) {
			ignored = append(ignored, m.Name)
		}
	}
	if ignored != nil {
		a.log(ctx, c.method.name, ignored)
	}
}
