package subscription

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/go-cmp/cmp"
)

func init() {
	for _, media := range []string{"text/json", "text/html"} {
		openapi3filter.RegisterBodyDecoder(media, openapi3filter.JSONBodyDecoder)
	}
	for _, media := range []string{"application/xml", "text/xml"} {
		openapi3filter.RegisterBodyDecoder(media, decodeXMLBody)
	}
}

// contract is the OpenAPI document, as answers are held to it.
type contract struct {
	doc    *openapi3.T
	router routers.Router
}

func newContract(t testing.TB) *contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	must(t, err)
	must(t, doc.Validate(context.Background()))
	router, err := legacy.NewRouter(doc)
	must(t, err)
	return &contract{doc, router}
}

// answer holds an answer to the document.
func (c *contract) answer(t testing.TB, x exchange, w *httptest.ResponseRecorder) {
	t.Helper()
	x.fill()
	r := httptest.NewRequest(x.method, "/api/subscriptions/"+x.id+"/autotopup", strings.NewReader(x.body))
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		t.Errorf("%s: %v", x.name, err)
		return
	}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 w.Code,
		Header:                 w.Header(),
		Body:                   io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		t.Errorf("%s: %d %s is not what the document says: %v", x.name, w.Code, w.Body, err)
	}
}

// node is an element of an answer.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Nodes   []node     `xml:",any"`
	Text    string     `xml:",chardata"`
}

// decodeXMLBody gives XML the types that the schema has.
func decodeXMLBody(body io.Reader, _ http.Header, schema *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
	var root node
	if err := xml.NewDecoder(body).Decode(&root); err != nil {
		return nil, err
	}
	if want := schema.Value.XML; want != nil && want.Name != root.XMLName.Local {
		return nil, fmt.Errorf("the root is %s, not %s", root.XMLName.Local, want.Name)
	}
	return typed(&root, schema.Value)
}

func typed(n *node, s *openapi3.Schema) (any, error) {
	for _, a := range n.Attrs {
		if a.Name.Local == "nil" && a.Value == "true" {
			return nil, nil
		}
	}
	switch {
	case s.Type.Is("object"):
		m := map[string]any{}
		for i := range n.Nodes {
			child := &n.Nodes[i]
			name := child.XMLName.Local
			sub := s.AdditionalProperties.Schema
			if p := s.Properties[name]; p != nil {
				sub = p
			}
			if sub == nil {
				return nil, fmt.Errorf("%s is not in the schema", name)
			}
			v, err := typed(child, sub.Value)
			if err != nil {
				return nil, err
			}
			m[name] = v
		}
		return m, nil
	case s.Type.Is("array"):
		return []any{n.Text}, nil
	case s.Type.Is("integer"), s.Type.Is("number"):
		return strconv.ParseFloat(n.Text, 64)
	case s.Type.Is("boolean"):
		return strconv.ParseBool(n.Text)
	}
	return n.Text, nil
}

// TestExamplesAsTheyAreSent: what the document shows of a body that is not JSON is that
// body: a request is taken as its JSON twin, an answer says what its JSON twin says.
func TestExamplesAsTheyAreSent(t *testing.T) {
	doc := newContract(t).doc
	text := func(name string, m *openapi3.MediaType) string {
		shown, _ := m.Extensions["x-text"].(string)
		if shown == "" && !strings.HasSuffix(name, "json") {
			t.Errorf("%s shows no text", name)
		}
		return shown
	}
	item := doc.Paths.Value("/api/subscriptions/{subscriptionId}/autotopup")
	want := ""
	for _, name := range []string{"application/json", "text/json", "text/html", "application/xml", "text/xml", "application/x-www-form-urlencoded"} {
		m := item.Post.RequestBody.Value.Content[name]
		body := text(name, m)
		if body == "" {
			b, err := json.Marshal(m.Example)
			must(t, err)
			body = string(b)
		}
		k := newKit(t)
		if w := k.call("acme", "POST", address, name, body); w.Code != http.StatusOK {
			t.Errorf("%s: %s: %d %s", name, body, w.Code, w.Body)
		}
		got := k.call("acme", "GET", address, "", "").Body.String()
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s: %s: %s, want %s", name, body, got, want)
		}
	}
	answers := []*openapi3.Response{item.Get.Responses.Status(200).Value, item.Post.Responses.Status(200).Value}
	for _, r := range doc.Components.Responses {
		answers = append(answers, r.Value)
	}
	seen := 0
	for _, r := range answers {
		for name, m := range r.Content {
			shown := text(name, m)
			if shown == "" {
				continue
			}
			seen++
			var said any
			var err error
			if strings.HasSuffix(name, "xml") {
				said, err = decodeXMLBody(strings.NewReader(shown), nil, m.Schema, nil)
			} else {
				err = json.Unmarshal([]byte(shown), &said)
			}
			must(t, err)
			if diff := cmp.Diff(m.Example, said); diff != "" {
				t.Errorf("%s: %s\n%s", name, shown, diff)
			}
		}
	}
	if seen < 12 {
		t.Errorf("only %d examples were looked at", seen)
	}
}
