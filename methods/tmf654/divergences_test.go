package tmf654_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	keyInCode  = regexp.MustCompile(`\((T-[0-9]+)\)`)
	rowOfTable = regexp.MustCompile(`(?m)^\| (T-(?:[2-9][0-9]|[1-9][0-9][0-9])) \|.*\| ([^|]*) \|$`)
	nameOfTest = regexp.MustCompile(`\bTest[A-Z]\w*`)
	nameOfFile = regexp.MustCompile("`([a-z_]+\\.txt)`")
	pathOfFile = regexp.MustCompile("`([a-z0-9]+/[a-z0-9_/]+(?:_test)?\\.(?:go|txtar))`")
)

// TestDivergencesArePinned: each row names a test or a recorded conversation that is
// there, and each key in the code has its row.
func TestDivergencesArePinned(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	tests := ""
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			tests += read(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	rows := rowOfTable.FindAllStringSubmatch(read("../../docs/DIVERGENCES.md"), -1)
	for _, row := range rows {
		if keys[row[1]] {
			t.Errorf("%s occurs twice", row[1])
		}
		keys[row[1]] = true
		pins := 0
		for _, name := range nameOfTest.FindAllString(row[2], -1) {
			if pins++; !strings.Contains(tests, "func "+name+"(") {
				t.Errorf("%s: there is no %s", row[1], name)
			}
		}
		for _, file := range nameOfFile.FindAllStringSubmatch(row[2], -1) {
			pins++
			read("testdata/" + file[1])
		}
		for _, file := range pathOfFile.FindAllStringSubmatch(row[2], -1) {
			pins++
			read("../../" + file[1])
		}
		if pins == 0 {
			t.Errorf("%s is pinned by nothing", row[1])
		}
	}
	if len(rows) < 22 {
		t.Fatalf("%d rows", len(rows))
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, key := range keyInCode.FindAllStringSubmatch(read(file), -1) {
			if !keys[key[1]] {
				t.Errorf("%s: %s has no row", file, key[1])
			}
		}
	}
}
