package billsim

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestSubscriptionFilters checks states and filters, as time passes.
func TestSubscriptionFilters(t *testing.T) {
	tests := []struct{ now, filter, want string }{
		{"2026-11-04 23:59:59", "", "kec-1 2, rack-1 2, rack-0 6"},
		{"2026-11-05 00:00:00", "", "kec-1 4, rack-1 2, rack-0 6"},
		{"2026-11-13 00:00:00", "", "kec-1 5, rack-1 2, rack-0 6"},
		{"2027-11-01 00:00:00", "&productGroup=KIS", "rack-1 4, rack-0 6"},
		{"2026-11-03 00:00:00", "&status=2", "kec-1 2, rack-1 2"},
		{"2026-11-03 00:00:00", "&renewStrategy=1", "rack-1 2, rack-0 6"},
		{"2026-11-03 00:00:00", "&renewStrategy=0", "kec-1 2"},
		{"2026-11-03 00:00:00", "&billingEndTimeFrom=2026-11-04+23:59:59", "kec-1 2, rack-1 2"},
		{"2026-11-03 00:00:00", "&billingEndTimeTo=2026-11-04+23:59:59", "kec-1 2, rack-0 6"},
		{"2029-10-31 00:00:00", "&productGroup=VM_GROUP", "kec-1 5"},
		{"2029-11-01 00:00:00", "&productGroup=VM_GROUP", ""},
	}
	for _, tt := range tests {
		now := beijingClock(tt.now)
		s := New([]Account{lineAccount()}, WithClock(now))
		x := &exchange{account: s.accounts["AKSAMPLE"], now: now(), query: parseQuery(t, tt.filter), variant: s.variant}
		var got []string
		for _, sub := range x.subscriptions() {
			if x.matches(&sub) {
				got = append(got, fmt.Sprint(sub.InstanceID, " ", sub.state))
			}
		}
		if text := strings.Join(got, ", "); text != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.now, tt.filter, text, tt.want)
		}
	}
}

func parseQuery(t *testing.T, text string) url.Values {
	t.Helper()
	query, err := url.ParseQuery(strings.TrimPrefix(text, "&"))
	if err != nil {
		t.Fatal(err)
	}
	return query
}
