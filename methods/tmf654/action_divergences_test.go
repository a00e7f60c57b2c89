package tmf654_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestActionDivergences: the entries T-1.. of three digits, the code and the tests name each other.
func TestActionDivergences(t *testing.T) {
	text := func(pattern string) (all string) {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all += string(b)
		}
		return all
	}
	doc, code := text("../../docs/DIVERGENCES.md"), text("*.go")
	tests := text("*_test.go") + text("../../billing/*_test.go") + text("../jsonl/action_test.go")
	var keys []string
	for _, row := range regexp.MustCompile(`(?m)^\| (T-1[0-9][0-9]) \|.*\| ([^|]*) \|$`).FindAllStringSubmatch(doc, -1) {
		keys = append(keys, row[1])
		pins := 0
		for _, name := range regexp.MustCompile("`([a-z_]+\\.txt)`").FindAllStringSubmatch(row[2], -1) {
			text(filepath.Join("testdata", name[1]))
			pins++
		}
		for _, name := range regexp.MustCompile(`\bTest[A-Z]\w*`).FindAllString(row[2], -1) {
			if !strings.Contains(tests, "func "+name+"(") {
				t.Errorf("%s: there is no %s", row[1], name)
			}
			pins++
		}
		if pins == 0 {
			t.Errorf("%s is pinned by nothing", row[1])
		}
	}
	if len(keys) < 16 {
		t.Errorf("the entries are %v", keys)
	}
	for _, key := range regexp.MustCompile(`\bT-1[0-9][0-9]\b`).FindAllString(code, -1) {
		if !slices.Contains(keys, key) {
			t.Errorf("%s has no entry", key)
		}
	}
}
