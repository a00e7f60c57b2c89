package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// contract is an OpenAPI 3 document, as far as /docs shows it.
type contract struct {
	Info struct {
		Title, Version, Description string
	}
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas       map[string]*schema
		Parameters    map[string]parameter
		Responses     map[string]response
		RequestBodies map[string]body
		Examples      map[string]example
		Headers       map[string]parameter
	}

	Operations []operation `json:"-"`
}

type operation struct {
	Method, Path                      string
	Summary, Description, OperationID string
	Deprecated                        bool
	Parameters                        []parameter
	RequestBody                       *body
	Responses                         map[string]response
}

type parameter struct {
	Ref         string `json:"$ref"`
	Name, In    string
	Description string
	Required    bool
	Schema      *schema
	Example     json.RawMessage
	Examples    map[string]example
}

type body struct {
	Ref         string `json:"$ref"`
	Description string
	Required    bool
	Content     map[string]media
}

type response struct {
	Ref         string `json:"$ref"`
	Description string
	Headers     map[string]parameter
	Content     map[string]media
}

type media struct {
	Schema   *schema
	Example  json.RawMessage
	Examples map[string]example
	// Text is the example as it goes over the wire, for what is not JSON: OpenAPI has
	// the value alone.
	Text string `json:"x-text"`
}

type example struct {
	Ref     string `json:"$ref"`
	Summary string
	Value   json.RawMessage
}

type schema struct {
	Ref                   string `json:"$ref"`
	Type, Format, Pattern string
	Description           string
	Nullable              bool
	ReadOnly              bool
	Enum                  []json.RawMessage
	Default               json.RawMessage
	Example               json.RawMessage
	Minimum, Maximum      json.Number
	MinLength, MaxLength  json.Number
	MinItems, MaxItems    json.Number
	Required              []string
	Properties            map[string]*schema
	Items                 *schema
	AllOf, OneOf, AnyOf   []*schema
	ExclusiveMin          bool `json:"exclusiveMinimum"`
	ExclusiveMax          bool `json:"exclusiveMaximum"`
}

// httpVerbs are the members of a path that are operations, in the order of a page.
var httpVerbs = []string{"get", "post", "put", "patch", "delete", "head", "options", "trace"}

// readContract reads a document for its page. Its errors are mistakes in the document.
func readContract(document []byte) (*contract, error) {
	c := &contract{}
	if err := json.Unmarshal(document, c); err != nil {
		return nil, err
	}
	for _, path := range slices.Sorted(maps.Keys(c.Paths)) {
		item := c.Paths[path]
		var shared []parameter
		if raw, ok := item["parameters"]; ok {
			if err := json.Unmarshal(raw, &shared); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
		for _, verb := range httpVerbs {
			raw, ok := item[verb]
			if !ok {
				continue
			}
			var o operation
			if err := json.Unmarshal(raw, &o); err != nil {
				return nil, fmt.Errorf("%s %s: %w", verb, path, err)
			}
			o.Method, o.Path = strings.ToUpper(verb), path
			o.Parameters = append(slices.Clone(shared), o.Parameters...)
			if err := c.resolve(&o); err != nil {
				return nil, fmt.Errorf("%s %s: %w", verb, path, err)
			}
			c.Operations = append(c.Operations, o)
		}
	}
	return c, nil
}

// resolve puts what an operation refers to in its place; schemas stay links.
func (c *contract) resolve(o *operation) error {
	var err error
	for i := range o.Parameters {
		if o.Parameters[i], err = lookUp(o.Parameters[i], o.Parameters[i].Ref, "parameters", c.Components.Parameters); err != nil {
			return err
		}
	}
	if o.RequestBody != nil {
		b, err := lookUp(*o.RequestBody, o.RequestBody.Ref, "requestBodies", c.Components.RequestBodies)
		if err != nil {
			return err
		}
		o.RequestBody = &b
		if err := c.resolveMedia(b.Content); err != nil {
			return err
		}
	}
	for status, r := range o.Responses {
		if r, err = lookUp(r, r.Ref, "responses", c.Components.Responses); err != nil {
			return err
		}
		for name, h := range r.Headers {
			if r.Headers[name], err = lookUp(h, h.Ref, "headers", c.Components.Headers); err != nil {
				return err
			}
		}
		if err := c.resolveMedia(r.Content); err != nil {
			return err
		}
		o.Responses[status] = r
	}
	return nil
}

func (c *contract) resolveMedia(content map[string]media) (err error) {
	for _, m := range content {
		for name, e := range m.Examples {
			if m.Examples[name], err = lookUp(e, e.Ref, "examples", c.Components.Examples); err != nil {
				return err
			}
		}
	}
	return nil
}

func lookUp[T any](v T, ref, kind string, all map[string]T) (T, error) {
	if ref == "" {
		return v, nil
	}
	name, ok := strings.CutPrefix(ref, "#/components/"+kind+"/")
	found, there := all[name]
	if !ok || !there {
		return v, fmt.Errorf("%s leads nowhere", ref)
	}
	return found, nil
}

// Name is what a reference is called.
func (s *schema) Name() string { return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:] }

