package collector

import "slices"

// sound tells whether a snapshot from a file hangs together as one of this build does: under a good checksum can be
// what another build wrote, and a page that cannot be rendered would end every start.
func (s *snapshot) sound() bool {
	for _, m := range s.Months {
		if !m.Bill.sound() || !m.Estimate.sound() || !m.PayModes.sound() || !m.Groups.sound() || !m.Projects.sound() {
			return false
		}
	}
	for _, d := range s.Days {
		noKey := func(i instanceCost) bool { return i.Key == nil }
		if !haveLabels(d.ProjectProduct, 2) || slices.ContainsFunc(d.Instances, noKey) {
			return false
		}
	}
	return true
}

func (b book) sound() bool {
	switch {
	case b.Lines == nil:
		return b.Summary == nil || b.Summary.sound()
	case b.Summary == nil || b.Lines.ReadFor == nil:
		return false
	default:
		return b.Summary.sound() && b.Lines.ReadFor.sound() && b.Lines.sound()
	}
}

func (s *summary) sound() bool {
	return haveLabels(s.Product, 1) && haveLabels(s.Project, 1) && haveLabels(s.ProjectProduct, 2)
}

// sound does not look at what hangs on the configuration of instances (see fits).
func (l *lineSums) sound() bool {
	for name, rows := range l.Rows {
		i := slices.IndexFunc(views, func(v view) bool { return v.name == name })
		if i < 0 || name != instanceView && !haveLabels(rows, len(views[i].labels)) {
			return false
		}
	}
	return true
}

// fits tells whether the instances are described as the options have it.
func (s *snapshot) fits(o Instances) bool {
	width := len(key{}) + len(o.Promote)
	facts := func(i instance) bool { return len(i.Facts) == len(o.facts()) }
	for _, m := range s.Months {
		for _, lines := range []*lineSums{m.Bill.Lines, m.Estimate.Lines} {
			if lines != nil && (!all(lines.Instances, facts) || !haveLabels(lines.Rows[instanceView], width)) {
				return false
			}
		}
	}
	return true
}

func all[E any](s []E, is func(E) bool) bool {
	return !slices.ContainsFunc(s, func(e E) bool { return !is(e) })
}

func (u *union) sound() bool { return u == nil || haveLabels(u.Parts, 1) && haveLabels(u.Paid, 1) }

// haveLabels tells whether every row has n labels.
func haveLabels(rows []row, n int) bool {
	return !slices.ContainsFunc(rows, func(r row) bool { return len(r.Labels) != n })
}
