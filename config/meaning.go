package config

import (
	"fmt"
	"strings"
	"time"

	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/output"
)

// Meaning returns a text for people: what the configuration costs in calls and allows in series.
func Meaning(c Config) string {
	names := make([]string, len(c.Accounts))
	for i, a := range c.Accounts {
		names[i] = output.Printable(a.Name)
	}
	return fmt.Sprintf("accounts: %d (%s)\nmonths: the running one (%s) and %d closed; days: %d\n",
		len(names), strings.Join(names, ", "), c.Months.Running, c.Months.Past, c.Days) +
		describeFirstRound(c) + describeCalls(c) + describeSeries(c) + describeLake(c)
}

// describeLake returns where lines are kept, nothing where they are not.
func describeLake(c Config) string {
	if c.Lake.Path == "" {
		return ""
	}
	return fmt.Sprintf("lake: the lines of the running month and the last one, in %s\n", output.Printable(c.Lake.Path))
}

// burst is how many calls an account may make at once, before requests_per_second counts.
const burst = 2

// describeFirstRound returns how long it takes at least until the summaries of all accounts are there for the first
// time. The API's own time comes on top.
func describeFirstRound(c Config) string {
	calls := 1 + 2 // GetMonthBill, and getMonthConsume of two months
	if c.API.UnionEndpoint != "" {
		calls += 3*(1+c.Months.Past) + 1 // the summaries of each month, and the names of product groups
	}
	if c.API.PayEndpoint != "" {
		calls++
	}
	paced := time.Duration(float64(max(0, calls-burst)) / c.API.RequestsPerSecond * float64(time.Second))
	turns := (len(c.Accounts) + collector.SummariesAtOnce - 1) / collector.SummariesAtOnce
	return fmt.Sprintf("first round: %d calls an account for summaries, with api.requests_per_second at least %v; %v for"+
		" all accounts, %d at once; lines come after that, of refresh.concurrency (%d) accounts at once\n", calls,
		paced.Round(time.Second), (time.Duration(turns) * paced).Round(time.Second), collector.SummariesAtOnce,
		c.LinesAtOnce())
}

// summariesPerDay returns how many calls a day of refreshes needs for an account's summaries.
func summariesPerDay(c Config) int {
	refreshes, rereads := timesPerDay(c.Refresh.Interval), timesPerDay(c.Refresh.DetailsMaxAge)
	summaries := 3 * refreshes // GetMonthBill, and getMonthConsume of two months
	if c.API.UnionEndpoint != "" {
		summaries += 3 * refreshes // of the running month, and of the last one
		summaries += 3 * min(c.Months.Past, 1) * rereads
		summaries += (2*daysReads(c) + 1) * rereads // days of product groups and of projects, and the groups' names
		if c.Prepaid.Months > 0 {
			summaries += rereads // DescribeCostBill
		}
	}
	if c.API.PayEndpoint != "" {
		summaries += refreshes
	}
	return summaries
}

// readsOfLines returns how often lines are read when all are read once: the running month's consumption and the last
// bill, and the last month's consumption; the running month's bill may come on top.
func readsOfLines(c Config) int {
	reads := 1 + min(c.Months.Past, 1)
	if c.Days > 0 || c.Months.Past > 0 {
		reads++
	}
	return reads
}

// linesPerDay returns how many calls a day needs at least for an account's lines.
func linesPerDay(c Config) int { return readsOfLines(c) * timesPerDay(c.Refresh.DetailsMaxAge) }

func describeCalls(c Config) string {
	refreshes := timesPerDay(c.Refresh.Interval)
	ends := ""
	if c.API.TradeEndpoint != "" {
		ends = fmt.Sprintf(", ends of prepaid instances %d times with a call per 100", timesPerDay(c.Refresh.DetailsInterval))
	}
	instances := ""
	if c.API.UnionEndpoint != "" {
		instances = describeInstanceCalls(c)
	}
	perhaps := ""
	if c.Months.Past > 0 { // a closed month without a bill is asked for alone once a day, and so is a refused range
		perhaps = fmt.Sprintf(", up to %d more for closed months that have no bill, %d more where the API refuses a range"+
			" of months", c.Months.Past, c.Months.Past*refreshes+1)
	}
	text := fmt.Sprintf("calls a day and account: %d for summaries%s; lines are read %d to %d times, those of"+
		" consumption with a call per 5000%s%s; retries apart", summariesPerDay(c), perhaps,
		linesPerDay(c), (readsOfLines(c)+1)*timesPerDay(c.Refresh.DetailsInterval), ends, instances)
	if c.API.DailyCalls == 0 {
		return text + "; no limit\n"
	}
	return text + fmt.Sprintf("; at most %d (api.daily_calls)\n", c.API.DailyCalls)
}

// describeInstanceCalls returns what asking for the instances of all pay modes costs.
func describeInstanceCalls(c Config) string {
	text := "; instances of all pay modes once a day with a call per 200 lines of the newest 3 days"
	if c.Months.Past > 0 || c.Prepaid.Months > 0 {
		text += " and one per 1000 of the last month"
	}
	if c.API.DailyCalls > 0 {
		text += fmt.Sprintf(" (not read if that is more than %d)", c.API.DailyCalls/2)
	}
	if c.Prepaid.Months > 1 {
		text += fmt.Sprintf(", and once one per 1000 of %d months before it (prepaid.months)", c.Prepaid.Months-1)
	}
	return text
}

// daysReads returns how often the days of all pay modes are read in a day: those of the running month when another day
// is metered, and once its last costs have come; those of the last month once.
func daysReads(c Config) int {
	if c.Days > 0 || c.Months.Past > 0 {
		return 3
	}
	return 2
}

// timesPerDay returns how often something happens in a day that is due after every interval, rounded up.
func timesPerDay(interval time.Duration) int { return int((24*time.Hour + interval - 1) / interval) }

func describeSeries(c Config) string {
	months := 1
	if c.Instances.LastMonth && c.Months.Past > 0 {
		months = 2
	}
	instances := months * c.Instances.MaxSeries
	if !c.Instances.Enabled {
		instances = 0
	}
	amortized, again := 0, ""
	if c.API.UnionEndpoint != "" && c.Prepaid.Months > 0 {
		amortized, again = instances/months, " and once more amortised"
	}
	tags := 0
	if len(c.Instances.Tags) > 0 {
		tags = c.Instances.MaxSeries
	}
	return fmt.Sprintf("series an account: at most %d of instances, as many that describe them, %d of amortised ones, and %d"+
		" of tags, __other__ apart; in all accounts at most %d; and %d days of each product in a project and, by pay"+
		" mode%s, of each product and project\n",
		instances, amortized, tags, len(c.Accounts)*(2*instances+amortized+tags), c.Days, again)
}
