package billsim

// unionLine is one line of any pay mode. All answers of bill-union are made of such lines.
type unionLine struct {
	Line
	mode payMode
	kind Kind
}

// purchases returns the lines of a month that are not postpaid.
func (a *Account) purchases(month string) []unionLine {
	var all []unionLine
	for mode, of := range [...]func(string) []Purchase{prepaid: a.Prepaid, realtime: a.Realtime} {
		if of == nil {
			continue
		}
		for _, p := range of(month) {
			all = append(all, unionLine{p.line(a.CustomerID, month), payMode(mode), p.Kind})
		}
	}
	return all
}
