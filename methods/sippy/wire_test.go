package sippy_test

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topupd/billing"
)

var update = flag.Bool("update", false, "rewrite the answers of the wire scripts")

// The scripts are the interface's contract, byte for byte. A script is
// replayed on a fresh world (kit). It is made of comments, "# ...", and steps:
//
//	--> acme            a call by that actor, its body in the lines below
//	<--                 the answer, in the lines below
//	--> balance account 100      asks the engine, for what no method tells
func TestWireScripts(t *testing.T) {
	files, err := filepath.Glob(scripts)
	if err != nil || len(files) < 10 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			must(t, err)
			if replayed := replay(t, newKit(t), string(text)); *update {
				must(t, os.WriteFile(file, []byte(replayed), 0o644))
			}
		})
	}
}

// replay runs all steps and returns the script with the answers given.
func replay(t *testing.T, k *kit, script string) string {
	var out strings.Builder
	lines := strings.Split(strings.TrimRight(script, "\n"), "\n")
	for i := 0; i < len(lines); {
		at, line := i+1, lines[i]
		i++
		out.WriteString(line + "\n")
		who, isCall := strings.CutPrefix(line, "--> ")
		if !isCall {
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			t.Fatalf("line %d is no comment, call or answer: %s", at, line)
		}
		body := block(lines, &i)
		if i == len(lines) || lines[i] != "<--" {
			t.Fatalf("line %d: the call has no answer", at)
		}
		i++
		want := strings.TrimRight(block(lines, &i), "\n") + "\n"
		got := k.step(t, who, body)
		if got != want && !*update {
			t.Errorf("line %d: %s\ngot\n%swant\n%s", at, line, got, want)
		}
		out.WriteString(body + "<--\n" + got + "\n")
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// block takes the lines up to the next comment, call or answer.
func block(lines []string, i *int) string {
	var b strings.Builder
	for ; *i < len(lines); *i++ {
		l := lines[*i]
		if strings.HasPrefix(l, "#") || strings.HasPrefix(l, "--> ") || l == "<--" {
			break
		}
		b.WriteString(l + "\n")
	}
	return b.String()
}

func (k *kit) step(t *testing.T, who, body string) string {
	var n int64
	if _, err := fmt.Sscanf(who, "balance account %d", &n); err == nil {
		return k.balance(t, billing.Account(n)) + "\n"
	}
	if _, err := fmt.Sscanf(who, "balance customer %d", &n); err == nil {
		return k.balance(t, billing.Customer(n)) + "\n"
	}
	if _, ok := actors[who]; !ok {
		t.Fatalf("there is no actor %s", who)
	}
	w := httptest.NewRecorder()
	k.handler.ServeHTTP(w, httptest.NewRequestWithContext(as(who), "POST", "/xmlapi/xmlapi", strings.NewReader(body)))
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/xml" {
		return fmt.Sprintf("HTTP %d %s\n", w.Code, w.Header().Get("Content-Type"))
	}
	return maskAudit(body, w.Body.String())
}
