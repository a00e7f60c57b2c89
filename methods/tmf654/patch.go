package tmf654

import (
	"encoding/json"

	"topupd/billing"
	"topupd/methods"
)

// maxExtra is the most that is kept of what came in and is only echoed.
const maxExtra = 16 << 10

// merge applies a JSON merge patch (RFC 7396): null removes, an object goes into an
// object, everything else replaces.
func merge(target, patch any) any {
	changes, isObject := patch.(map[string]any)
	if !isObject {
		return patch
	}
	into, isObject := target.(map[string]any)
	if !isObject {
		into = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(into, name)
			continue
		}
		into[name] = merge(into[name], value)
	}
	return into
}

// extra is what came in and is only echoed: members by their names. Absent and null are
// one.
type extra map[string]json.RawMessage

// keep takes the named members out of a body.
func keep(body []byte, names ...string) (extra, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, wrongMember("body", "the body is no JSON object")
	}
	kept := extra{}
	for _, name := range names {
		if raw, there := all[name]; there && string(raw) != "null" {
			kept[name] = raw
		}
	}
	return kept, nil
}

// parseExtra reads what was kept; a text that does not fit is as good as none.
func parseExtra(text string) extra {
	e := extra{}
	if text != "" {
		_ = json.Unmarshal([]byte(text), &e)
	}
	return e
}

// text is how it is kept; empty when there is nothing. Errors: Invalid when it is too much.
func (e extra) text() (string, error) {
	if len(e) == 0 {
		return "", nil
	}
	b, err := marshal(e)
	if err != nil {
		return "", err
	}
	if len(b) > maxExtra {
		return "", billing.Errorf(billing.Invalid, "body", "what is echoed may have %d bytes at most", maxExtra)
	}
	return string(b), nil
}

// or is a member, or what stands for it.
func (e extra) or(name string, other any) any {
	if raw, there := e[name]; there {
		return raw
	}
	return other
}

// hasID refuses what a patch leaves without the id that POST asks of it.
func hasID(name string, merged any) error {
	if name != "channel" && name != "requestor" {
		return nil
	}
	if body, _ := merged.(map[string]any); body["id"] == nil {
		return billing.Errorf(billing.Missing, name+".id", "%s.id is missing", name)
	}
	return nil
}

// patched is e with the named members of a merge patch applied.
func (e extra) patched(body []byte, names ...string) (extra, error) {
	var changes map[string]any
	if err := methods.DecodeNumbers(body, &changes); err != nil {
		return nil, wrongMember("body", "the body is no JSON object")
	}
	result := extra{}
	for name, raw := range e {
		result[name] = raw
	}
	for _, name := range names {
		value, there := changes[name]
		if !there {
			continue
		}
		if value == nil {
			delete(result, name)
			continue
		}
		var was any
		if raw, had := result[name]; had {
			if err := methods.DecodeNumbers(raw, &was); err != nil {
				return nil, err
			}
		}
		merged := merge(was, value)
		if err := hasID(name, merged); err != nil {
			return nil, err
		}
		raw, err := marshal(merged)
		if err != nil {
			return nil, err
		}
		result[name] = raw
	}
	return result, nil
}