// Kind is the type in a few words.
func (s *schema) Kind() string {
	var words []string
	switch {
	case s.Type == "array" && s.Items != nil:
		words = append(words, "array")
	case s.Type != "":
		words = append(words, s.Type)
	case len(s.Properties) > 0:
		words = append(words, "object")
	case len(s.AllOf) > 0:
		words = append(words, "all of")
	case len(s.OneOf) > 0:
		words = append(words, "one of")
	case len(s.AnyOf) > 0:
		words = append(words, "any of")
	default:
		words = append(words, "anything")
	}
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if s.Format != "" {
		add("(%s)", s.Format)
	}
	if s.Nullable {
		add("or null")
	}
	for _, r := range []struct {
		name, low, high string
	}{{"", s.Minimum.String(), s.Maximum.String()}, {" characters", s.MinLength.String(), s.MaxLength.String()}, {" items", s.MinItems.String(), s.MaxItems.String()}} {
		switch {
		case r.low != "" && r.high != "":
			add("%s to %s%s", r.low, r.high, r.name)
		case r.low != "":
			add("at least %s%s", r.low, r.name)
		case r.high != "":
			add("at most %s%s", r.high, r.name)
		}
	}
	if s.ExclusiveMin || s.ExclusiveMax {
		add("(limits not included)")
	}
	if s.Pattern != "" {
		add("matching %s", s.Pattern)
	}
	if len(s.Enum) > 0 {
		values := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			values[i] = string(v)
		}
		add("one of %s", strings.Join(values, ", "))
	}
	if len(s.Default) > 0 {
		add("default %s", s.Default)
	}
	if s.ReadOnly {
		add("read only")
	}
	return strings.Join(words, " ")
}

// Parts are the schemas that a combination is made of, or an array's items.
func (s *schema) Parts() []*schema {
	if s.Type == "array" && s.Items != nil {
		return []*schema{s.Items}
	}
	return slices.Concat(s.AllOf, s.OneOf, s.AnyOf)
}

// field is one member of an object.
type field struct {
	Name     string
	Required bool
	Schema   *schema
}

// Fields are the members, required ones first.
func (s *schema) Fields() []field {
	var list []field
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		list = append(list, field{name, slices.Contains(s.Required, name), s.Properties[name]})
	}
	slices.SortStableFunc(list, func(a, b field) int {
		switch {
		case a.Required == b.Required:
			return 0
		case a.Required:
			return -1
		}
		return 1
	})
	return list
}

// shown is an example as text.
type shown struct {
	Title, Text string
	json        bool // it is no text of its own
}

func newShown(title string, raw json.RawMessage) shown {
	text, isText := exampleText(raw)
	return shown{title, text, !isText}
}

// Shown are the examples of a body of a media type. JSON stands for no other type
// without saying so.
func (m media) Shown(media string) []shown {
	if m.Text != "" {
		return []shown{{Title: "Example", Text: m.Text}}
	}
	list := m.examples()
	for i := range list {
		if !isJSON(media) && list[i].json {
			list[i].Title += ", its members as JSON"
		}
	}
	return list
}

// isJSON reports whether a media type is JSON, or any.
func isJSON(media string) bool {
	media, _, _ = strings.Cut(strings.ToLower(media), ";")
	return strings.HasSuffix(strings.TrimSpace(media), "json") || strings.HasSuffix(media, "*")
}

func (m media) examples() []shown {
	var list []shown
	if len(m.Example) > 0 {
		list = append(list, newShown("Example", m.Example))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Examples)) {
		e := m.Examples[name]
		title := "Example: " + name
		if e.Summary != "" {
			title = "Example: " + e.Summary
		}
		list = append(list, newShown(title, e.Value))
	}
	if len(list) == 0 && m.Schema != nil && len(m.Schema.Example) > 0 {
		list = append(list, newShown("Example", m.Schema.Example))
	}
	return list
}

// exampleText is text as it is (XML, forms), and JSON with indents.
func exampleText(raw json.RawMessage) (text string, isText bool) {
	if json.Unmarshal(raw, &text) == nil {
		return text, true
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if e.Encode(raw) != nil {
		return string(raw), false
	}
	return strings.TrimSpace(b.String()), false
}

// paragraphs splits a description.
func paragraphs(text string) []string {
	var list []string
	for part := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// Anchor names an operation inside its page.
func (o operation) Anchor() string {
	if o.OperationID != "" {
		return "op-" + o.OperationID
	}
	return "op-" + strings.Map(func(r rune) rune {
		if r < '0' || r > 'z' || r > '9' && r < 'A' || r > 'Z' && r < 'a' {
			return '-'
		}
		return r
	}, strings.ToLower(o.Method+o.Path))
}
