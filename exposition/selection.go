package exposition

import (
	"fmt"
	"net/url"
	"slices"

	dto "github.com/prometheus/client_model/go"
)

// selection is the names of the families that a request asks for; nil asks for all.
type selection []string

// parseSelection reads the name[] parameters of a query, as promhttp does.
func parseSelection(query string) (selection, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	return values["name[]"], nil
}

func (s selection) has(name string) bool { return s == nil || slices.Contains(s, name) }

// check refuses a name that neither part of the answer has. The live part has the names that Go code registered: a
// counter's with _total, a histogram's without _bucket.
func (s selection) check(page *Page, live []*dto.MetricFamily) error {
	for _, name := range s {
		isIt := func(f *dto.MetricFamily) bool { return f.GetName() == name }
		if !page.has(name) && !slices.ContainsFunc(live, isIt) {
			return fmt.Errorf("name[]: unknown metric family %q", name)
		}
	}
	return nil
}

// of is the live families that are asked for.
func (s selection) of(live []*dto.MetricFamily) []*dto.MetricFamily {
	return slices.DeleteFunc(live, func(f *dto.MetricFamily) bool { return !s.has(f.GetName()) })
}
