package sippy

import "topupd/billing"

// Writing are the names of the methods that change something, each with the members
// that it takes.
func Writing() map[string][]string {
	all := map[string][]string{}
	for _, m := range table() {
		if m.use == billing.UseReads {
			continue
		}
		names := []string{}
		for _, p := range m.params {
			names = append(names, p.name)
		}
		all[m.name] = names
	}
	return all
}
