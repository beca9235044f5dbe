package billclient

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
)

// monthBillSet is the name of the set in which GetMonthBill and getMonthConsume answer with bills.
const monthBillSet = "MonthBillSet"

// LeftOutBill is an element of an answer of GetMonthBill or getMonthConsume that was not taken for a postpaid bill.
type LeftOutBill struct {
	Action string    // as the API's pages spell it
	Bill   MonthBill // as far as it could be read
	Err    error     // why it was left out; it names the element
}

// billSet is a MonthBillSet.
type billSet struct {
	bills   []MonthBill
	leftOut []LeftOutBill

	numbers  []int // of the bills, in the answer
	ids      map[string]bool
	customer CustomerID // as the ids of the elements name it
}

// readBillSet reads an answer that has a MonthBillSet, and the texts beside the set. An element of another pay mode is
// left out, so that it does not make the bills disappear, and so is one that repeats a bill. An answer that has
// nothing else is an error: its bills may be there under a name that is not known.
func readBillSet(r *response, from, to Month, texts ...*topLevelText) (billSet, error) {
	s := billSet{ids: map[string]bool{}}
	ofAll := topLevelText{name: currency, lenient: true}
	err := readItems(r, monthBillSet, func(d document, number int) error {
		return locate(place(number), s.readBill(d, number, from, to))
	}, append(texts, &ofAll)...)
	if err != nil {
		return billSet{}, err
	}
	if len(s.bills) == 0 && len(s.leftOut) > 0 {
		return billSet{}, s.leftOut[0].Err
	}
	if err := s.readCurrency(ofAll.text); err != nil {
		return billSet{}, err
	}
	s.dropRepetitions()
	for i, left := range s.leftOut {
		s.leftOut[i].Err = &scrubbedError{scrub(left.Err.Error(), r.credentials, maxErrorText), left.Err}
	}
	return s, nil
}

// readCurrency gives each bill the currency of the answer where it has none of its own. It fails if a bill is not in
// CNY: no page documents that bills name a currency, but one that does is not to be taken for yuan.
func (s *billSet) readCurrency(ofAll string) error {
	for i := range s.bills {
		bill := &s.bills[i]
		bill.Currency = cmp.Or(bill.Currency, ofAll)
		if err := checkCurrency(bill.Currency); err != nil {
			return locate(place(s.numbers[i]), err)
		}
	}
	return nil
}

// place returns the place of an element in the answer.
func place(number int) string { return fmt.Sprintf("%s %d", monthBillSet, number) }

// readBill reads an element. A bill whose id comes twice is an error: neither of the two can be trusted.
func (s *billSet) readBill(d document, number int, from, to Month) error {
	n, err := readNode(d)
	if err != nil {
		return err
	}
	x := nodeReader{node: n}
	billType := x.text("BillType")
	if x.err != nil {
		return x.err
	}
	if err := s.checkCustomer(CustomerOfBill(x.text("BillId"))); err != nil {
		return err
	}
	bill, err := readMonthBill(&x, from, to)
	bill.Currency = strings.TrimSpace((&nodeReader{node: n}).text(currency)) // whatever is wrong with it
	if billType != "" && parsePayMode(billType) != Postpaid {
		s.leaveOut(bill, number, classify(Decode, "BillType %q: want postpay", shorten(billType, 60)))
		return nil
	}
	if err == nil && s.ids[bill.BillID] {
		err = classify(Decode, "BillId %q: twice in one answer", shorten(bill.BillID, 60))
	}
	if bill.BillID != "" {
		s.ids[bill.BillID] = true
	}
	s.bills, s.numbers = append(s.bills, bill), append(s.numbers, number)
	return err
}

// checkCustomer fails if a bill is of another customer than those before, be it left out or not: what the key reads is
// not one customer's cost.
func (s *billSet) checkCustomer(customer CustomerID) error {
	if customer.DiffersFrom(s.customer) {
		return classify(Auth, "%w", &twoCustomers{s.customer, customer})
	}
	s.customer = cmp.Or(s.customer, customer)
	return nil
}

func (s *billSet) leaveOut(bill MonthBill, number int, err error) {
	s.leftOut = append(s.leftOut, LeftOutBill{Bill: bill, Err: locate(place(number), err)})
}

// dropRepetitions leaves out each bill without an id that has the content of another bill: it would be counted twice.
// One that has another content is a bill of its own, as one with another id is.
func (s *billSet) dropRepetitions() {
	numbers := map[string]int{} // of the bills that are kept, by their content
	for i, bill := range s.bills {
		if bill.BillID != "" {
			numbers[contentOf(bill)] = s.numbers[i]
		}
	}
	if len(numbers) == len(s.bills) {
		return
	}
	var kept []MonthBill
	for i, bill := range s.bills {
		content := contentOf(bill)
		if other, ok := numbers[content]; ok && bill.BillID == "" {
			s.leaveOut(bill, s.numbers[i], classify(Decode, "no BillId, and the same bill as %s", place(other)))
			continue
		}
		numbers[content] = s.numbers[i]
		kept = append(kept, bill)
	}
	s.bills = kept
}

// contentOf returns everything that a bill has beside its id, its type and its currency, as one text.
func contentOf(bill MonthBill) string {
	bill.BillID, bill.BillType, bill.Currency = "", "", ""
	text, _ := json.Marshal(bill) // it has texts and numbers only, which cannot fail
	return string(text)
}
