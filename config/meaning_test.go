package config

import (
	"strings"
	"testing"
)

// What is not shown is not asked for, and is not counted either.
func TestMeaningOfLittle(t *testing.T) {
	config := Default()
	config.Months.Past, config.Days, config.API.UnionEndpoint = 0, 0, ""
	if got, want := Meaning(config), "72 for summaries; lines are read 1 to 8 times"; !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}
