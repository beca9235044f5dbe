package config

import (
	"strings"
	"testing"
)

// What is not shown is not asked for, and is not counted either.
func TestMeaningOfLittle(t *testing.T) {
	config := Default()
	config.Months.Past, config.Days, config.API.UnionEndpoint = 0, 0, ""
	config.API.PayEndpoint, config.API.TradeEndpoint = "", ""
	const want = "72 for summaries; lines are read 1 to 8 times, those of consumption with a call per 5000; retries apart"
	if got := Meaning(config); !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}

// The balance is asked for at every refresh, the ends of instances as often as lines at most.
func TestMeaningOfBalanceAndEnds(t *testing.T) {
	config := Default()
	config.Months.Past, config.Days, config.API.UnionEndpoint = 0, 0, ""
	const want = "96 for summaries; lines are read 1 to 8 times, those of consumption with a call per 5000," +
		" ends of prepaid instances 4 times with a call per 100; retries apart"
	if got := Meaning(config); !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}

// A lake is named where there is one.
func TestMeaningOfLake(t *testing.T) {
	config := Default()
	if got := Meaning(config); strings.Contains(got, "lake") {
		t.Errorf("without a lake: %s", got)
	}
	config.Lake.Path = "s3://bills"
	const want = "\nlake: the lines of the running month and the last one, in s3://bills\n"
	if got := Meaning(config); !strings.HasSuffix(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}
