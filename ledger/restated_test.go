package ledger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
)

// A closed month's bill is compared with what it was when the month's numbers were first taken from it, also after a
// change was taken back and over a merge with what was kept. What its estimate stood in for does not count.
func TestRestated(t *testing.T) {
	of := billclient.MonthOf(october(15))
	bill := func(day int, sum string, product ...string) Book {
		s := &Summary{Month: of, Sum: amount(t, sum), ReadAt: beijing(11, day, 0)}
		for _, p := range product {
			code, cost, _ := strings.Cut(p, " ")
			s.Product = append(s.Product, Row{Labels: []string{code}, Amount: amount(t, cost)})
		}
		return Book{Summary: s}
	}
	s := (&Snapshot{}).WithMonth(of, Month{
		Estimate: Book{Summary: &Summary{Month: of, Sum: amount(t, "100"), ReadAt: beijing(11, 1, 0)}},
	})
	for _, c := range []struct {
		name string
		bill Book
		want string
	}{
		{"a part", bill(2, "50", "KEC 50"), ""},
		{"whole", bill(3, "100", "EIP 40", "KEC 60"), ""},
		{"read again", bill(4, "100", "EIP 40", "KEC 60"), ""},
		{"a correction", bill(5, "99.5", "EIP 40", "KEC 59.5"), "KEC -0.5"},
		{"of no product", bill(6, "101.5", "EIP 40", "KEC 59.5"), "KEC -0.5 __none__ 2.0"},
		{"taken back", bill(7, "100", "EIP 40", "KEC 60"), "KEC 0 __none__ 0"},
		{"another product", bill(8, "100", "KEC 60", "KS3 40"), "EIP -40 KEC 0 KS3 40 __none__ 0"},
	} {
		month := s.Months[of]
		month.Bill = c.bill
		now := c.bill.Summary.ReadAt.Add(time.Minute)
		s = s.WithMonth(of, month).WithFirstBills(now, rules)
		if got := restatedText(s.Months[of]); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		fresh := (&Snapshot{}).WithMonth(of, Month{Bill: c.bill}).WithFirstBills(now, rules)
		merged := s.Merge(fresh).Months[of]
		if merged.FirstBill != nil && s.Months[of].FirstBill != nil && restatedText(merged) != c.want {
			t.Errorf("%s, merged: %s, want %s", c.name, restatedText(merged), c.want)
		}
	}
	if dropped := s.DropBefore(of + 1); len(dropped.Months) != 0 {
		t.Error("what the month's bill was at first outlives the month")
	}
}

func restatedText(m Month) string {
	var rows []string
	for _, r := range Restated(m) {
		rows = append(rows, fmt.Sprint(r.Labels[0], " ", r.Amount))
	}
	return strings.Join(rows, " ")
}
