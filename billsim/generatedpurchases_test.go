package billsim

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGeneratedPurchases checks that every instance has a purchase a month, or one on each day.
func TestGeneratedPurchases(t *testing.T) {
	prepaid := GeneratedPrepaid("73400575", 1000, 7)
	realtime := GeneratedRealtime("73400575", 3, 100, 7)
	instances, days := map[string]bool{}, map[string]int{}
	for _, p := range prepaid("2026-02") {
		instances[p.InstanceID] = true
		if p.Day < "2026-02-01" || p.Day > "2026-02-28" || p.EndTime <= p.StartTime || p.Kind != Renewed {
			t.Errorf("%+v", p)
		}
	}
	for _, p := range realtime("2026-02") {
		days[p.Day]++
	}
	if diff := cmp.Diff(map[string]int{"2026-02-01": 100, "2026-02-02": 100, "2026-02-03": 100}, days); diff != "" {
		t.Errorf("days:\n%s", diff)
	}
	for _, p := range prepaid("2026-03") {
		if !instances[p.InstanceID] {
			t.Errorf("%s is in one month only", p.InstanceID)
		}
	}
	if len(instances) != 1000 || len(prepaid("2026-13")) != 0 || len(realtime("2026-13")) != 0 {
		t.Errorf("%d instances", len(instances))
	}
}
