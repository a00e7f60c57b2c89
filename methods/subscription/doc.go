// Package subscription is the subscription auto top-up interface:
// api/subscriptions/{subscriptionId}/autotopup, as ASP.NET Web API would answer it.
//
// It owns media types, content negotiation, the DataContract XML, names and the shape of
// errors. What the source page leaves open stands in docs/DIVERGENCES.md, keys T-1 and on.
package subscription
