package collector

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"ksyun_bill_exporter/billclient"
)

// union is what bill-union says of a month in all pay modes, parted one way. Immutable.
type union struct {
	ReadAt  time.Time
	ReadFor billclient.Amount // the sum of the month's bill when it was read
	Parts   []row             // by pay mode, product group or project
	Names   map[string]string // by label value
	Paid    []row             // by means of payment, where the answer tells them
}

// split is one of the ways in which bill-union parts a month.
type split struct {
	ask func(*billclient.Client, context.Context, billclient.Month) (billclient.UnionSummary, error)
	of  func(*month) **union
}

var (
	byPayMode = split{(*billclient.Client).DescribeBillSummaryByPayMode, func(m *month) **union { return &m.PayModes }}
	byGroup   = split{(*billclient.Client).DescribeBillSummaryByProduct, func(m *month) **union { return &m.Groups }}
	byProject = split{(*billclient.Client).DescribeBillSummaryByProject, func(m *month) **union { return &m.Projects }}
)

// readUnion asks how the running month and the closed ones that may have changed are parted. What one of them yields
// stays, whatever becomes of the others.
func (a *account) readUnion(ctx context.Context, s split) error {
	var failures []error
	running := billclient.MonthOf(wall())
	for m := running; m >= running.Add(-a.options.Months.Past) && m >= billclient.FirstMonth; m-- {
		if m < running && a.unionStays(m, s) {
			continue
		}
		err := a.readUnionMonth(ctx, m, s)
		if err != nil {
			failures = append(failures, fmt.Errorf("%v: %w", m, err))
		}
		if denied(err) { // so it will be the other months
			break
		}
	}
	return join(failures)
}

// unionStays tells whether nothing new is to be expected of a closed month: it was read since the month ended, and its
// bill has not changed since. Of last month it is asked once in a while all the same, for not all pay modes are in that
// bill.
func (a *account) unionStays(m billclient.Month, s split) bool {
	known := a.snapshot.Months[m]
	u := *s.of(&known)
	now := wall()
	switch {
	case u == nil || u.ReadAt.Before(m.End()):
		return false
	case known.Bill.Summary != nil && known.Bill.Summary.Sum.Cmp(u.ReadFor) != 0:
		return false
	default:
		age := now.Sub(u.ReadAt) // before 0 if the clock was set back since
		return m < billclient.MonthOf(now)-1 || 0 <= age && age < a.options.Refresh.DetailsMaxAge
	}
}

func (a *account) readUnionMonth(ctx context.Context, m billclient.Month, s split) error {
	now := wall()
	answer, err := s.ask(a.client, ctx, m)
	if err != nil {
		return err
	}
	known := a.snapshot.Months[m]
	before := s.of(&known)
	if !answer.Billed() && *before != nil && len((*before).Parts) > 0 {
		return lacks("bill-union", "summary", m)
	}
	next := unite(answer, now)
	if known.Bill.Summary != nil {
		next.ReadFor = known.Bill.Summary.Sum
	}
	*before = next
	a.take(a.snapshot.with(m, known))
	return nil
}

// unite adds up an answer: that a key stands only once in it is not promised.
func unite(answer billclient.UnionSummary, readAt time.Time) *union {
	u := &union{ReadAt: readAt, Names: map[string]string{}}
	parts, paid := sums{}, sums{}
	for _, part := range answer.Parts {
		label := KeyLabel(part.Key)
		parts.add(key{label}, part.Cost)
		u.Names[label] = part.Name
	}
	for _, payment := range answer.Paid {
		paid.add(key{payment.Means}, payment.Cost)
	}
	u.Parts, u.Paid = parts.rows(1), paid.rows(1)
	return u
}

// part returns what the part of a key cost, false if there is none.
func (u *union) part(label string) (billclient.Amount, bool) {
	if u == nil {
		return billclient.Amount{}, false
	}
	for _, r := range u.Parts {
		if r.Labels[0] == label {
			return r.Amount, true
		}
	}
	return billclient.Amount{}, false
}

// union returns what bill-union says of the month n months ago, nil if there is nothing, or nothing new enough.
func (s shown) union(n int, by split) *union {
	at := s.now.Add(-n)
	m := s.snapshot.Months[at]
	u := *by.of(&m)
	if u == nil || !s.stays(at, u.ReadAt) {
		return nil
	}
	return u
}

