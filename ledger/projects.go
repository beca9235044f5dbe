package ledger

// ProjectIDs returns the ids of projects by what they are called in a month, by all that is known of it; None for a
// name that several have.
func ProjectIDs(m Month) map[string]string {
	ids := map[string]string{}
	if u := m.Union(ByProject); u != nil {
		addIDs(ids, u.Names)
	}
	if d := m.ModeDays[ByProject]; d != nil {
		addIDs(ids, d.Names)
	}
	for _, b := range []Book{m.Bill, m.Estimate} {
		if b.Lines != nil {
			addIDs(ids, b.Lines.ProjectNames)
		}
	}
	return ids
}

func addIDs(ids, names map[string]string) {
	for id, name := range names {
		if name != "" {
			AddID(ids, name, id)
		}
	}
}

// AddID adds the id of a name to ids: None if another id has the name already.
func AddID(ids map[string]string, name, id string) {
	if other, ok := ids[name]; ok && other != id {
		id = None
	}
	ids[name] = id
}
