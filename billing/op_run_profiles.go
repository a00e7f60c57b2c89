package billing

import "context"

// RunProfiles tops up every linked customer whose debt is above its threshold; mine as
// in RunLowBalance.
func (e *Engine) RunProfiles(ctx context.Context, p RunParams) (run Run, mine bool, err error) {
	if p.DryRun {
		return e.dryRun(ctx, JobProfiles, p, e.dryProfiles)
	}
	return e.runJob(ctx, JobProfiles, p, e.topUpLinked)
}

// topUpLinked looks at the linked customers, a page at a time, in one read; only those
// above their threshold cost a transaction.
func (e *Engine) topUpLinked(ctx context.Context, run *Run, p RunParams) error {
	var after OwnerID
	for {
		var linked []TopupTerms
		var profiles map[ProfileID]*Profile
		err := e.view(ctx, func(r Reader) (err error) {
			linked, profiles, err = linkedPage(r, TopupFilter{Linked: true, After: after, Limit: page})
			return err
		})
		if err != nil || len(linked) == 0 {
			return err
		}
		var due []OwnerID
		for i := range linked {
			t := &linked[i]
			after = t.Owner
			f := ProfileFacts{Owner: t.Owner, Profile: *profiles[t.Profile], Terms: *t}
			if r := f.First(); r != ReasonCharge {
				run.Tally.count(Decision{Reason: r})
				continue
			}
			due = append(due, t.Owner)
		}
		_, err = e.each(ctx, run, p, due, false, func(u *unitOfWork, i int) (Decision, error) { return u.topUp(due[i]) })
		if err != nil {
			return err
		}
		if p.Progress != nil {
			p.Progress(run.Tally.Decided)
		}
	}
}

// linkedPage reads customers with their profiles. A profile that is linked is there.
func linkedPage(r Reader, f TopupFilter) ([]TopupTerms, map[ProfileID]*Profile, error) {
	linked, err := r.TopupTermsList(f)
	if err != nil {
		return nil, nil, err
	}
	profiles := map[ProfileID]*Profile{}
	for i := range linked {
		id := linked[i].Profile
		if profiles[id] != nil {
			continue
		}
		p, err := r.Profile(id)
		if err != nil {
			return nil, nil, err
		}
		profiles[id] = &p
	}
	return linked, profiles, nil
}

// dryProfiles decides about every linked customer and changes nothing.
func (e *Engine) dryProfiles(ctx context.Context, run *Run, p RunParams) error {
	var after OwnerID
	for {
		n := 0
		err := e.view(ctx, func(r Reader) error {
			linked, profiles, err := linkedPage(r, TopupFilter{Linked: true, After: after, Limit: page})
			n = len(linked)
			for i := range linked {
				d, err := e.evaluate(ctx, r, &linked[i], profiles[linked[i].Profile])
				if err != nil {
					return err
				}
				run.dry(d, p)
				after = linked[i].Owner
			}
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// evaluate decides about one customer; it changes nothing.
func (e *Engine) evaluate(ctx context.Context, r Reader, t *TopupTerms, p *Profile) (Decision, error) {
	j, err := judgedOf(r, t.Owner)
	if err != nil {
		return Decision{}, err
	}
	f, err := e.profileFacts(r, &j, t, p, now(ctx))
	if err != nil {
		return Decision{}, err
	}
	return DecideProfile(f), nil
}
