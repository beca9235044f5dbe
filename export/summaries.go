package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"ksyun_bill_exporter/billclient"
)

// summaries are what the lines of a month have to come to.
type summaries struct {
	bills []billclient.MonthBill // of what is postpaid
	modes []billclient.UnionPart // of a month that is over, by pay mode: bill-union promises none of the running one
	names *names                 // nil: no lines of bill-union are read
}

var errNoBill = errors.New("there is no bill, or none yet")

// readSummaries asks for all that is needed before the lines are read.
func (j *job) readSummaries(ctx context.Context) (s summaries, err error) {
	if s.bills, err = j.readBills(ctx); err != nil {
		return s, err
	}
	others := len(j.modes.others()) > 0
	if !others && len(s.bills) == 0 || others && j.Now.Before(j.month.Start()) {
		return s, errNoBill
	}
	if others {
		err = j.readUnion(ctx, &s)
	}
	if err == nil {
		err = j.checkBilled(s)
	}
	return s, err
}

// readBills reads the postpaid bill. Where no line of it is asked for, it tells whose numbers these are: the lines of
// bill-union need not.
func (j *job) readBills(ctx context.Context) ([]billclient.MonthBill, error) {
	isPostpaid := j.modes.has(billclient.Postpaid)
	if !isPostpaid && j.account.CustomerID == "" && !j.isFocus() {
		return nil, nil
	}
	bills, err := j.client.GetMonthBill(ctx, j.month, j.month)
	j.identify(bills)
	if err != nil || isPostpaid {
		return bills, err
	}
	for _, b := range bills {
		if err := j.checkCustomer("the bill", string(billclient.CustomerOfBill(b.BillID))); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// identify keeps whose bill it is, and its id if there is one bill.
func (j *job) identify(bills []billclient.MonthBill) {
	j.customer = billclient.ParseCustomerID(j.account.CustomerID)
	for _, b := range bills {
		j.customer = cmp.Or(j.customer, billclient.CustomerOfBill(b.BillID))
		j.billID = b.BillID
	}
	if len(bills) != 1 {
		j.billID = ""
	}
}

// readUnion reads the names in lines of bill-union and, of a month that is over, what these have to come to.
func (j *job) readUnion(ctx context.Context, s *summaries) error {
	if j.isOver() {
		summary, err := j.client.DescribeBillSummaryByPayMode(ctx, j.month)
		if err != nil {
			return err
		}
		s.modes = summary.Parts
	}
	groups, err := j.client.ListProductGroups(ctx)
	if err != nil {
		return err
	}
	s.names = newNames(groups, j.Config.Products)
	if !j.isOver() { // its lines have the ids of projects
		return nil
	}
	projects, err := j.client.DescribeBillSummaryByProject(ctx, j.month)
	for _, p := range projects.Parts {
		s.names.projects.add(p.Name, p.Key)
	}
	return err
}

// checkBilled fails if lines are asked for that are not there yet: a file without them would look like a cheap month.
func (j *job) checkBilled(s summaries) error {
	lacksBill := j.modes.has(billclient.Postpaid) && len(s.bills) == 0
	lacksUnion := s.names != nil && j.isOver() && len(s.modes) == 0
	switch {
	case lacksBill && lacksUnion:
		return errNoBill
	case lacksBill && !j.hasNothingPostpaid(s):
		return fmt.Errorf("there is no postpaid bill, or none yet; --pay-modes=%s does without it",
			strings.Join(j.modes.others(), ","))
	case lacksUnion:
		return fmt.Errorf("%s has nothing, or nothing yet: the bill of a month is made on the 3rd of the next one%s",
			billclient.DescribeBillSummaryByPayMode, j.adviceOnUnion())
	}
	return nil
}

// billDay is the day of the next month on which a month's bill is made (https://endocs.ksyun.com/documents/2694).
const billDay = 3

// hasNothingPostpaid reports whether a month without a postpaid bill will not get one: bill-union has summed up the
// month, nothing in it is postpaid, and the day is over on which bills are made.
func (j *job) hasNothingPostpaid(s summaries) bool {
	madeOn := billclient.DayOf(j.month.End()).Add(billDay - 1)
	return len(s.modes) > 0 && !j.Now.Before(madeOn.End()) && s.costOf(billclient.Postpaid).Sign() == 0
}

// costOf returns what a pay mode cost according to bill-union.
func (s summaries) costOf(mode string) (cost billclient.Amount) {
	for _, p := range s.modes {
		if p.Key == mode {
			cost = cost.Add(p.Cost)
		}
	}
	return cost
}

// isOver reports whether no more time can come to the month.
func (j *job) isOver() bool { return !j.Now.Before(j.month.End()) }
