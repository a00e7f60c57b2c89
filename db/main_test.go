package db_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"topupd/billing"
	"topupd/db"
	"topupd/db/dbtest"
)

// crashFile makes the test binary the child of TestCrash.
const crashFile = "TOPUPD_TEST_CRASH_FILE"

// reusing has the tests share databases of PostgreSQL.
type reusing struct{ m *testing.M }

func (r reusing) Run() int { return dbtest.Emptying(r.m.Run) }

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		crashChild(path)
		return
	}
	goleak.VerifyTestMain(reusing{m})
}

// crashChild posts from many goroutines and prints the cause of each posting
// after it was acknowledged, until it is killed.
func crashChild(path string) {
	s, err := db.Open(context.Background(), path, db.Options{})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	var out sync.Mutex
	var wg sync.WaitGroup
	pid := os.Getpid()
	for g := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				cause := fmt.Sprintf("%d:%d:%d", pid, g, i)
				err := s.Update(context.Background(), func(tx billing.Tx) error {
					return tx.Post(posting(billing.Account(int64(g+1)), cause, 1, time.Now()))
				})
				out.Lock()
				if err != nil {
					fmt.Println("error", err)
				}
				fmt.Println("done", cause)
				out.Unlock()
			}
		})
	}
	wg.Wait()
}

// TestCrash is W1: what was acknowledged before a kill -9 is there afterwards.
// (What the kernel holds survives a killed process, so this proves the order of
// commit and answer, not the disk's honesty.)
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	s, err := db.Open(t.Context(), path, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	update(t, s, func(tx billing.Tx) error { return fill(tx, 8) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		acknowledged := crashRound(t, path, 200*(round+1))
		checkCrashed(t, path, acknowledged)
	}
}

// crashRound runs the child until it acknowledged so many, kills it and returns
// every acknowledgement that came through.
func crashRound(t *testing.T, path string, enough int) (causes []string) {
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), crashFile+"="+path)
	pipe, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		if word != "done" {
			t.Errorf("the child says %s", lines.Text())
			continue
		}
		causes = append(causes, rest)
		if len(causes) == enough {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // it was killed
	if len(causes) < enough {
		t.Fatalf("the child acknowledged only %d", len(causes))
	}
	// A line may have been cut by the kill.
	if last := causes[len(causes)-1]; strings.Count(last, ":") != 2 || strings.HasSuffix(last, ":") {
		causes = causes[:len(causes)-1]
	} else if _, err := strconv.Atoi(last[strings.LastIndexByte(last, ':')+1:]); err != nil {
		causes = causes[:len(causes)-1]
	}
	return causes
}

func checkCrashed(t *testing.T, path string, causes []string) {
	s, err := db.Open(t.Context(), path, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.View(t.Context(), func(r billing.Reader) error {
		for _, cause := range causes {
			if _, err := r.PostingByCause(cause); err != nil {
				t.Errorf("%s was acknowledged and is lost: %v", cause, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if found, err := s.Verify(t.Context(), 0); err != nil || len(found) != 0 {
		t.Errorf("verify: %v %v", found, err)
	}
}
