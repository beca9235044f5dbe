package web

import "net/http"

// NewStandby returns a handler of the routes of New for a process that stands by until it can take over from another
// one. It is healthy and not ready, and o.Metrics is all that it has to show: nothing that o returns about accounts is
// asked for. The handler is safe for concurrent use if everything in o is. The errors are those of New.
func NewStandby(o Options) (http.Handler, error) {
	prefix, err := o.checkPaths()
	if err != nil {
		return nil, err
	}
	answer := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { writeText(w, status, text) }
	}
	const status = "Standing by: another process has state_dir and asks. This one takes over when that one ends.\n"
	return newRoutes(o, prefix,
		answer(http.StatusOK, status),
		answer(http.StatusServiceUnavailable, "Not ready: standing by, another process has state_dir.\n"),
		answer(http.StatusServiceUnavailable, "Standing by: the configuration is read when this process takes over.\n"))
}
