package tmf654_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"topupd/methods/tmf654"
)

// TestContractKeys: where a key is read, a malformed one is refused, and the contract says so.
func TestContractKeys(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(tmf654.New(newEmptyKit(t).e, tmf654.Options{}).OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Parameters.GetByInAndName("header", "Idempotency-Key") == nil {
				continue
			}
			if keys++; op.Responses.Value("400") == nil {
				t.Errorf("%s %s reads an Idempotency-Key and has no 400", method, path)
			}
		}
	}
	if keys == 0 {
		t.Error("no operation reads a key")
	}
}
