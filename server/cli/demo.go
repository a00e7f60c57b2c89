package cli

import (
	"bytes"
	"context"
	_ "embed"

	"topupd/billing"
)

// demoFile is a small base: one owner for each thing that can happen.
//
//go:embed demo.jsonl
var demoFile []byte

// loadDemo loads the demonstration into an empty database and runs the jobs
// once, so that there are charges, mails and runs to look at.
func (s *serving) loadDemo(ctx context.Context) error {
	empty, err := s.engine.Empty(ctx)
	if err != nil {
		return err
	}
	if !empty {
		s.log.Info().Msg("--demo: the database is not empty, nothing is loaded")
		return nil
	}
	_, err = s.app.parts.Import(as(ctx, "import"), s.engine, ImportInput{Source: bytes.NewReader(demoFile), Name: "demo.jsonl"})
	if err != nil {
		return err
	}
	for _, job := range []billing.Job{billing.JobLowBalance, billing.JobBilling, billing.JobProfiles, billing.JobRecurring} {
		if _, _, err := jobOf(s.engine, string(job))(as(ctx, "job"), billing.RunParams{Trigger: "start"}); err != nil {
			return err
		}
	}
	return nil
}
