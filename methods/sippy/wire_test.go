package sippy_test

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"topupd/billing"
)

var update = flag.Bool("update", false, "rewrite the answers of the wire scripts")

// The scripts are the interface's contract, byte for byte. A script is
// replayed on a fresh world (kit). It is made of comments, "# ...", and steps:
//
//	--> acme            a call by that actor, its body in the lines below
//	<--                 the answer, in the lines below
//	--> balance account 100      asks the engine, for what no method tells
//	--> settled account 100      waits until none of its charges is open
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
			k := newKit(t)
			if strings.HasPrefix(filepath.Base(file), "payment") {
				k.work(t)
			}
			if replayed := replay(t, k, string(text)); *update {
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
		k.want = want
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
	if _, err := fmt.Sscanf(who, "settled account %d", &n); err == nil {
		return k.settled(t, billing.Account(n))
	}
	if _, ok := actors[who]; !ok {
		t.Fatalf("there is no actor %s", who)
	}
	w := httptest.NewRecorder()
	k.handler.ServeHTTP(w, httptest.NewRequestWithContext(k.loggedIn(who), "POST", "/xmlapi/xmlapi", strings.NewReader(body)))
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/xml" {
		return fmt.Sprintf("HTTP %d %s\n", w.Code, w.Header().Get("Content-Type"))
	}
	for _, what := range heading(methodOf(body), w) {
		t.Errorf("%s breaks %s", methodOf(body), what)
	}
	return maskAudit(body, masked(w.Body.String(), k.want))
}

func (k *kit) settled(t *testing.T, o billing.OwnerID) string {
	for range 1000 {
		rows, err := k.engine.Charges(as("root"), billing.ChargeFilter{Owner: o, Limit: 100})
		must(t, err)
		if !slices.ContainsFunc(rows, func(r billing.ChargeRow) bool { return r.Charge.Open() }) {
			return fmt.Sprintf("%d charges have ended\n", len(rows))
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "a charge stays open\n"
}

// What differs from run to run: the time of a payment that was made just now, and the
// sandbox's reference, which follows from the database's name.
var (
	anyDate    = regexp.MustCompile(`\d\d:\d\d:\d\d\.000 GMT [A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d{4}`)
	anySandbox = regexp.MustCompile(`sbx_[0-9a-f]+`)
)

// A date that the script holds stays: it is not now, whenever the script is replayed.
func masked(answer, want string) string {
	answer = anyDate.ReplaceAllStringFunc(answer, func(date string) string {
		if strings.Contains(want, date) {
			return date
		}
		at, err := time.Parse("15:04:05.000 GMT Mon Jan 02 2006", date)
		if err != nil || time.Since(at).Abs() > time.Hour {
			return date
		}
		return "(now)"
	})
	return anySandbox.ReplaceAllString(answer, "(reference)")
}
