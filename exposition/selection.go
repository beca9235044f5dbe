package exposition

import (
	"fmt"
	"net/url"
	"slices"
)

// selection has the names of the families that a request selects. nil selects all.
type selection []string

// parseSelection reads the name[] parameters of a query, as promhttp does.
func parseSelection(query string) (selection, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	return values["name[]"], nil
}

func (s selection) includes(name string) bool { return s == nil || slices.Contains(s, name) }

// checkNames returns an error if neither page nor live has a family of the selection. Live families have the names
// under which Go code registers them: a counter's with _total, a histogram's without _bucket.
func (s selection) checkNames(page *Page, live liveFamilies) error {
	for _, name := range s {
		if !page.hasFamily(name) && !live.hasFamily(name) {
			return fmt.Errorf("name[]: unknown metric family %q", name)
		}
	}
	return nil
}
