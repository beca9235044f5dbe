package billsim

import (
	"iter"
	"maps"
	"net/url"
	"slices"
	"sync"
)

// WithKeptPages makes the server answer later pages of instances from what it had when the first page was asked for.
// Without it, every page is made anew from all lines of the month, which takes long for many pages.
func WithKeptPages() Option { return func(s *Server) { s.kept = &keptRows{} } }

// keptRows has, for each account and action, the rows of the newest query. It is safe for concurrent use.
type keptRows struct {
	mu   sync.Mutex
	rows map[[2]string]keptQuery
}

type keptQuery struct {
	query string
	rows  []unionLine
}

// keepRows returns the rows that were kept or, for a first page, those that list yields.
func (x *exchange) keepRows(list func() iter.Seq[unionLine]) iter.Seq[unionLine] {
	if x.kept == nil {
		return list()
	}
	key, query := [2]string{x.account.AccessKeyID, x.action}, withoutPage(x.query)
	x.kept.mu.Lock()
	defer x.kept.mu.Unlock()
	if kept := x.kept.rows[key]; x.page.PageNo > 1 && kept.query == query {
		return slices.Values(kept.rows)
	}
	if x.kept.rows == nil {
		x.kept.rows = map[[2]string]keptQuery{}
	}
	rows := slices.Collect(list())
	x.kept.rows[key] = keptQuery{query, rows}
	return slices.Values(rows)
}

// withoutPage returns a query as a text without its page.
func withoutPage(query url.Values) string {
	rest := maps.Clone(query)
	rest.Del("Page")
	rest.Del("LastSortValue")
	return rest.Encode()
}
