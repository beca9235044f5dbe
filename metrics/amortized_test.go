package metrics

import (
	"testing"

	"pgregory.net/rapid"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// Over their whole terms, purchases cost what was paid for them, to the last digit, and so do the days of each of them:
// what a month costs by its days is what its instances cost, and what is not used yet remains.
func TestTermsCostWhatWasPaid(t *testing.T) {
	start := billclient.DayOf(beijing(1, 1, 0))
	rapid.Check(t, func(t *rapid.T) {
		bought, paid := []ledger.Purchase{}, billclient.Amount{}
		for range rapid.IntRange(1, 5).Draw(t, "purchases") {
			p := drawPurchase(t, start)
			bought, paid = append(bought, p), paid.Add(p.Cost)
		}
		through := start.Add(rapid.IntRange(0, 1500).Draw(t, "through"))
		s := spreadOver(bought, start, start, through)
		days := billclient.Amount{}
		for at := start; at <= through; at = at.Add(1) {
			days = days.Add(total(s.day(at)))
		}
		remaining := billclient.Amount{}
		for _, rest := range s.remaining {
			remaining = remaining.Add(rest)
		}
		if sum := days.Add(remaining); sum.Cmp(paid) != 0 {
			t.Fatalf("%v by %v and %v later, in all %v: paid were %v", days, through, remaining, sum, paid)
		}
		if instances := total(s.instances); instances.Cmp(days) != 0 {
			t.Fatalf("the instances cost %v, the days %v", instances, days)
		}
		later := spreadOver(bought, start.Add(20), start.Add(20), through.Add(20)) // a window that begins within terms
		for at := start.Add(20); at <= through; at = at.Add(1) {
			if a, b := total(s.day(at)), total(later.day(at)); a.Cmp(b) != 0 {
				t.Fatalf("%v costs %v, in another window %v", at, a, b)
			}
		}
	})
}

// drawPurchase returns a purchase, or what is given back of one.
func drawPurchase(t *rapid.T, start billclient.Day) ledger.Purchase {
	p := ledger.Purchase{Instance: "p", Group: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "group")}
	text := rapid.StringMatching(`-?[0-9]{1,7}(\.[0-9]{1,8})?`).Draw(t, "cost")
	p.Cost = yuan(text)
	p.First = start.Add(rapid.IntRange(0, 100).Draw(t, "first"))
	n := rapid.IntRange(1, 1200).Draw(t, "days")
	p.Last, p.Daily = p.First.Add(n-1), p.Cost.Share(n)
	return p
}

func spreadOver(bought []ledger.Purchase, month, from, through billclient.Day) *amortized {
	s := newAmortized(month, from, through)
	labels := newKeyLabels(Account{}, 0, false, nil)
	for i := range bought {
		s.add(&bought[i], labels)
	}
	s.addUp()
	return s
}

func total(sums ledger.Sums) (sum billclient.Amount) {
	for _, amount := range sums {
		sum = sum.Add(amount)
	}
	return sum
}
