package check

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// content is what the answers to one account say, beside amounts and names.
type content struct {
	comparisons  []comparison
	currencies   []namedCurrency
	payModes     []billclient.UnionPart // of DescribeBillSummaryByPayMode
	bills        []namedBill
	twoCustomers bool     // have bills in one answer
	facts        []string // what else the answers say

	dayLines, monthLines lineSample // of instances, in all pay modes
	balances             []string   // their kinds
	ends                 string     // how many instances end; empty: not known

	// What the days of bill-union are compared with; nil: there is nothing.
	summaryModes                             *ledger.Union // of DescribeBillSummaryByPayMode
	summaryProducts, summaryProjects, groups keySet

	// What the lines of instances, and the instances that end, are compared with; nil likewise.
	projectNames, groupNames, groupCodes, dayProjects keySet
}

// comparison says whether parts that an action splits a cost into come to their total.
type comparison struct {
	action, parts, total string
	whole                bool
}

// String returns the comparison as a fact.
func (c comparison) String() string {
	if c.whole {
		return fmt.Sprintf("%s: %s come to %s", c.action, c.parts, c.total)
	}
	return fmt.Sprintf("%s: %s miss %s", c.action, c.parts, c.total)
}

// missedTotal names the parts if they miss their total.
func missedTotal(c comparison) string {
	if c.whole {
		return ""
	}
	return c.parts + " of " + c.action
}

// totals has what parts of bills and estimates are parts of.
var totals = map[ledger.PartSet]string{
	ledger.Products: "the sum",
	ledger.Projects: "the sum",
	ledger.Details:  "their projects",
}

// namedCurrency is the currency that an answer, or an element of it, names. An empty code stands for none.
type namedCurrency struct{ action, code string }

// namedBill is the id of a bill or an estimate, empty if it has none.
type namedBill struct{ action, id string }

// learnBills learns from an answer of GetMonthBill.
func (c *content) learnBills(bills []billclient.MonthBill, err error) {
	byMonth := map[billclient.Month][]billclient.MonthBill{}
	for _, b := range bills {
		byMonth[b.Month] = append(byMonth[b.Month], b)
		c.learnBill(billclient.GetMonthBill, b.BillID, b.Currency)
	}
	for _, ofMonth := range byMonth {
		c.compare(billclient.GetMonthBill, ledger.CompareBills(ofMonth))
	}
	c.learnRefusal(billclient.GetMonthBill, err)
}

// learnEstimates learns from an answer of getMonthConsume.
func (c *content) learnEstimates(estimates []billclient.MonthConsume, err error) {
	for _, e := range estimates {
		c.learnBill(billclient.GetMonthConsume, e.BillID, e.Currency)
	}
	if len(estimates) > 0 {
		c.compare(billclient.GetMonthConsume, ledger.CompareEstimates(estimates))
	}
	c.learnRefusal(billclient.GetMonthConsume, err)
}

// learnRefusal learns from an answer that was refused for what it says.
func (c *content) learnRefusal(action string, err error) {
	c.twoCustomers = c.twoCustomers || billclient.IsTwoCustomers(err)
	if code, refused := billclient.RefusedCurrency(err); refused {
		c.currencies = append(c.currencies, namedCurrency{action, strings.TrimSpace(code)})
	}
}

func (c *content) learnBill(action, id, currency string) {
	c.bills = append(c.bills, namedBill{action, id})
	c.currencies = append(c.currencies, namedCurrency{action, currency})
}

func (c *content) compare(action string, sets ledger.Comparison) {
	for set, whole := range sets {
		c.comparisons = append(c.comparisons, comparison{action, string(set), totals[set], whole})
	}
}

// learnUnion learns from an answer of bill-union that splits a month into these parts, also from one that was refused
// for its currency.
func (c *content) learnUnion(action, parts string, answer billclient.UnionSummary, err error) {
	if answer.Billed() {
		c.comparisons = append(c.comparisons, comparison{action, parts, "the total", ledger.CompareUnion(answer)})
	}
	if code, refused := billclient.RefusedCurrency(err); refused || answer.Billed() {
		c.currencies = append(c.currencies, namedCurrency{action, strings.TrimSpace(answer.Currency + code)})
	}
}

// sumsCell says whether all parts in the answers to an account come to their totals.
func sumsCell(i *inspection) string {
	switch {
	case len(i.comparisons) == 0:
		return ""
	case len(distinctLines(i.comparisons, missedTotal)) > 0:
		return "no"
	default:
		return "yes"
	}
}

// currencyPattern matches codes of currencies in which there cannot be a name or an amount, and the Chinese word for
// the yuan.
var currencyPattern = regexp.MustCompile(`^(?:[A-Za-z]{3}|元)$`)

// anotherCurrency stands for a currency that is not shown.
const anotherCurrency = "another"

// String returns the code if it looks like one.
func (n namedCurrency) String() string {
	if n.code == "" || currencyPattern.MatchString(n.code) {
		return n.code
	}
	return anotherCurrency
}

func currencyCell(i *inspection) string {
	return strings.Join(distinctLines(i.currencies, namedCurrency.String), ", ")
}

func currencyFact(n namedCurrency) string {
	switch code := n.String(); code {
	case "":
		return n.action + ": names no currency"
	case anotherCurrency:
		return n.action + ": names another currency"
	default:
		return n.action + ": names the currency " + code
	}
}

// payModePattern matches words in which there cannot be an id, an amount or an address, and codes of up to two digits.
var payModePattern = regexp.MustCompile(`^(?:\pL[\pL _()（）/-]*|[0-9]{1,2})$`)

// maxPayMode is how long a word for a pay mode may be, in characters, to be shown.
const maxPayMode = 24

// payModeFact says how a word for a pay mode is read. The word is the API's, but nothing promises that: it is shown
// only if it looks like one.
func payModeFact(p billclient.UnionPart) string {
	word := strings.TrimSpace(p.Name)
	shown := payModePattern.MatchString(word) && utf8.RuneCountInString(word) <= maxPayMode
	switch isKnown := billclient.IsPayMode(p.Key); {
	case shown && isKnown:
		return fmt.Sprintf("%s is %s", word, p.Key)
	case shown:
		return word + " is not known"
	case isKnown:
		return "a word that is not shown is " + p.Key
	default:
		return "an unknown word"
	}
}

func payModesCell(i *inspection) string {
	return strings.Join(distinctLines(i.payModes, payModeFact), "\n")
}

// billIDFact says whether the id of a bill is in the form that names the customer.
func billIDFact(b namedBill) string {
	switch {
	case b.id == "":
		return b.action + ": bills have no id"
	case billclient.CustomerOfBill(b.id) == "":
		return b.action + ": bill ids name no customer"
	default:
		return b.action + ": bill ids name a customer"
	}
}

// customersOfBills says how many customers the bill ids of an account name, without saying which.
func customersOfBills(i *inspection) string {
	customers := distinctLines(i.bills, func(b namedBill) string { return string(billclient.CustomerOfBill(b.id)) })
	ofLines := billclient.ParseCustomerID(i.customer)
	switch {
	case i.twoCustomers || len(customers) > 1:
		return "two customers"
	case len(i.bills) == 0:
		return ""
	case len(customers) == 0:
		return "no customer"
	case ofLines == "":
		return "one customer"
	case ofLines.DiffersFrom(billclient.CustomerID(customers[0])):
		return "one customer, not that of the lines"
	default:
		return "one customer, that of the lines"
	}
}
