package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"topupd/billing"
)

func ring(t testing.TB, keys ...string) *Ring {
	t.Helper()
	r, err := ParseRing(strings.Join(keys, ","))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sealed(t testing.TB, r *Ring, plain billing.Secret, context string) []byte {
	t.Helper()
	b, err := r.Seal(plain, context)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealAndOpen(t *testing.T) {
	r := ring(t, Generate())
	for _, plain := range []billing.Secret{"", "pm_card_visa", billing.Secret(strings.Repeat("x", 100_000)), billing.Secret(strings.Repeat("\x00\xff", 8))} {
		b := sealed(t, r, plain, "card:7")
		if plain != "" && bytes.Contains(b, []byte(plain)) {
			t.Error("the secret is readable")
		}
		got, err := r.Open(b, "card:7")
		if err != nil || got != plain {
			t.Errorf("opened %d bytes, %v", len(got), err)
		}
		if bytes.Equal(b, sealed(t, r, plain, "card:7")) {
			t.Error("two sealings are equal: the nonce repeats")
		}
	}
}

// The stored form is a contract with every database there is.
func TestStoredForm(t *testing.T) {
	r := ring(t, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	const id = "4bb06f8e" // first bytes of SHA-256 over 32 bytes of 7
	if r.KeyID() != id {
		t.Errorf("key id %s, want %s", r.KeyID(), id)
	}
	b := sealed(t, r, "abc", "c")
	if fmt.Sprintf("%x", b[:4]) != id || len(b) != 4+12+3+16 {
		t.Errorf("sealed %x", b)
	}
	old, err := hex.DecodeString(id + "6e6f6e6365203132206c656e" + "2d857c0d3db9" + "5103acfef31adf1b4ecee3bbee7c4be6")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Open(old, "card:1"); err != nil || got != "tok_ok" {
		t.Errorf("an older release's value: %q, %v", got.Reveal(), err)
	}
}

func TestOpenRefuses(t *testing.T) {
	r := ring(t, Generate())
	b := sealed(t, r, "tok_ok", "card:7")
	for i := range b {
		for _, bit := range []byte{1, 0x80} {
			c := bytes.Clone(b)
			c[i] ^= bit
			want := ErrTampered
			if i < idSize {
				want = ErrUnknownKey
			}
			if got, err := r.Open(c, "card:7"); !errors.Is(err, want) || got != "" {
				t.Errorf("byte %d changed: %q, %v", i, got.Reveal(), err)
			}
		}
	}
	for n := range len(b) {
		if got, err := r.Open(b[:n], "card:7"); err == nil || got != "" {
			t.Errorf("cut to %d bytes: %q, %v", n, got.Reveal(), err)
		}
	}
	for _, context := range []string{"", "card:8", "card:70", "login:7", "card:7 "} {
		if got, err := r.Open(b, context); !errors.Is(err, ErrTampered) || got != "" {
			t.Errorf("context %q: %q, %v", context, got.Reveal(), err)
		}
	}
	if _, err := r.Open(append(bytes.Clone(b), 0), "card:7"); !errors.Is(err, ErrTampered) {
		t.Errorf("lengthened: %v", err)
	}
	if _, err := r.Open(nil, "card:7"); !errors.Is(err, ErrTampered) {
		t.Errorf("nothing: %v", err)
	}
}

func TestRotation(t *testing.T) {
	k1, k2 := Generate(), Generate()
	before, both, after := ring(t, k1), ring(t, k2, k1), ring(t, k2)
	b := sealed(t, before, "tok_ok", "card:7")
	if got, err := both.Open(b, "card:7"); err != nil || got != "tok_ok" {
		t.Fatalf("with the older key: %v", err)
	}
	if before.NeedsReseal(b) || !both.NeedsReseal(b) || !both.NeedsReseal(nil) {
		t.Error("NeedsReseal is wrong before")
	}
	if _, err := after.Open(b, "card:7"); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("without the older key: %v", err)
	}
	again := sealed(t, both, "tok_ok", "card:7")
	if both.NeedsReseal(again) {
		t.Error("NeedsReseal is wrong after")
	}
	if got, err := after.Open(again, "card:7"); err != nil || got != "tok_ok" {
		t.Errorf("resealed: %v", err)
	}
	if both.KeyID() != after.KeyID() || both.KeyID() == before.KeyID() {
		t.Error("the key's id is not the first key's")
	}
}

func TestParseRing(t *testing.T) {
	k := Generate()
	for name, text := range map[string]string{
		"one": k, "line end": k + "\n", "spaces": " " + k + " , " + Generate() + " ",
	} {
		if _, err := ParseRing(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	short := base64.StdEncoding.EncodeToString(make([]byte, 16))
	long := base64.StdEncoding.EncodeToString(make([]byte, 33))
	for name, text := range map[string]string{
		"empty": "", "comma": k + ",", "comma first": "," + k, "twice": k + "," + k, "aes-128": short, "33 bytes": long,
		"hex": strings.Repeat("ab", 32), "passphrase": "correct horse battery staple", "no padding": strings.TrimRight(k, "="),
		"second wrong": k + "," + k[:20], "url alphabet": strings.Repeat("-_", 21) + "8=",
	} {
		r, err := ParseRing(text)
		if err == nil || r != nil {
			t.Errorf("%s was accepted", name)
			continue
		}
		if strings.Contains(err.Error(), k[:8]) || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
	if Generate() == k {
		t.Error("Generate repeats itself")
	}
}

func TestRingPrintsNoKey(t *testing.T) {
	raw := bytes.Repeat([]byte{0xA7}, 32)
	r := ring(t, base64.StdEncoding.EncodeToString(raw), Generate())
	want := fmt.Sprintf("key %s and 1 older", r.KeyID())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, r); got != want {
			t.Errorf("%s: %s", verb, got)
		}
	}
	b, err := json.Marshal(map[string]any{"ring": r})
	if err != nil || string(b) != `{"ring":"`+want+`"}` {
		t.Errorf("JSON: %s, %v", b, err)
	}
	if got := fmt.Sprint((*Ring)(nil)); got != "no key" {
		t.Errorf("nil: %s", got)
	}
}

func FuzzOpen(f *testing.F) {
	r := ring(f, Generate(), Generate())
	genuine := sealed(f, r, "tok_ok", "card:7")
	f.Add(genuine, "card:7")
	f.Add(genuine[:20], "card:7")
	f.Add([]byte(nil), "")
	f.Add(append(bytes.Clone(genuine[:idSize]), make([]byte, 28)...), "card:7")
	f.Fuzz(func(t *testing.T, b []byte, context string) {
		got, err := r.Open(b, context)
		if bytes.Equal(b, genuine) && context == "card:7" {
			if err != nil || got != "tok_ok" {
				t.Fatalf("the genuine value: %v", err)
			}
			return
		}
		if err == nil || got != "" {
			t.Fatalf("%x opened in %q", b, context)
		}
		r.NeedsReseal(b)
	})
}
