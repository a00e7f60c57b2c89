package seal

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestLoadOrCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topupd.key")
	first, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, err := LoadOrCreate(path)
	if err != nil || again.KeyID() != first.KeyID() {
		t.Errorf("read again: %v, %v", again, err)
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
	b := sealed(t, first, "tok_ok", "card:7")
	if got, err := again.Open(b, "card:7"); err != nil || got != "tok_ok" {
		t.Errorf("opened: %v", err)
	}
}

func TestLoadOrCreateKeepsOlderKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topupd.key")
	k1, k2 := Generate(), Generate()
	if err := os.WriteFile(path, []byte(k2+","+k1+"\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	r, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(sealed(t, ring(t, k1), "x", "c"), "c"); err != nil || r.KeyID() != ring(t, k2).KeyID() {
		t.Errorf("%v, %v", r, err)
	}
}

// Of many processes that start at once on an empty folder all get one key.
func TestLoadOrCreateAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "topupd.key")
	ids, errs := make([]string, 16), make([]error, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			var r *Ring
			if r, errs[i] = LoadOrCreate(path); errs[i] == nil {
				ids[i] = r.KeyID()
			}
		})
	}
	wg.Wait()
	for i := range ids {
		if errs[i] != nil || ids[i] != ids[0] {
			t.Errorf("%d: %s, %v; the first has %s", i, ids[i], errs[i], ids[0])
		}
	}
	if names, _ := filepath.Glob(path + "*"); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func TestLoadOrCreateRefuses(t *testing.T) {
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
		r, err := LoadOrCreate(path)
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

func TestLoadOrCreateOnOddPaths(t *testing.T) {
	dir := t.TempDir()
	if _, err := LoadOrCreate(dir); err == nil {
		t.Error("a folder was taken for a key file")
	}
	if _, err := LoadOrCreate(filepath.Join(dir, "none", "topupd.key")); err == nil {
		t.Error("a missing folder was no error")
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreate(pipe); err == nil {
		t.Error("a pipe was taken for a key file")
	}
	// A dangling link must not be followed into making a file elsewhere.
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreate(link); err == nil {
		t.Error("a dangling link was taken for a key file")
	}
	if _, err := os.Stat(filepath.Join(dir, "elsewhere")); err == nil {
		t.Error("a file was made behind a link")
	}
}
