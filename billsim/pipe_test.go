package billsim

import (
	"strings"
	"testing"
	"testing/synctest"
)

// TestPipeStop checks that stop leaves no goroutine and that a dial after it fails.
func TestPipeStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport, stop := PipeTransport(New(nil))
		c := client{t: t, url: "http://bill.api.ksyun.com"}
		if got := describeOutcome(transport.RoundTrip(c.request(""))); !strings.HasPrefix(got, "403 ") {
			t.Errorf("before: %s", got)
		}
		stop()
		if got := describeOutcome(transport.RoundTrip(c.request(""))); got != "use of closed network connection" {
			t.Errorf("after: %s", got)
		}
	})
}
