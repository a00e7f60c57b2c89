package poolplan_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	key      = regexp.MustCompile(`\bF-[0-9]+\b`)
	keyedRow = regexp.MustCompile(`(?m)^\| (F-[0-9]+) \|.*\| ([^|]*) \|$`)
	aTest    = regexp.MustCompile(`\bTest[A-Z]\w*`)
)

// The entries, the code and the tests name each other; a rename shows here.
func TestDivergencesArePinned(t *testing.T) {
	doc, err := os.ReadFile("../../docs/DIVERGENCES.md")
	if err != nil {
		t.Fatal(err)
	}
	var here, tests string
	for _, pattern := range []string{"*.go", "../../billing/pool_test.go", "../jsonl/pool_test.go", "../../db/migrate_pools_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(name, "_test.go") {
				tests += string(text)
			}
			if pattern == "*.go" {
				here += string(text)
			}
		}
	}
	var keys []string
	for _, row := range keyedRow.FindAllStringSubmatch(string(doc), -1) {
		keys = append(keys, row[1])
		names := aTest.FindAllString(row[2], -1)
		for _, name := range names {
			if !strings.Contains(tests, "func "+name+"(") {
				t.Errorf("%s: there is no %s", row[1], name)
			}
		}
		if len(names) == 0 {
			t.Errorf("%s is pinned by nothing", row[1])
		}
	}
	if len(keys) < 16 {
		t.Errorf("the entries are %v", keys)
	}
	for _, k := range key.FindAllString(here, -1) {
		if !slices.Contains(keys, k) {
			t.Errorf("%s has no entry", k)
		}
	}
}
