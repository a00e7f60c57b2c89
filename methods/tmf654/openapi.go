package tmf654

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"topupd/billing"
	"topupd/methods"
)

// parts are the contract: base.json, and a file for each resource.
//
//go:embed openapi/*.json
var parts embed.FS

// document is the contract as it is served, and as requests are held against.
type document struct {
	text    []byte
	schemas openapi3.Schemas
}

// part is what a file of the contract may have. Paths are without the interface's address.
type part struct {
	OpenAPI    string                                `json:"openapi,omitempty"`
	Info       json.RawMessage                       `json:"info,omitempty"`
	Servers    json.RawMessage                       `json:"servers,omitempty"`
	Security   json.RawMessage                       `json:"security,omitempty"`
	Tags       []json.RawMessage                     `json:"tags,omitempty"`
	Paths      map[string]json.RawMessage            `json:"paths"`
	Components map[string]map[string]json.RawMessage `json:"components,omitempty"`
}

// readDocument puts the parts together. Errors: a part that cannot be read, a name that
// occurs twice, a reference that leads nowhere.
func readDocument(files fs.FS) (*document, error) {
	names, err := fs.Glob(files, "openapi/*.json")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(names, func(a, b string) int { // base.json first
		if (path.Base(a) == "base.json") != (path.Base(b) == "base.json") {
			if path.Base(a) == "base.json" {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	whole := part{Paths: map[string]json.RawMessage{}, Components: map[string]map[string]json.RawMessage{}}
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		var p part
		if err := json.Unmarshal(b, &p); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := whole.add(&p); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	d := &document{}
	if d.text, err = json.Marshal(whole); err != nil {
		return nil, err
	}
	loaded, err := openapi3.NewLoader().LoadFromData(d.text)
	if err != nil {
		return nil, err
	}
	d.schemas = loaded.Components.Schemas
	return d, nil
}

func (whole *part) add(p *part) error {
	if p.OpenAPI != "" {
		if whole.OpenAPI != "" {
			return errors.New("there is another base")
		}
		whole.OpenAPI, whole.Info, whole.Servers, whole.Security = p.OpenAPI, p.Info, p.Servers, p.Security
	}
	whole.Tags = append(whole.Tags, p.Tags...)
	for name, item := range p.Paths {
		at := oracleRoot + apiPath + name
		if whole.Paths[at] != nil {
			return fmt.Errorf("path %s occurs twice", name)
		}
		whole.Paths[at] = item
	}
	for kind, list := range p.Components {
		if whole.Components[kind] == nil {
			whole.Components[kind] = map[string]json.RawMessage{}
		}
		for name, c := range list {
			if whole.Components[kind][name] != nil {
				return fmt.Errorf("%s %s occurs twice", kind, name)
			}
			whole.Components[kind][name] = c
		}
	}
	return nil
}

// checkBody reads a request's body and holds it against a schema of the contract, all
// members at once. Nothing is filled in. Errors: Invalid, Missing.
func (d *document) checkBody(schema string, r *http.Request) ([]byte, error) {
	isJSON, unsaid := typeOf(r)
	wrongType := wrongMember("Content-Type", "the body is application/json;charset=utf-8")
	if !isJSON && !unsaid {
		return nil, wrongType
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, wrongMember("body", "the request ended early")
	}
	if unsaid && (!json.Valid(b) || !bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{"))) {
		return nil, wrongType
	}
	var value any
	if err := methods.DecodeNumbers(b, &value); err != nil {
		return nil, wrongMember("body", "the body is no JSON")
	}
	if brokenText(b) {
		return nil, wrongMember("body", "the body has a text that is no UTF-8, half of a surrogate pair, or U+0000")
	}
	if twice, err := givenTwice(b); err != nil || twice != "" {
		return nil, wrongMember("body", "a member is given twice")
	}
	s := d.schemas[schema]
	if s == nil {
		return nil, fmt.Errorf("the contract has no schema %s", schema)
	}
	if err := s.Value.VisitJSON(value, openapi3.VisitAsRequest(), openapi3.MultiErrors()); err != nil {
		return nil, told(err)
	}
	return b, nil
}

// typeOf reports whether a request says that its body is JSON, or nothing of use: no type,
// or the form that curl says unless it is told otherwise, as on the source page.
func typeOf(r *http.Request) (isJSON, unsaid bool) {
	given := r.Header.Get("Content-Type")
	if given == "" {
		return false, true
	}
	kind, params, err := mime.ParseMediaType(given)
	if charset := params["charset"]; err != nil || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return false, false
	}
	isJSON = kind == "application/json" || kind == "application/merge-patch+json" && r.Method == http.MethodPatch
	return isJSON, kind == "application/x-www-form-urlencoded"
}

// told is what is wrong with a body, in one error: by the path of each member, never by
// its value.
func told(err error) error {
	var list []string
	code := billing.Invalid
	var visit func(err error)
	visit = func(err error) {
		switch e := err.(type) {
		case openapi3.MultiError:
			for _, one := range e {
				visit(one)
			}
		case *openapi3.SchemaError:
			at, reason := strings.Join(e.JSONPointer(), "."), "has a wrong type or form"
			switch e.SchemaField {
			case "required":
				code, reason = billing.Missing, "is missing"
			case "maxLength", "minLength", "maxItems", "minItems", "minimum", "maximum":
				reason = "is out of range"
			case "nullable":
				reason = "cannot be null"
			case "oneOf":
				if e.Schema.Description != "" {
					reason += " (" + strings.TrimRight(e.Schema.Description, ".") + ")"
				}
			}
			if at == "" {
				at = "body"
			}
			list = append(list, at+" "+reason)
		default:
			list = append(list, "body has a wrong form")
		}
	}
	visit(err)
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) > 10 {
		list = append(list[:10], "and more")
	}
	field, _, _ := strings.Cut(list[0], " ")
	if code == billing.Missing && !slices.ContainsFunc(list, func(s string) bool { return !strings.HasSuffix(s, "is missing") }) {
		return billing.Errorf(billing.Missing, field, "%s", strings.Join(list, "; "))
	}
	return wrongMember(field, "%s", strings.Join(list, "; "))
}
