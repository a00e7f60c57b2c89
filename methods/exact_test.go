package methods_test

import (
	"encoding/json"
	"testing"

	"topupd/methods"
)

func TestDecodeExact(t *testing.T) {
	type inner struct {
		Value json.Number `json:"value"`
	}
	type outer struct {
		Name string          `json:"name"`
		List []inner         `json:"list"`
		Raw  json.RawMessage `json:"raw"`
	}
	var got outer
	err := methods.DecodeExact([]byte(`{"Name":"x","name":"a<b","NAME":"y","list":[{"Value":1},{"value":0.10}],"raw":{"Any":1.50,"z":"&"}} `), &got)
	if err != nil || got.Name != "a<b" || len(got.List) != 2 || got.List[0].Value != "" || got.List[1].Value != "0.10" || string(got.Raw) != `{"Any":1.50,"z":"&"}` {
		t.Errorf("%+v %s (%v)", got, got.Raw, err)
	}
	for _, text := range []string{``, `{`, `{}{}`, `{"name":1}`, `[]`} {
		if methods.DecodeExact([]byte(text), &outer{}) == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
