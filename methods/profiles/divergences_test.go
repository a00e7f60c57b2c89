package profiles_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	rowOfTable = regexp.MustCompile(`(?m)^\| (B-[0-9]+) \|.*\| ([^|]*) \|$`)
	testName   = regexp.MustCompile(`\bTest[A-Z]\w*`)
	goldenName = regexp.MustCompile("`([a-z]+\\.txt)`")
)

// Each row is pinned by a test or a recorded conversation that is there; a rename shows here.
func TestDivergencesArePinned(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	tests := ""
	for _, file := range []string{"wire_test.go", "contract_test.go", "../../billing/decide_profile_test.go", "../../billing/flow_profile_test.go", "../jsonl/profile_test.go", "../../db/migrate_expected_test.go"} {
		tests += read(file)
	}
	rows := rowOfTable.FindAllStringSubmatch(read("../../docs/DIVERGENCES.md"), -1)
	if len(rows) < 14 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		names := testName.FindAllString(row[2], -1)
		for _, name := range names {
			if !strings.Contains(tests, "func "+name+"(") {
				t.Errorf("%s: there is no %s", row[1], name)
			}
		}
		files := goldenName.FindAllStringSubmatch(row[2], -1)
		for _, file := range files {
			read("testdata/" + file[1])
		}
		if len(names)+len(files) == 0 {
			t.Errorf("%s is pinned by nothing", row[1])
		}
	}
}
