package ledger

import (
	"time"

	"ksyun_bill_exporter/billclient"
)

// Basis says what a month's numbers are made of.
type Basis string

// The bases of a month.
const (
	Undecided Basis = ""
	Billed    Basis = "bill"     // GetMonthBill, GetPostpayDetailBill
	Estimated Basis = "estimate" // getMonthConsume, getPostpayDetailConsume
)

// BasisRules say how the basis of a month is chosen.
type BasisRules struct {
	Running      Basis         // of the running month, whatever is known; Undecided: it depends
	MaxStaleness time.Duration // after which an account no longer has estimates that were not answered since
	BillSettles  time.Duration // after the end of a month: until then its bill may be a part of the final one
}

// BasisOf returns which book a month's numbers are taken from at the instant now. It depends on nothing but what is
// known of the two books, so that two exporters with the same answers say the same, whatever they knew before.
func BasisOf(s *Snapshot, m billclient.Month, now time.Time, rules BasisRules) Basis {
	switch running := billclient.MonthOf(now); {
	case m > running:
		return Undecided
	case m == running:
		return runningBasis(s, m, now, rules)
	default:
		return closedBasis(s.Months[m], m, now, rules)
	}
}

// billStartsAt is the day of the month from which on the bill of the running month stands in for an empty estimate.
const billStartsAt = 4

// runningBasis returns the basis of the running month: the estimate of an account that has estimates, else the bill.
// Before its first day is metered, an account with estimates has no running month.
func runningBasis(s *Snapshot, m billclient.Month, now time.Time, rules BasisRules) Basis {
	month := s.Months[m]
	late := !now.Before(billclient.DayOf(m.Start()).Add(billStartsAt - 1).Start())
	switch {
	case rules.Running != Undecided:
		return rules.Running
	case HasEstimates(s, now, rules.MaxStaleness) && !(late && month.Estimate.IsEmpty() && !month.Bill.IsEmpty()):
		return Estimated
	case !month.Bill.IsEmpty():
		return Billed
	default:
		return Undecided
	}
}

// HasEstimates reports whether the account has estimates: one of the running month or the last one was answered within
// maxStaleness. An answer that is as far in the future, by a clock that was ahead, does not count.
func HasEstimates(s *Snapshot, now time.Time, maxStaleness time.Duration) bool {
	running := billclient.MonthOf(now)
	for _, m := range []billclient.Month{running, running - 1} {
		if e := s.Months[m].Estimate; !e.IsEmpty() && now.Sub(e.Summary.ReadAt).Abs() <= maxStaleness {
			return true
		}
	}
	return false
}

// closedBasis returns the basis of a closed month: its bill, once that is plausibly whole, else its estimate, else what
// it had come to by its bill while it ran.
func closedBasis(m Month, of billclient.Month, now time.Time, rules BasisRules) Basis {
	switch {
	case m.Bill.IsFinal(now) && (m.Estimate.IsEmpty() || billFitsEstimate(m) || now.After(of.End().Add(rules.BillSettles))):
		return Billed
	case !m.Estimate.IsEmpty():
		return Estimated
	case !m.Bill.IsEmpty():
		return Billed
	default:
		return Undecided
	}
}

// billFitsEstimate reports whether the bill is not below the estimate by more than 1%. A placeholder, or what the month
// had come to while it ran, is.
func billFitsEstimate(m Month) bool {
	bill, estimate := m.Bill.Summary.Sum.Float64(), m.Estimate.Summary.Sum.Float64()
	return bill >= estimate-0.01*max(estimate, -estimate)
}
