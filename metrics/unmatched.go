package metrics

import "slices"

// ConfigKey is a key of the configuration that is about a product or a project of an account.
type ConfigKey struct {
	Kind string // budget or project
	Key  string // product code or project id
}

// UnmatchedKeys returns the budgets and projects of the configuration that match nothing in an account's numbers; none
// while it has no numbers.
func UnmatchedKeys(a Account) (unmatched []ConfigKey) {
	if !isConfigured(a) {
		return nil
	}
	products, projects := a.allProductNames(), a.allProjectNames()
	if len(products) == 0 && len(projects) == 0 {
		return nil
	}
	addUnless := func(names map[string]string, kind, key string) {
		if _, ok := names[key]; !ok {
			unmatched = append(unmatched, ConfigKey{kind, key})
		}
	}
	for _, b := range a.options.Budgets {
		switch {
		case b.Account != a.Name:
		case b.Product != "":
			addUnless(products, "budget", b.Product)
		case b.Project != "":
			addUnless(projects, "budget", b.Project)
		}
	}
	for _, p := range a.options.Projects {
		if p.Account == a.Name {
			addUnless(projects, "project", p.ID)
		}
	}
	return unmatched
}

// isConfigured reports whether the configuration has a budget or a project of the account.
func isConfigured(a Account) bool {
	return slices.ContainsFunc(a.options.Budgets, func(b Budget) bool { return b.Account == a.Name }) ||
		slices.ContainsFunc(a.options.Projects, func(p Project) bool { return p.Account == a.Name })
}

var configFamilies = []Family{{
	Name: "ksyun_bill_config_unmatched", Labels: []string{"kind", "key"},
	Help: "A budget or project of the configuration whose product or project has not been in the account's numbers for" +
		" a day: perhaps it is mistyped. Always 1.",
	samples: func(a Account, emit emit) {
		for _, k := range a.Unmatched {
			emit(1, k.Kind, k.Key)
		}
	},
}}
