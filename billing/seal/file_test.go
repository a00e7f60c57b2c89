package seal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"topupd/billing"
)

// keyFile opens a key file that may be made.
func keyFile(t testing.TB, path string) *File {
	t.Helper()
	f, err := OpenFile(path, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func sealedIn(t testing.TB, f *File, plain billing.Secret, context string) []byte {
	t.Helper()
	b, err := f.Seal(plain, context)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func opens(t testing.TB, f *File, b []byte, context string, want billing.Secret) {
	t.Helper()
	if got, err := f.Open(b, context); err != nil || got != want {
		t.Errorf("opened %d bytes, %v", len(got), err)
	}
}

func names(t testing.TB, path string) []string {
	t.Helper()
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestFileIsMadeByTheFirstSeal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topupd.key")
	first := keyFile(t, path)
	if _, err := first.Open([]byte("whatever"), "card:7"); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("opened without a key: %v", err)
	}
	if n := names(t, path); len(n) != 0 {
		t.Errorf("made by opening: %v", n)
	}
	b := sealedIn(t, first, "tok_ok", "card:7")
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again := keyFile(t, path)
	if again.KeyID() != first.KeyID() || first.KeyID() == "" {
		t.Errorf("read again: %v, first %v", again, first)
	}
	if n := names(t, path); len(n) != 1 {
		t.Errorf("left behind: %v", n)
	}
	opens(t, again, b, "card:7", "tok_ok")
}

// A key that is missing while sealed values are there is lost; a new one would
// only hide it.
func TestFileIsNotMadeBesideSealedValues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topupd.key")
	lost := errors.New("the database holds sealed values")
	f, err := OpenFile(path, func() error { return lost })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seal("x", "c"); !errors.Is(err, lost) {
		t.Errorf("sealed: %v", err)
	}
	if err := f.Renew(); !errors.Is(err, lost) {
		t.Errorf("renewed: %v", err)
	}
	if n := names(t, path); len(n) != 0 {
		t.Errorf("made: %v", n)
	}
}

// What is sealed with a key that is only in memory is lost when the process ends.
func TestFileThatIsGoneSealsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topupd.key")
	f := keyFile(t, path)
	b := sealedIn(t, f, "x", "c")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seal("y", "c"); err == nil || !strings.Contains(err.Error(), "is gone") {
		t.Errorf("sealed: %v", err)
	}
	if n := names(t, path); len(n) != 0 {
		t.Errorf("made again: %v", n)
	}
	opens(t, f, b, "c", "x")
}

func TestFileKeepsOlderKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topupd.key")
	k1, k2 := Generate(), Generate()
	if err := os.WriteFile(path, []byte(k2+","+k1+"\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	f := keyFile(t, path)
	opens(t, f, sealed(t, ring(t, k1), "x", "c"), "c", "x")
	if f.KeyID() != ring(t, k2).KeyID() {
		t.Errorf("seals with %v", f)
	}
}

// Of many that seal at once in an empty folder, in one process and in several,
// all get one key.
func TestFileMadeAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topupd.key")
	shared := keyFile(t, path)
	ids, errs := make([]string, 16), make([]error, 16)
	var wg sync.WaitGroup
	for i := range ids {
		f := shared
		if i%2 == 0 {
			f = keyFile(t, path)
		}
		wg.Go(func() {
			if _, errs[i] = f.Seal("x", "c"); errs[i] == nil {
				ids[i] = f.KeyID()
			}
		})
	}
	wg.Wait()
	for i := range ids {
		if errs[i] != nil || ids[i] != ids[0] {
			t.Errorf("%d: %s, %v; the first has %s", i, ids[i], errs[i], ids[0])
		}
	}
	if n := names(t, path); len(n) != 1 {
		t.Errorf("left behind: %v", n)
	}
}

func TestFileRefuses(t *testing.T) {
	k := Generate()
	for name, tc := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"group may read":  {k, 0o640, "0640"},
		"world may read":  {k, 0o604, "0604"},
		"group may write": {k, 0o620, "0620"},
		"half a key":      {k[:20], 0o600, "key 1 is not 32 bytes"},
		"empty":           {"", 0o600, "key 1 is not 32 bytes"},
		"endless":         {strings.Repeat("A", 1<<20), 0o600, "key 1 is not 32 bytes"},
	} {
		path := filepath.Join(t.TempDir(), "topupd.key")
		if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, tc.mode); err != nil {
			t.Fatal(err)
		}
		r, err := OpenFile(path, nil)
		if err == nil || r != nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, %v", name, r, err)
		} else if strings.Contains(err.Error(), k[:8]) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
		// What was refused is left as it is.
		if b, err := os.ReadFile(path); err != nil || string(b) != tc.text {
			t.Errorf("%s: the file was changed, %v", name, err)
		}
	}
}

func TestFileOnOddPaths(t *testing.T) {
	dir := t.TempDir()
	// reach opens the file and seals, which makes it.
	reach := func(path string) error {
		f, err := OpenFile(path, func() error { return nil })
		if err == nil {
			_, err = f.Seal("x", "c")
		}
		return err
	}
	if err := reach(dir); err == nil {
		t.Error("a folder was taken for a key file")
	}
	if err := reach(filepath.Join(dir, "none", "topupd.key")); err == nil {
		t.Error("a missing folder was no error")
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := reach(pipe); err == nil {
		t.Error("a pipe was taken for a key file")
	}
	// A dangling link must not be followed into making a file elsewhere.
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	if err := reach(link); err == nil {
		t.Error("a dangling link was taken for a key file")
	}
	if _, err := os.Stat(filepath.Join(dir, "elsewhere")); err == nil {
		t.Error("a file was made behind a link")
	}
}
