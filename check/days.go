package check

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

func askGroups(i *inspection, ctx context.Context) (bool, error) {
	groups, err := i.client.ListProductGroups(ctx)
	if err == nil {
		i.groups = keysOf(groups, func(g billclient.ProductGroup) string { return g.ID })
		i.groupCodes = keysOf(groups, func(g billclient.ProductGroup) string { return g.Code })
		i.groupNames = keysOf(groups, func(g billclient.ProductGroup) string { return g.Name })
		i.compareKeys("codes of product groups", billclient.DescribeBillSummaryByProduct, i.summaryProducts,
			billclient.ListProductGroups, i.groupCodes)
	}
	return len(groups) > 0, err
}

func askGroupDays(i *inspection, ctx context.Context) (bool, error) {
	rows, err := askDays(i, ctx, billclient.QueryProductConsume, i.client.QueryProductConsume)
	if err == nil {
		i.compareKeys("ids of product groups", billclient.QueryProductConsume, keysOf(rows, keyOfDay),
			billclient.ListProductGroups, i.groups)
	}
	return len(rows) > 0, err
}

// askProjectDays compares the projects both ways: the exporter shows those of the summary and those of the days.
func askProjectDays(i *inspection, ctx context.Context) (bool, error) {
	const names, days, summary = "project ids", billclient.QueryProjectConsume, billclient.DescribeBillSummaryByProject
	rows, err := askDays(i, ctx, days, i.client.QueryProjectConsume)
	if err == nil {
		i.dayProjects = keysOf(rows, keyOfDay)
		i.compareKeys(names, days, i.dayProjects, summary, i.summaryProjects)
		i.compareKeys(names, summary, i.summaryProjects, days, i.dayProjects)
	}
	return len(rows) > 0, err
}

// askDays asks for all days of last month.
func askDays(i *inspection,
	ctx context.Context, action string,
	ask func(context.Context, billclient.Day, billclient.Day) ([]billclient.DayConsume, error),
) ([]billclient.DayConsume, error) {
	month := i.running - 1
	rows, err := ask(ctx, billclient.DayOf(month.Start()), billclient.DayOf(month.End()).Add(-1))
	i.learnDays(action, rows, err)
	return rows, err
}

// learnDays learns from an answer that has the days of last month.
func (c *content) learnDays(action string, rows []billclient.DayConsume, err error) {
	c.learnRefusal(action, err)
	if len(rows) > 0 {
		isWhole := !slices.ContainsFunc(rows, func(row billclient.DayConsume) bool {
			return !ledger.IsRounding(row.Unexplained(), len(row.Modes))
		})
		c.comparisons = append(c.comparisons, comparison{action, "pay modes", "the totals of days", isWhole})
	}
	if err == nil && c.summaryModes != nil {
		c.compareDays(action, rows)
	}
}

// compareDays compares the days of last month with the month's summary of pay modes, by the rules of the exporter. The
// exporter takes what is postpaid from elsewhere, so that this is a fact, and no part that can miss its total.
func (c *content) compareDays(action string, rows []billclient.DayConsume) {
	ofMode := func(mode string, isWhole bool) comparison {
		return comparison{action, mode + " days", "their month in " + billclient.DescribeBillSummaryByPayMode, isWhole}
	}
	missed := ledger.SummarizeDays(rows, time.Time{}).MissesModes(c.summaryModes)
	for _, mode := range []string{billclient.Prepaid, billclient.Realtime} {
		_, isBilled := c.summaryModes.Part(mode)
		isMissed := slices.Contains(missed, mode)
		if isBilled || isMissed {
			c.comparisons = append(c.comparisons, ofMode(mode, !isMissed))
		}
	}
	if slices.ContainsFunc(missed, func(mode string) bool { return !billclient.IsPayMode(mode) }) {
		c.comparisons = append(c.comparisons, ofMode("otherwise paid", false))
	}
	postpaid, isBilled := c.summaryModes.Part(billclient.Postpaid)
	beyond := postpaid.Sub(postpaidOf(rows))
	if isBilled || beyond.Sign() != 0 {
		c.facts = append(c.facts, ofMode(billclient.Postpaid, ledger.IsRounding(beyond, len(rows)+1)).String())
	}
}

// postpaidOf returns what is postpaid of days.
func postpaidOf(rows []billclient.DayConsume) (cost billclient.Amount) {
	for _, row := range rows {
		for _, mode := range row.Modes {
			if mode.PayMode == billclient.Postpaid {
				cost = cost.Add(mode.Cost)
			}
		}
	}
	return cost
}

// keySet has the ids or codes in an answer. Nil stands for no answer.
type keySet map[string]bool

func keysOf[T any](all []T, key func(T) string) keySet {
	keys := keySet{}
	for _, one := range all {
		keys[key(one)] = true
	}
	return keys
}

func keyOfDay(d billclient.DayConsume) string { return d.Key }

func keyOfPart(p billclient.UnionPart) string { return p.Key }

// compareKeys says whether all keys of an action, some or none are among those of another one. Which ones is not said,
// because they are the account's.
func (c *content) compareKeys(names, action string, keys keySet, other string, others keySet) {
	if len(keys) == 0 || others == nil {
		return
	}
	found := 0
	for key := range keys {
		if others[key] {
			found++
		}
	}
	share := "some"
	switch found {
	case 0:
		share = "no"
	case len(keys):
		share = "all"
	}
	c.facts = append(c.facts, fmt.Sprintf("%s: %s %s are in %s", action, share, names, other))
}

// envelopeFact says which envelope an answer had.
func envelopeFact(a billclient.Attempt) string {
	if a.Envelope == "" {
		return ""
	}
	return fmt.Sprintf("%s: envelope: %s", a.Action, a.Envelope)
}

// dayFormFact says how an answer writes days.
func dayFormFact(a billclient.Attempt) string {
	if a.DayForm == "" {
		return ""
	}
	return fmt.Sprintf("%s: billDay: %s", a.Action, a.DayForm)
}