// emitUnion emits the parts of the month n months ago that wanted picks.
func (s shown) emitUnion(n int, by split, wanted func(label string) bool, emit emit, after ...string) {
	u := s.union(n, by)
	if u == nil {
		return
	}
	for _, r := range u.Parts {
		if wanted(r.Labels[0]) {
			emit(r.Amount.Float64(), append([]string{r.Labels[0]}, after...)...)
		}
	}
}

// emitOtherModes emits the pay modes of the month n months ago that GetMonthBill does not know. Without the postpaid
// part they would look like a cheap month, unless the account has none at all.
func (s shown) emitOtherModes(n int, emit emit, after ...string) {
	if _, ok := s.month(n); ok || s.nothingPostpaid() {
		s.emitUnion(n, byPayMode, notBilled, emit, after...)
	}
}

// nothingPostpaid tells whether the API has said of late that the account has neither bills nor estimates.
func (s shown) nothingPostpaid() bool {
	answered := func(o source) bool { return o.name == "month_bill" && !o.lastSuccess.Before(s.fresh) }
	return !s.snapshot.any() && s.snapshot.Months[s.now].Asked && slices.ContainsFunc(s.sources, answered)
}

func everyPart(string) bool { return true }

// notBilled picks the pay modes that GetMonthBill does not know.
func notBilled(mode string) bool { return mode != postpaid }

const allModes = "all pay modes, after discount, from the summaries of bill-union; cached between refreshes."

// unionFamilies returns the families of all pay modes.
func unionFamilies() []family {
	families := []family{}
	for _, v := range []struct {
		name, per, label string
		by               split
	}{
		{"product", "product group, a code that is none of the product codes", "product_group", byGroup},
		{"project", "project", "project_id", byProject},
	} {
		families = append(families, family{
			name: "ksyun_bill_all_modes_" + v.name + "_cost_cny", labels: []string{v.label},
			help:    "Cost in CNY of the running month to date per " + v.per + ", " + allModes,
			samples: func(s shown, emit emit) { s.emitUnion(0, v.by, everyPart, emit) },
		}, family{
			name: "ksyun_bill_past_month_all_modes_" + v.name + "_cost_cny", labels: []string{v.label, "months_ago"},
			help: "Cost in CNY of a closed month per " + v.per + ", " + allModes,
			samples: func(s shown, emit emit) {
				for n := range s.options.Months.Past {
					s.emitUnion(n+1, v.by, everyPart, emit, strconv.Itoa(n+1))
				}
			},
		})
	}
	return append(families, unionFacts...)
}

var unionFacts = []family{
	{
		name: "ksyun_bill_account_paid_cny", labels: []string{"months_ago", "means"},
		help: "By what the cost of a month is paid in CNY: cash, voucher, reward (a gift of the vendor)," +
			" cloud_ticket; " + allModes,
		samples: func(s shown, emit emit) {
			for n := range s.options.Months.Past + 1 {
				if u := s.union(n, byGroup); u != nil {
					for _, r := range u.Paid {
						emit(r.Amount.Float64(), strconv.Itoa(n), r.Labels[0])
					}
				}
			}
		},
	},
	{
		name: "ksyun_bill_product_group_info", labels: []string{"product_group", "product_group_name"},
		help: "Name of each product group of bill-union. Always 1.",
		samples: func(s shown, emit emit) {
			names := map[string]string{}
			for n := range s.options.Months.Past + 1 {
				if u := s.union(n, byGroup); u != nil {
					addMissing(names, u.Names)
				}
			}
			for _, group := range slices.Sorted(maps.Keys(names)) {
				emit(1, group, names[group])
			}
		},
	},
	{
		name: "ksyun_bill_pay_mode_unreconciled_cost_cny", labels: []string{"months_ago"},
		help: "What bill-union calls postpaid minus the sum of GetMonthBill, in CNY: 0 where they agree.",
		samples: func(s shown, emit emit) {
			for n := range s.options.Months.Past + 1 {
				of := s.now.Add(-n)
				bill := s.snapshot.Months[of].Bill
				cost, ok := s.union(n, byPayMode).part(postpaid)
				if ok && !bill.empty() && s.stays(of, bill.Summary.ReadAt) {
					emit(cost.Sub(bill.Summary.Sum).Float64(), strconv.Itoa(n))
				}
			}
		},
	},
}
