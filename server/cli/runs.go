package cli

import (
	"strconv"

	"topupd/billing"
)

// runsCmd prints the history of runs.
type runsCmd struct {
	Job    string `enum:",low-balance,billing,profiles,recurring" default:"" placeholder:"JOB" help:"Only this job: low-balance, billing, profiles or recurring."`
	Limit  int    `placeholder:"N" default:"100" help:"At most so many; 0 is all."`
	format `embed:""`
}

var runColumns = []string{
	"run", "job", "key", "trigger", "as_of", "started", "finished", "decided", "charges", "charged", "declined",
	"unknown", "waiting", "posted", "mails", "failed", "skipped", "error",
}

// runPage is how many runs are read at once.
const runPage = 500

// Run prints one row for each run, newest first.
func (c *runsCmd) Run(a *app) error {
	if c.Limit < 0 {
		return wrong("--limit", strconv.Itoa(c.Limit), "a number of 0 or more")
	}
	o, err := a.open(opening{})
	if err != nil {
		return err
	}
	defer o.close()
	rows := c.rows(a.out, runColumns)
	var before billing.RunID
	for left := c.Limit; ; {
		limit := runPage
		if c.Limit > 0 {
			limit = min(left, runPage)
		}
		list, err := o.engine.Runs(as(a.ctx, "cli"), billing.Job(c.Job), before, limit)
		if err != nil {
			return err
		}
		for i := range list {
			if err := rows.row(c.row(&list[i])); err != nil {
				return err
			}
			before = list[i].ID
		}
		left -= len(list)
		if len(list) < limit || c.Limit > 0 && left == 0 {
			return rows.end()
		}
	}
}

func (c *runsCmd) row(r *billing.Run) row {
	t := &r.Tally
	skipped := cell{column: "skipped", text: skippedText(t.Skipped), plain: skippedText(t.Skipped), value: t.Skipped}
	if t.Skipped == nil {
		skipped.value = struct{}{}
	}
	return row{
		intCell("run", int64(r.ID)), textCell("job", string(r.Job)), textCell("key", r.Key), textCell("trigger", r.Trigger),
		timeCell("as_of", r.AsOf), timeCell("started", r.StartedAt), timeCell("finished", r.FinishedAt),
		intCell("decided", t.Decided), intCell("charges", t.Charges), intCell("charged", t.Charged),
		intCell("declined", t.Declined), intCell("unknown", t.Unknown), intCell("waiting", t.Waiting),
		intCell("posted", t.Posted), intCell("mails", t.Mails), intCell("failed", t.Failed), skipped, textCell("error", r.Error),
	}
}
