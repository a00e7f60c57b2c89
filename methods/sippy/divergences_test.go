package sippy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	keyInText  = regexp.MustCompile(`\bS-[0-9]+\b`)
	rowOfTable = regexp.MustCompile(`(?m)^\| (S-[0-9]+) \|.*\| ([^|]*) \|$`)
	scriptName = regexp.MustCompile("`([a-z_]+\\.txt)`")
	testName   = regexp.MustCompile(`\bTest[A-Z]\w*`)
)

// The entries, the code and the tests name each other; a rename shows here.
func TestDivergencesArePinned(t *testing.T) {
	doc := read(t, "../../docs/DIVERGENCES.md")
	var keys []string
	code, tests, scripts := sources(t)
	for _, row := range rowOfTable.FindAllStringSubmatch(doc, -1) {
		keys = append(keys, row[1])
		pins := 0
		for _, name := range scriptName.FindAllStringSubmatch(row[2], -1) {
			read(t, "../../testdata/wire/sippy/"+name[1])
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
	if len(keys) < 14 {
		t.Fatalf("the entries are %v", keys)
	}
	for _, key := range keyInText.FindAllString(code+scripts+doc, -1) {
		if !slices.Contains(keys, key) {
			t.Errorf("%s has no entry", key)
		}
	}
}

func sources(t *testing.T) (code, tests, scripts string) {
	t.Helper()
	for _, pattern := range []string{"*.go", "../../testdata/wire/sippy/*.txt", "../../billing/*_test.go", "../../server/*_test.go", "../jsonl/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			switch text := read(t, file); {
			case strings.HasSuffix(file, ".txt"):
				scripts += text
			case strings.HasSuffix(file, "_test.go"):
				tests += text
			default:
				code += text
			}
		}
	}
	return code, tests, scripts
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
