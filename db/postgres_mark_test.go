package db

import (
	"strings"
	"testing"
	"time"
)

// A lane takes a new row each day: one that a transaction may be asked about is never as
// old as those that are deleted.
func TestMarkOfTheDay(t *testing.T) {
	m := newMark()
	first := m.key
	m.was = "a value"
	if text := m.begin("BEGIN"); text != "BEGIN" || m.key != first {
		t.Errorf("a row of today is given up: %s", text)
	}
	m.stale = time.Now().Add(-time.Second)
	if text := m.begin("BEGIN"); m.key == first || !strings.Contains(text, m.key) || m.was != "" {
		t.Errorf("a row of yesterday is kept: %s", text)
	}
	if age := time.Until(m.stale); age < 23*time.Hour || age > markLife-24*time.Hour {
		t.Errorf("the new one is used for %v", age)
	}
}
