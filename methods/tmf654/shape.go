package tmf654

import (
	"encoding/json"
	"strings"

	"topupd/billing"
	"topupd/methods"
)

// bucketRef names a bucket.
type bucketRef struct {
	ID             string  `json:"id"`
	Href           string  `json:"href"`
	Name           *string `json:"name"`
	BaseType       string  `json:"@baseType"`
	SchemaLocation *string `json:"@schemaLocation"`
	Type           string  `json:"@type"`
	ReferredType   *string `json:"@referredType"`
}

func (l links) bucket(id bucketID) *bucketRef {
	text := id.String()
	return &bucketRef{ID: text, Href: l.to("bucket", text), BaseType: "BucketRef", Type: "BucketRef"}
}

// impactedBucket is what an action did to a bucket.
type impactedBucket struct {
	BaseType         string         `json:"@baseType"`
	SchemaLocation   *string        `json:"@schemaLocation"`
	Type             string         `json:"@type"`
	AmountAfter      *quantity      `json:"amountAfter"`
	AmountBefore     *quantity      `json:"amountBefore"`
	Bucket           *bucketRef     `json:"bucket"`
	ConfirmationDate *string        `json:"confirmationDate"`
	Description      *string        `json:"description"`
	Item             []impactedItem `json:"item"`
	Name             *string        `json:"name"`
	RequestedDate    *string        `json:"requestedDate"`
}

type impactedItem struct {
	BaseType       string    `json:"@baseType"`
	SchemaLocation *string   `json:"@schemaLocation"`
	Type           string    `json:"@type"`
	Amount         *quantity `json:"amount"`
	Description    *string   `json:"description"`
	ItemType       *string   `json:"itemType"`
	Name           *string   `json:"name"`
	Reason         *string   `json:"reason"`
}

// impact is one bucket with its balance before and after, which are funds, and the
// action's amount with its own sign.
func impact(bucket *bucketRef, before, after, amount int64, units billing.Unit) impactedBucket {
	return impactedBucket{
		BaseType: "ImpactedBucket", Type: "ImpactedBucket", AmountAfter: billed(after, units), AmountBefore: billed(before, units),
		Bucket: bucket,
		Item:   []impactedItem{{BaseType: "ImpactedBucketItem", Type: "ImpactedBucketItem", Amount: newQuantity(amount, units)}},
	}
}

// partyAccount is an account as resources name it.
type partyAccount struct {
	ID             string  `json:"id"`
	Href           *string `json:"href"`
	Description    *string `json:"description"`
	Name           *string `json:"name"`
	Status         string  `json:"status"`
	BaseType       *string `json:"@baseType"`
	SchemaLocation *string `json:"@schemaLocation"`
	Type           string  `json:"@type"`
	ReferredType   *string `json:"@referredType"`
}

func newPartyAccount(o *billing.Owner) *partyAccount {
	status := "active"
	switch {
	case !o.DeletedAt.IsZero():
		status = "closed"
	case o.Blocked != 0:
		status = "suspended"
	}
	return &partyAccount{ID: accountID(o.ID), Name: textOrNull(o.Name), Status: status, Type: "PartyAccountRef"}
}

// productRef is a service of an account.
type productRef struct {
	ID             string  `json:"id"`
	Href           *string `json:"href"`
	Name           *string `json:"name"`
	BaseType       *string `json:"@baseType"`
	SchemaLocation *string `json:"@schemaLocation"`
	Type           string  `json:"@type"`
	ReferredType   *string `json:"@referredType"`
}

// newProduct is null for none. Its name is the class in camel case.
func newProduct(s *billing.Service) *productRef {
	if s == nil {
		return nil
	}
	var name strings.Builder
	for word := range strings.SplitSeq(s.Class, "/") {
		if word != "" {
			name.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return &productRef{ID: serviceID(s), Name: textOrNull(name.String()), Type: "ProductRef"}
}

// logicalResource is never null: what came in, or an empty value.
type logicalResource struct {
	BaseType       *string `json:"@baseType"`
	ReferredType   *string `json:"@referredType"`
	SchemaLocation *string `json:"@schemaLocation"`
	Type           *string `json:"@type"`
	Href           *string `json:"href"`
	ID             *string `json:"id"`
	Name           *string `json:"name"`
	Value          string  `json:"value"`
}

// firstOf is a member that may be one object or a list of them, as one.
func firstOf(raw json.RawMessage) json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return raw
	}
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// logical is the logical resource that came in, in its whole shape.
func (e extra) logical() (l logicalResource) {
	if raw := firstOf(e["logicalResource"]); raw != nil {
		_ = methods.DecodeExact(raw, &l)
	}
	return l
}
