package web

import (
	"fmt"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"
)

// row is an account in the table, and the section with all that is known of it.
type row struct {
	metrics.AccountStatus
	ID int       // of the section; it stays while the configuration does
	At time.Time // now
}

// trouble returns 1 for an account that wants somebody to look at it.
func (r row) trouble() (is float64, ok bool) {
	if r.Refused != nil || countFailing(r.Sources) > 0 {
		return 1, true
	}
	return 0, true
}

func (r row) cost() (yuan float64, ok bool) {
	if r.Running == nil {
		return 0, false
	}
	return r.Running.Total.Float64(), true
}

func (r row) forecast() (yuan float64, ok bool) {
	if r.Forecast == nil {
		return 0, false
	}
	return r.Forecast.Float64(), true
}

// growth returns the change to the same days of last month as a fraction of what those cost.
func (r row) growth() (fraction float64, ok bool) {
	if r.ToDate == nil || r.ToDate.LastMonth.Sign() <= 0 {
		return 0, false
	}
	return r.ToDate.Running.Float64()/r.ToDate.LastMonth.Float64() - 1, true
}

// budgetShare returns the forecast as a fraction of the budget.
func (r row) budgetShare() (fraction float64, ok bool) {
	if u := r.BudgetUse(); u.Limit.Sign() > 0 {
		return u.Expected.Float64() / u.Limit.Float64(), true
	}
	return 0, false
}

// Growth returns the change to the same days of last month as a percentage, empty where it is not known.
func (r row) Growth() string {
	fraction, ok := r.growth()
	if !ok {
		return ""
	}
	return formatGrowth(fraction)
}

// BudgetUse returns how much of its budget the account is expected to use.
func (r row) BudgetUse() budgetUse {
	if r.Budget == nil || r.Budget.Forecast == nil {
		return budgetUse{}
	}
	return budgetUse{r.Budget.Monthly, *r.Budget.Forecast}
}

// budgetUse is how much of a budget is expected to be used. The zero budgetUse is not known.
type budgetUse struct{ Limit, Expected billclient.Amount }

// Share returns the forecast as a percentage of the budget, empty where it is not known.
func (u budgetUse) Share() string { return formatShare(u.Expected, u.Limit) }

// IsOver reports whether more is expected to be used than there is.
func (u budgetUse) IsOver() bool { return u.Expected.Cmp(u.Limit) > 0 }

// Width returns how wide a bar of the share is.
func (u budgetUse) Width() string {
	if u.Limit.Sign() <= 0 {
		return "0%"
	}
	return fmt.Sprintf("%.1f%%", 100*max(0, min(1, u.Expected.Float64()/u.Limit.Float64())))
}

// overview is the sum of some accounts.
type overview struct {
	Accounts int
	Troubled int
	Month    billclient.Month // the running one; 0 if no account has numbers of it
	Total    total
	Partial  int // accounts in Total of which other pay modes than postpaid are not known
	Forecast total
	ToDate   total // the running month and
	Before   total // last month up to the same day
	Budget   total
	Expected total // forecast of the accounts with a budget, in the pay modes that count for it
	Over     int   // accounts whose forecast is above their budget
}

// BudgetUse returns how much of the budgets is expected to be used.
func (o overview) BudgetUse() budgetUse { return budgetUse{o.Budget.Sum, o.Expected.Sum} }

// total is a sum of as many accounts as have a number.
type total struct {
	Sum   billclient.Amount
	Count int
}

func (t *total) add(amount billclient.Amount) { t.Sum, t.Count = t.Sum.Add(amount), t.Count+1 }

// addUp adds up what is known of some accounts.
func addUp(rows []row) overview {
	o := overview{Accounts: len(rows)}
	for _, r := range rows {
		if trouble, _ := r.trouble(); trouble > 0 {
			o.Troubled++
		}
		if m := r.Running; m != nil {
			o.Month = m.Month
			o.Total.add(m.Total)
			if !m.AllModes {
				o.Partial++
			}
		}
		if r.Forecast != nil {
			o.Forecast.add(*r.Forecast)
		}
		if d := r.ToDate; d != nil {
			o.ToDate.add(d.Running)
			o.Before.add(d.LastMonth)
		}
		o.addBudget(r.Budget)
	}
	return o
}

// addBudget adds the budget of an account of which there is a forecast.
func (o *overview) addBudget(b *metrics.BudgetStatus) {
	if b == nil || b.Forecast == nil {
		return
	}
	o.Budget.add(b.Monthly)
	o.Expected.add(*b.Forecast)
	if b.Forecast.Cmp(b.Monthly) > 0 {
		o.Over++
	}
}
