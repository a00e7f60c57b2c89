package dbtest

import (
	"path/filepath"
	"time"
)

// Standby is another server that follows this one; from then on nothing is committed that
// it does not have.
func (s *Server) Standby() *Server {
	s.t.Helper()
	s.Do(`ALTER SYSTEM SET synchronous_standby_names = '*'`)
	standby := newServer(s.t, s.settings)
	copied := standby.command("pg_basebackup", "-h", s.dir, "-U", "postgres", "-D", filepath.Join(standby.dir, "data"), "-R", "-X", "stream", "-c", "fast", "--no-sync")
	if out, err := copied.CombinedOutput(); err != nil {
		s.t.Fatalf("pg_basebackup: %v\n%s", err, out)
	}
	standby.Start()
	s.Do(`SELECT pg_reload_conf()`)
	for until := time.Now().Add(20 * time.Second); s.Count(s.Address(), `SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state = 'sync'`) == 0; {
		if time.Now().After(until) {
			s.t.Fatal("the standby does not follow")
		}
		time.Sleep(20 * time.Millisecond)
	}
	return standby
}

// Promote has a standby take over, as somebody does by hand: it waits for no standby of its own.
func (s *Server) Promote() {
	s.t.Helper()
	s.Do(`ALTER SYSTEM SET synchronous_standby_names = ''`)
	s.Do(`SELECT pg_reload_conf()`)
	if out, err := s.command("pg_ctl", "promote", "-D", "data").CombinedOutput(); err != nil {
		s.t.Fatalf("pg_ctl promote: %v\n%s", err, out)
	}
}
