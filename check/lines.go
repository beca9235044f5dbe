package check

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"

	"ksyun_bill_exporter/billclient"
)

// lineSample is what the first page of lines of instances has.
type lineSample struct {
	of       string         // the day or month
	modes    map[string]int // lines, by pay mode
	projects keySet
	isCut    bool // there is another page
}

// readFirstPage hands the rows of the first page to see, and reports whether there is another one. A large account has
// thousands of pages. The stream ends with the first row of the second page, because only then has the first one been
// read to its end; whether the second one could be read does not matter.
func readFirstPage[T any](i *inspection, rows iter.Seq2[T, error], see func(T)) (isCut bool, err error) {
	before := len(i.attempts)
	for row, err := range rows {
		pages := len(i.attempts) - before // to which there was an answer
		if pages > 1 || pages == 1 && err == nil {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		see(row)
	}
	return false, nil
}

// sampleLines returns what the first page of a stream of lines has. Its lines are handed to see, too.
func sampleLines(i *inspection,
	action, of string, lines iter.Seq2[billclient.UnionLine, error], see func(billclient.UnionLine),
) (lineSample, error) {
	s := lineSample{of: of, modes: map[string]int{}, projects: keySet{}}
	isCut, err := readFirstPage(i, lines, func(line billclient.UnionLine) {
		s.modes[line.PayMode]++
		s.projects[line.ProjectID] = true
		see(line)
	})
	i.learnRefusal(action, err)
	if err != nil {
		return lineSample{}, err
	}
	s.isCut = isCut
	for mode := range s.modes {
		i.facts = append(i.facts, action+": lines are "+describeMode(mode))
	}
	return s, nil
}

// newestDay returns the newest day that has passed and, where there is an estimate, is metered.
func newestDay(i *inspection) billclient.Day {
	yesterday := billclient.DayOf(i.now).Add(-1)
	if i.estimatedUntil == 0 {
		return yesterday
	}
	return min(i.estimatedUntil, yesterday)
}

// askDayLines looks at the first page of the newest day.
func askDayLines(i *inspection, ctx context.Context) (bool, error) {
	const action = billclient.QueryInstanceConsume
	day, groups, customers := newestDay(i), keySet{}, keySet{}
	lines := i.client.QueryInstanceConsume(ctx, day, day, billclient.UnionSets{})
	sample, err := sampleLines(i, action, day.String(), lines,
		func(line billclient.UnionLine) {
			groups[line.ProductGroupID], customers[line.CustomerID] = true, true
		})
	if err != nil {
		return false, err
	}
	i.dayLines = sample
	learnCustomers(i, action, customers)
	i.compareKeys("ids of product groups", action, groups, billclient.ListProductGroups, i.groups)
	i.compareKeys("project ids", action, sample.projects, billclient.QueryProjectConsume, i.dayProjects)
	return len(sample.modes) > 0, nil
}

// askMonthLines looks at the first page of last month. Its lines have names in place of ids, by which the exporter
// finds product groups and projects.
func askMonthLines(i *inspection, ctx context.Context) (bool, error) {
	const action = billclient.DescribeInstanceSummaryBills
	month, groups, projects := i.running-1, keySet{}, keySet{}
	lines := i.client.DescribeInstanceSummaryBills(ctx, month, billclient.UnionSets{})
	sample, err := sampleLines(i, action, month.String(), lines,
		func(line billclient.UnionLine) {
			groups[line.ProductGroupName], projects[line.ProjectName] = true, true
		})
	if err != nil {
		return false, err
	}
	i.monthLines = sample
	i.compareKeys("names of product groups", action, groups, billclient.ListProductGroups, i.groupNames)
	i.compareKeys("names of projects", action, projects, billclient.DescribeBillSummaryByProject, i.projectNames)
	return len(sample.modes) > 0, nil
}

// askCosts asks what the vendor makes of the terms of what is prepaid, for last month.
func askCosts(i *inspection, ctx context.Context) (bool, error) {
	const action = billclient.DescribeCostBill
	costs, err := i.client.DescribeCostBill(ctx, i.running-1)
	i.learnRefusal(action, err)
	groups := keysOf(costs, func(c billclient.CostBill) string { return c.ProductGroupID })
	i.compareKeys("ids of product groups", action, groups, billclient.ListProductGroups, i.groups)
	return len(costs) > 0, err
}

// askItems looks at the first page of last month's billing items.
func askItems(i *inspection, ctx context.Context) (found bool, err error) {
	items := i.client.QueryItemBills(ctx, i.running-1)
	_, err = readFirstPage(i, items, func(billclient.ItemBill) { found = true })
	i.learnRefusal(billclient.QueryItemBills, err)
	return found, err
}

// describeMode returns a pay mode. A word for it that is not known is not shown, because it can be the account's.
func describeMode(mode string) string {
	switch {
	case mode == "":
		return "of no pay mode"
	case billclient.IsPayMode(mode):
		return mode
	default:
		return "of another pay mode"
	}
}

// cell returns how many lines there are in each pay mode, an empty text if there is none.
func (s lineSample) cell() string {
	if len(s.modes) == 0 {
		return ""
	}
	head := s.of
	if s.isCut {
		head += ", first page"
	}
	counts := map[string]int{}
	for mode, lines := range s.modes {
		counts[describeMode(mode)] += lines
	}
	cell := []string{head}
	for _, mode := range slices.Sorted(maps.Keys(counts)) {
		cell = append(cell, fmt.Sprintf("%d %s", counts[mode], mode))
	}
	return strings.Join(cell, "\n")
}

// projectIDPattern matches ids as the API documents them.
var projectIDPattern = regexp.MustCompile(`^[0-9]{1,19}$`)

// maxProjects is how many ids of projects are shown.
const maxProjects = 5

// projectsCell returns the ids of projects, one on a line, and how many there are beyond the first ones.
func (s lineSample) projectsCell() string {
	shown := map[string]bool{}
	for id := range s.projects {
		switch {
		case id == "":
			id = "none"
		case !projectIDPattern.MatchString(id):
			id = "no number"
		}
		shown[id] = true
	}
	ids := slices.Sorted(maps.Keys(shown))
	if more := len(ids) - maxProjects; more > 0 {
		ids = append(ids[:maxProjects], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(ids, "\n")
}

// tellingFields are the fields of which the vendor's pages and SDKs have different ones.
var tellingFields = map[string][]string{
	billclient.QueryInstanceConsume: {"payType", "payTypeName", "serviceBegionTime", "serviceBeginTime"},
	billclient.DescribeInstanceSummaryBills: {
		"ProductSubTyeName", "ProductSubTypeName", "ProjectId", "RegionCode", "Currency",
	},
	billclient.QueryItemBills: {"payType", "payTypeName", "ItemPrice", "BillItemValue", "LastSortValue", "Currency"},
}

// fieldsFact says which of them an answer has.
func fieldsFact(a billclient.Attempt) string {
	telling := tellingFields[a.Action]
	if len(a.Fields) == 0 || len(telling) == 0 {
		return ""
	}
	var has, lacks []string
	for _, name := range telling {
		if slices.Contains(a.Fields, strings.ToLower(name)) {
			has = append(has, name)
		} else {
			lacks = append(lacks, name)
		}
	}
	var parts []string
	if has != nil {
		parts = append(parts, "has "+strings.Join(has, ", "))
	}
	if lacks != nil {
		parts = append(parts, "lacks "+strings.Join(lacks, ", "))
	}
	return a.Action + ": the first line " + strings.Join(parts, "; ")
}
