package metrics

import (
	"cmp"
	"maps"
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// modeDays returns the days of the month n months ago in all pay modes, nil if there are none, or none new enough.
func (a Account) modeDays(n int, by ledger.Split) *ledger.ModeDays {
	at := a.month.Add(-n)
	d := a.Snapshot.Months[at].ModeDays[by]
	if d == nil || !a.isCurrent(at, d.ReadAt) {
		return nil
	}
	return d
}

// otherModes returns what the month n months ago cost in the pay modes that GetMonthBill does not know: as bill-union
// sums up the month, else as its days come to. What a total has beyond its parts is left out where none of them is
// postpaid: it can be, and would count twice. hasAll is false then, and where there is nothing.
func (a Account) otherModes(n int) (rows []ledger.Row, hasAll bool) {
	u := a.union(n, ledger.ByPayMode)
	if u == nil {
		return a.otherModesOfDays(n)
	}
	_, hasPostpaid := u.Part(billclient.Postpaid)
	_, hasBeyond := u.Part(ledger.None)
	isLeftOut := func(r ledger.Row) bool {
		return r.Labels[0] == billclient.Postpaid || r.Labels[0] == ledger.None && !hasPostpaid
	}
	return slices.DeleteFunc(slices.Clone(u.Parts), isLeftOut), hasPostpaid || !hasBeyond
}

// otherModesOfDays returns what the days of a month come to in other pay modes than postpaid; ok is false where they
// are not known.
func (a Account) otherModesOfDays(n int) (rows []ledger.Row, ok bool) {
	days := a.sumsOfDays(n)
	sums := ledger.Sums{}
	for k, amount := range days {
		if k[0] != billclient.Postpaid {
			sums.Add(ledger.Key{k[0]}, amount)
		}
	}
	return sums.Rows(1), days != nil
}

// sumsOfDays returns what the days of a month come to, by whatever they are split.
func (a Account) sumsOfDays(n int) ledger.Sums {
	for _, by := range []ledger.Split{ledger.ByGroup, ledger.ByProject} {
		if d := a.modeDays(n, by); d != nil {
			return d.Sums()
		}
	}
	return nil
}

// hasModes reports whether it is known what the month n months ago cost in other pay modes than postpaid.
func (a Account) hasModes(n int) bool {
	return a.union(n, ledger.ByPayMode) != nil || a.sumsOfDays(n) != nil
}

// modeRows returns what the month n months ago cost in other pay modes than postpaid, by pay mode and label value. Each
// pay mode comes to what the account has of it: what the month's summary has beyond its days is of None.
func (a Account) modeRows(n int, by ledger.Split) []ledger.Row {
	d := a.modeDays(n, by)
	if d == nil {
		return nil
	}
	byMode := map[string]ledger.Sums{}
	for k, amount := range d.Sums() {
		if k[0] != billclient.Postpaid {
			addTo(byMode, k[0], ledger.Key{k[0], a.modeLabel(d, by, k[1])}, amount)
		}
	}
	totals := map[string]billclient.Amount{}
	others, _ := a.otherModes(n)
	for _, r := range others {
		totals[r.Labels[0]] = r.Amount
		addTo(byMode, r.Labels[0], ledger.Key{}, billclient.Amount{})
	}
	all := ledger.Sums{}
	for mode, sums := range byMode {
		delete(sums, ledger.Key{})
		sums.Balance(totals[mode], ledger.Key{mode, ledger.None})
		maps.Copy(all, sums)
	}
	return all.Rows(2)
}

// addTo adds an amount to the sums of a pay mode.
func addTo(byMode map[string]ledger.Sums, mode string, k ledger.Key, amount billclient.Amount) {
	if byMode[mode] == nil {
		byMode[mode] = ledger.Sums{}
	}
	byMode[mode].Add(k, amount)
}

// modeLabel returns the label value of an id in days: a product group has its product code, where its own is known.
func (a Account) modeLabel(d *ledger.ModeDays, by ledger.Split, id string) string {
	if by != ledger.ByGroup {
		return id
	}
	return a.groupLabel(id, d.Names[id])
}

// groupLabel returns the label value of a product group by its id, which can be None, or by its name: its product code,
// else the id.
func (a Account) groupLabel(id, name string) string {
	if code := a.groups.CodeOf(id, name); code != "" {
		return ledger.KeyLabel(a.productCode(code))
	}
	return id
}

// productCode returns the product code of a product group: the configured one, else the one that its postpaid instances
// have in the bill, else its own.
func (a Account) productCode(group string) string {
	return cmp.Or(a.options.productCode(group), a.groups.Product(group), group)
}

// modeNames returns the names of what stands in families of other pay modes, by label value. The newest month wins, and
// within a month its days.
func (a Account) modeNames(by ledger.Split) map[string]string {
	names := maps.Clone(dayNames(a, by))
	for n := range a.options.PastMonths + 1 {
		addMissing(names, lineNames(a, n, by))
	}
	return names
}

func (a Account) makeDayNames(by ledger.Split) map[string]string {
	names := map[string]string{}
	for n := range max(a.options.PastMonths, monthsOfDays) + 1 {
		d := a.modeDays(n, by)
		if d == nil {
			continue
		}
		byLabel := map[string]string{}
		for k := range d.Sums() {
			if k[0] != billclient.Postpaid {
				byLabel[a.modeLabel(d, by, k[1])] = d.Names[k[1]]
			}
		}
		for _, r := range a.modeRows(n, by) { // what is of None
			addMissing(byLabel, map[string]string{r.Labels[1]: ""})
		}
		addMissing(names, byLabel)
	}
	return names
}

// monthsOfDays is how many months before the running one the days that are shown reach back into.
const monthsOfDays = 2

// modesOfDay returns what a day has cost in other pay modes than postpaid, by pay mode and label value; ok is false
// where that is not known.
func (a Account) modesOfDay(day billclient.Day, by ledger.Split) (sums ledger.Sums, ok bool) {
	if !a.coversModes(day, by) {
		return nil, false
	}
	sums = ledger.Sums{}
	a.addModesOfDay(day, by, sums.Add)
	return sums, true
}

// coversModes reports whether it is known what a day has cost in other pay modes than postpaid.
func (a Account) coversModes(day billclient.Day, by ledger.Split) bool {
	return a.modeDays(int(a.month-day.Month()), by).Covers(day)
}

// addModesOfDay adds what a day that is known has cost in other pay modes than postpaid, by pay mode and label value.
func (a Account) addModesOfDay(day billclient.Day, by ledger.Split, add func(ledger.Key, billclient.Amount)) {
	d := a.modeDays(int(a.month-day.Month()), by)
	for _, r := range d.Days[day] {
		if r.Labels[0] != billclient.Postpaid {
			add(ledger.Key{r.Labels[0], a.modeLabel(d, by, r.Labels[1])}, r.Amount)
		}
	}
}

// newestModeDay returns the newest day whose cost in other pay modes is known, 0 if there is none.
func (a Account) newestModeDay() billclient.Day {
	yesterday := billclient.DayOf(a.now).Add(-1)
	for ago := range a.options.Days {
		if a.coversModes(yesterday.Add(-ago), ledger.ByGroup) {
			return yesterday.Add(-ago)
		}
	}
	return 0
}
