package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"ksyun_bill_exporter/output"

	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// checkConfig reads the configurations of the program and of its web server, and prints what they mean.
func checkConfig(f flags, getenv func(string) string, stdout io.Writer) error {
	config, err := loadConfig(f.configFile, getenv, (*Config).checkWithKeys)
	if err != nil {
		return err
	}
	if err := checkWebConfig(f); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "The configuration is good.\n%s", config.meaning())
	return err
}

// checkWebConfig reads the configuration of the web server, so that a mistake in it is known before anything is asked.
func checkWebConfig(f flags) error {
	if err := toolkit.Validate(*f.serve.web.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file: %s: %w", *f.serve.web.WebConfigFile, err)
	}
	return nil
}

// meaning says what the configuration costs in calls and allows in series.
func (c Config) meaning() string {
	names := make([]string, len(c.Accounts))
	for i, a := range c.Accounts {
		names[i] = output.Printable(a.Name)
	}
	return fmt.Sprintf("accounts: %d (%s)\nmonths: the running one (%s) and %d closed; days: %d\n",
		len(names), strings.Join(names, ", "), c.Months.Running, c.Months.Past, c.Days) + c.calls() + c.series()
}

func (c Config) calls() string {
	perDay := func(every time.Duration) int { return int((24*time.Hour + every - 1) / every) }
	summaries := 3 * perDay(c.Refresh.Interval) // GetMonthBill, and getMonthConsume of two months
	if c.API.UnionEndpoint != "" {
		summaries += 3 * perDay(c.Refresh.Interval) // of the running month, and of the last one
		summaries += 3 * min(c.Months.Past, 1) * perDay(c.Refresh.DetailsMaxAge)
	}
	books := 1 + min(c.Months.Past, 1) // the running month's consumption and the last bill, perhaps the running one too
	if c.Days > 0 || c.Months.Past > 0 {
		books++ // the last month's consumption
	}
	refused := ""
	if c.Months.Past > 0 { // the range is tried once a day
		refused = fmt.Sprintf(", %d more where the API refuses a range of months",
			c.Months.Past*perDay(c.Refresh.Interval)+1)
	}
	text := fmt.Sprintf("calls a day and account: %d for summaries%s; lines are read %d to %d times, those of"+
		" consumption with a call per 5000; retries apart", summaries, refused,
		books*perDay(c.Refresh.DetailsMaxAge), (books+1)*perDay(c.Refresh.DetailsInterval))
	if c.API.DailyCalls == 0 {
		return text + "; no limit\n"
	}
	return text + fmt.Sprintf("; at most %d (api.daily_calls)\n", c.API.DailyCalls)
}

func (c Config) series() string {
	months := 1
	if c.Instances.LastMonth && c.Months.Past > 0 {
		months = 2
	}
	instances := months * c.Instances.MaxSeries
	if !c.Instances.Enabled {
		instances = 0
	}
	tags := 0
	if len(c.Instances.Tags) > 0 {
		tags = c.Instances.MaxSeries
	}
	return fmt.Sprintf("series an account: at most %d of instances, as many that describe them, and %d of tags,"+
		" __other__ apart; in all accounts at most %d; and %d days of each product, project and product in a project\n",
		instances, tags, len(c.Accounts)*(2*instances+tags), c.Days)
}
