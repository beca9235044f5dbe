package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// An alert is told from others by its name, severity and labels.
type alert struct{ name, severity, rest string }

// firing has the scrapes at which alerts fire.
type firing map[alert][]int

var label = regexp.MustCompile(`(\w+)="([^"]*)"`)

// add notes that an alert with these labels, in braces, fires at a scrape.
func (f firing) add(labels string, scrape int) {
	var a alert
	var rest []string
	for _, pair := range label.FindAllStringSubmatch(labels, -1) {
		switch pair[1] {
		case "alertname":
			a.name = pair[2]
		case "severity":
			a.severity = pair[2]
		case "product_code", "project_id", "region_name", "scope":
			rest = append(rest, pair[2])
		}
	}
	a.rest = strings.Join(rest, " ")
	f[a] = append(f[a], scrape)
}

// starts returns when an alert begins to fire. A gap of up to a day is none.
func starts(at []int) []int {
	var found []int
	for i, scrape := range at {
		if i == 0 || scrape-at[i-1] > scrapesADay+1 {
			found = append(found, scrape)
		}
	}
	return found
}

// An event is an anomaly and what it made fire.
type event struct {
	account, kind    string
	delay            int // scrapes from the end of its first day until it was told; -1 if never
	alerts, messages int
	told             []string
}

// judge compares both lives from the anomaly on.
func judge(calm, struck firing, l *life) event {
	begin := (l.anomalyAt + 1 - pastDays) * scrapesADay
	e := event{account: l.account, kind: l.anomaly, delay: -1}
	messages := map[string]bool{}
	for a, at := range struck {
		known := calm[a]
		at = slices.DeleteFunc(slices.Clone(at), func(s int) bool {
			return s < begin-1 || slices.ContainsFunc(known, func(k int) bool { return max(k-s, s-k) <= scrapesADay })
		})
		if len(at) == 0 {
			continue
		}
		e.alerts++
		messages[fmt.Sprint(a.name, a.severity, at[0])] = true
		e.told = append(e.told, fmt.Sprintf("%s %s %s %d", a.name, a.severity, a.rest, at[0]-begin))
		if delay := max(at[0]-begin, 0); e.delay < 0 || delay < e.delay {
			e.delay = delay
		}
	}
	e.messages = len(messages)
	return e
}

// A study is what is to be measured.
type study struct {
	rules                    string
	accounts, days, parallel int
	seed                     uint64
	verbose                  bool
}

// A result is what was measured.
type result struct {
	months    float64
	falseOnes map[string]int // by severity
	lines     []string
	events    []event
}

// run lives all lives. It stops at the first error, or when the context ends.
func (s study) run(ctx context.Context) (*result, error) {
	dir, err := os.MkdirTemp("", "study")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	set, err := prepareRules(s.rules, dir)
	if err != nil {
		return nil, err
	}
	r := &result{falseOnes: map[string]int{}}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	accounts := make(chan int)
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range s.parallel {
		workers.Go(func() {
			for n := range accounts {
				calm, struck, l, err := s.live(ctx, set, dir, n)
				if err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				r.count(calm, struck, l)
				mu.Unlock()
			}
		})
	}
	for n := range s.accounts {
		accounts <- n
	}
	close(accounts)
	workers.Wait()
	return r, context.Cause(ctx)
}

// live returns what fires in both lives of account n, and the life with the anomaly.
func (s study) live(ctx context.Context, set ruleSet, dir string, n int) (calm, struck firing, l *life, err error) {
	if calm, err = set.evaluate(ctx, record(newLife(s.seed, n), s.days), dir); err != nil {
		return nil, nil, nil, err
	}
	l = newLife(s.seed, n)
	strike(l, s.seed, n)
	struck, err = set.evaluate(ctx, record(l, s.days), dir)
	return calm, struck, l, err
}

func (r *result) count(calm, struck firing, l *life) {
	r.months += watchedDays / 30.44
	for a, at := range calm {
		for _, start := range starts(at) {
			r.falseOnes[a.severity]++
			r.lines = append(r.lines, fmt.Sprintf("false %s %s %s %s %s (%s)", a.severity, a.name, l.account, a.rest,
				l.date(pastDays+start/scrapesADay).Format("01-02 Mon"), strings.Join(l.normal, ", ")))
		}
	}
	r.events = append(r.events, judge(calm, struck, l))
}

// details returns a line for each false alert and each anomaly.
func (r *result) details() string {
	lines := slices.Clone(r.lines)
	for _, e := range r.events {
		slices.Sort(e.told)
		lines = append(lines, fmt.Sprintf("event %s %s: delay %d scrapes: %s", e.account, e.kind, e.delay,
			strings.Join(e.told, "; ")))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// groups are the rows of the table, by the names of the anomalies.
var groups = map[string]string{"leaked key": bigOnes, "autoscaling": bigOnes, "CDN abuse": bigOnes}

const bigOnes = "leaked key, autoscaling, CDN abuse"

// rate returns the false alerts of a severity in an account-month.
func (r *result) rate(severity string) float64 { return float64(r.falseOnes[severity]) / r.months }

// found returns the share of anomalies of a group that were told within so many days; below 0 is ever.
func (r *result) found(group string, days int) float64 {
	var all, told float64
	for _, e := range r.events {
		if group != rowOf(e.kind) {
			continue
		}
		all++
		if e.delay >= 0 && (days < 0 || e.delay < days*scrapesADay) {
			told++
		}
	}
	return told / all
}

// perEvent returns the alerts and messages for an anomaly that was told; an empty group is all.
func (r *result) perEvent(group string) (alerts, messages float64) {
	var told float64
	for _, e := range r.events {
		if e.delay >= 0 && (group == "" || group == rowOf(e.kind)) {
			told++
			alerts += float64(e.alerts)
			messages += float64(e.messages)
		}
	}
	return alerts / max(told, 1), messages / max(told, 1)
}

func rowOf(kind string) string {
	if group := groups[kind]; group != "" {
		return group
	}
	return kind
}

// table returns the measurements in Markdown.
func (r *result) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%.0f account-months, %d anomalies\n\n| | |\n|---|---|\n", r.months, len(r.events))
	fmt.Fprintf(&b, "| false pages per account-month | %.2f |\n", r.rate("page"))
	fmt.Fprintf(&b, "| false warnings per account-month | %.2f |\n", r.rate("warning"))
	fmt.Fprintf(&b, "| false tickets per account-month | %.2f |\n", r.rate("ticket"))
	alerts, messages := r.perEvent("")
	fmt.Fprintf(&b, "| alerts, messages per event | %.1f, %.1f |\n", alerts, messages)
	fmt.Fprint(&b, "\n| anomaly | within 1 / 3 / 7 days | ever | alerts per event |\n|---|---|---|---|\n")
	rows := map[string]bool{}
	for _, e := range r.events {
		rows[rowOf(e.kind)] = true
	}
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		alerts, _ := r.perEvent(row)
		fmt.Fprintf(&b, "| %s | %.0f / %.0f / %.0f%% | %.0f%% | %.1f |\n", row, 100*r.found(row, 1),
			100*r.found(row, 3), 100*r.found(row, 7), 100*r.found(row, -1), alerts)
	}
	return b.String()
}
