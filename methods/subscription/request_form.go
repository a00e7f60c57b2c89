package subscription

import "net/url"

// readForm reads the same members from a form.
func readForm(body []byte, m *found) *problem {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return wrong("", "The body is not a form.")
	}
	for name, values := range form {
		for _, v := range values {
			m.put(name, value{text: v})
		}
	}
	return nil
}
