//go:build unix

package seal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"topupd/billing"
)

func keysIn(t testing.TB, path string) []string {
	t.Helper()
	text, _, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	return split(text)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRenew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topupd.key")
	server := keyFile(t, path) // it has read its file long ago
	before := sealedIn(t, server, "tok_ok", "card:7")
	must(t, os.Chmod(path, 0o400))
	old := keysIn(t, path)[0]

	f := keyFile(t, path)
	must(t, f.Renew())
	keys := keysIn(t, path)
	if len(keys) != 2 || keys[0] == old || keys[1] != old {
		t.Fatal("the file does not hold the new key in front of the older one")
	}
	opens(t, f, before, "card:7", "tok_ok")
	if !f.NeedsReseal(before) || f.KeyID() != ring(t, keys[0]).KeyID() {
		t.Errorf("it seals with %v", f)
	}
	after := sealedIn(t, server, "tok_ok", "card:7")
	if f.NeedsReseal(after) {
		t.Error("a server that has read its file before seals with the older key")
	}

	must(t, f.DropOlder())
	if left := keysIn(t, path); len(left) != 1 || left[0] != keys[0] {
		t.Fatal("the file does not hold the new key alone")
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode() != 0o400 || len(names(t, path)) != 1 {
		t.Errorf("mode %v, files %v", info.Mode(), names(t, path))
	}
	later := keyFile(t, path)
	opens(t, later, after, "card:7", "tok_ok")
	if _, err := later.Open(before, "card:7"); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("the older key was not dropped: %v", err)
	}
	// Who has read a value before it was sealed anew can still open it.
	opens(t, server, before, "card:7", "tok_ok")
	if server.NeedsReseal(sealedIn(t, server, "x", "c")) || server.KeyID() != f.KeyID() {
		t.Errorf("the server seals with %v", server)
	}
}

// An earlier one that did not finish is finished, not begun anew: its key may
// have sealed something.
func TestRenewGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topupd.key")
	first := keyFile(t, path)
	sealedIn(t, first, "x", "c")
	must(t, first.Renew())
	first.Release()
	keys := keysIn(t, path)
	f := keyFile(t, path)
	must(t, f.Renew())
	if got := keysIn(t, path); fmt.Sprint(got) != fmt.Sprint(keys) {
		t.Error("the keys of an unfinished rekey were changed")
	}
	must(t, f.DropOlder())
	must(t, f.DropOlder()) // again does nothing
	if got := keysIn(t, path); len(got) != 1 || got[0] != keys[0] {
		t.Error("the older key stayed")
	}
	must(t, f.Renew())
	if got := keysIn(t, path); len(got) != 2 || got[1] != keys[0] {
		t.Error("the next rekey has no key of its own")
	}
	f.Release()
}

func TestRenewOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topupd.key")
	one, other := keyFile(t, path), keyFile(t, path)
	sealedIn(t, one, "x", "c")
	must(t, one.Renew())
	keys := keysIn(t, path)
	if err := other.Renew(); !errors.Is(err, billing.Conflict) {
		t.Fatalf("two at once: %v", err)
	}
	must(t, one.DropOlder())
	must(t, other.Renew())
	if got := keysIn(t, path); len(got) != 2 || got[1] != keys[0] {
		t.Error("the second one is not beside the first one's key")
	}
	other.Release()
}

func TestRenewMakesTheFirstKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topupd.key")
	f := keyFile(t, path)
	must(t, f.Renew())
	must(t, f.DropOlder())
	if len(keysIn(t, path)) != 1 || f.KeyID() == "" {
		t.Errorf("%v", f)
	}
}

// A link stays one: the file that it leads to is replaced.
func TestRenewBehindALink(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	path, target := filepath.Join(dir, "topupd.key"), filepath.Join(elsewhere, "secret")
	must(t, os.WriteFile(target, []byte(Generate()), 0o600))
	must(t, os.Symlink(target, path))
	f := keyFile(t, path)
	b := sealedIn(t, f, "x", "c")
	must(t, f.Renew())
	opens(t, f, b, "c", "x")
	must(t, f.DropOlder())
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link became %v, %v", info.Mode(), err)
	}
	if keyFile(t, path).KeyID() != f.KeyID() || len(names(t, path)) != 1 || len(names(t, target)) != 1 {
		t.Errorf("files %v and %v", names(t, path), names(t, target))
	}
}

// A broken file, and one that cannot be replaced, stay as they are.
func TestRenewRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topupd.key")
	f := keyFile(t, path)
	b := sealedIn(t, f, "x", "c")
	text, err := os.ReadFile(path)
	must(t, err)
	must(t, os.Mkdir(path+".new", 0o700))
	must(t, os.WriteFile(filepath.Join(path+".new", "x"), nil, 0o600))
	if err := f.Renew(); err == nil {
		t.Error("it was replaced")
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, text) {
		t.Errorf("the file changed, %v", err)
	}
	must(t, os.WriteFile(path, []byte("half a key"), 0o600))
	if err := f.Renew(); err == nil {
		t.Error("a broken file was taken")
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != "half a key" {
		t.Errorf("the broken file changed, %v", err)
	}
	opens(t, f, b, "c", "x")
}

// The step at which the test binary, run again as another process, kills itself.
const (
	dieAtStep = "TOPUPD_TEST_DIE_AT"
	dieOnFile = "TOPUPD_TEST_DIE_ON"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(dieOnFile); path != "" {
		os.Exit(dyingRekey(path, os.Getenv(dieAtStep)))
	}
	os.Exit(m.Run())
}

// dyingRekey changes the key file and kills itself at a step of that.
func dyingRekey(path, step string) int {
	at, err := strconv.Atoi(step)
	if err != nil {
		return 2
	}
	f, err := OpenFile(path, nil)
	if err != nil {
		return 2
	}
	f.step = func(string) {
		if at--; at == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	if errors.Join(f.Renew(), f.DropOlder()) != nil {
		return 2
	}
	return 0
}

// A process that is killed at any moment leaves a file that opens what it has
// to, and the next one finishes.
func TestRenewKilled(t *testing.T) {
	for step := 1; ; step++ {
		path := filepath.Join(t.TempDir(), "topupd.key")
		before := sealedIn(t, keyFile(t, path), "x", "c")
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), dieOnFile+"="+path, fmt.Sprintf("%s=%d", dieAtStep, step))
		err := child.Run()
		if err == nil {
			if step != 7 {
				t.Errorf("there were %d steps, not 6", step-1)
			}
			return
		}
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Exited() {
			t.Fatalf("the child was not killed: %v", err)
		}
		f := keyFile(t, path)
		if keys := keysIn(t, path); len(keys) > 1 || step < 3 {
			// Not dropped yet, so something may still be sealed with it.
			opens(t, f, before, "c", "x")
		}
		after := sealedIn(t, f, "x", "c")
		must(t, f.Renew())
		opens(t, f, after, "c", "x")
		must(t, f.DropOlder())
		if n := names(t, path); len(n) != 1 || len(keysIn(t, path)) != 1 {
			t.Errorf("killed at step %d: files %v", step, n)
		}
	}
}
