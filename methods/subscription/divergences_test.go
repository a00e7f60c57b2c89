package subscription

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// From T-20 on they are those of TMF654.
	keyInText  = regexp.MustCompile(`\bT-1?[0-9]\b`)
	rowOfTable = regexp.MustCompile(`(?m)^\| (T-1?[0-9]) \|.*\| ([^|]*) \|$`)
	scriptName = regexp.MustCompile("`([a-z_]+\\.txt)`")
	testName   = regexp.MustCompile(`\bTest[A-Z]\w*`)
)

// The entries, the code and the tests name each other; a rename shows here.
func TestDivergencesArePinned(t *testing.T) {
	doc := textOf(t, "../../docs/DIVERGENCES.md")
	var code, tests string
	files, err := filepath.Glob("*.go")
	must(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			tests += textOf(t, file)
		} else {
			code += textOf(t, file)
		}
	}
	for _, file := range []string{"billing/autotopup_test.go", "methods/jsonl/subscription_test.go", "db/migrate_subscriptions_test.go"} {
		tests += textOf(t, "../../"+file)
	}
	var keys []string
	for _, row := range rowOfTable.FindAllStringSubmatch(doc, -1) {
		keys = append(keys, row[1])
		pins := 0
		for _, name := range scriptName.FindAllStringSubmatch(row[2], -1) {
			textOf(t, filepath.Join(scripts, name[1]))
			pins++
		}
		for _, name := range testName.FindAllString(row[2], -1) {
			if !strings.Contains(tests, "func "+name+"(") {
				t.Errorf("%s: there is no %s", row[1], name)
			}
			pins++
		}
		if pins == 0 {
			t.Errorf("%s is pinned by nothing", row[1])
		}
	}
	if len(keys) < 12 {
		t.Fatalf("the entries are %v", keys)
	}
	for _, key := range keyInText.FindAllString(code+doc, -1) {
		if !slices.Contains(keys, key) {
			t.Errorf("%s has no entry", key)
		}
	}
}

func textOf(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	return string(text)
}
