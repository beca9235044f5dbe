package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

var update = flag.Bool("update", false, "write the table that TestFocusRulesAreTheModels compares")

const rulesFile = "testdata/focus_rules.csv"

// rule is a static check that FOCUS 1.2 demands: of the file, or of each row for which its condition is true.
type rule struct {
	id        string
	criteria  []string // what a provider has to support for the rule to apply
	needs     []any    // the name of a function, and then its arguments: columns, values, other checks
	condition []any    // nil: none
}

func readRules(t *testing.T) (rules []rule) {
	t.Helper()
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		r := rule{id: row[0], criteria: strings.Fields(row[1])}
		if err := json.Unmarshal([]byte(row[2]), &r.needs); err != nil {
			t.Fatal(r.id, err)
		}
		if row[3] != "" && json.Unmarshal([]byte(row[3]), &r.condition) != nil {
			t.Fatal(r.id)
		}
		rules = append(rules, r)
	}
	return rules
}

// modelRule is a rule of the requirements model.
type modelRule struct {
	Function              string
	Type                  string
	ApplicabilityCriteria []string
	ValidationCriteria    struct {
		Keyword                string
		Requirement, Condition map[string]any
	}
}

// compact returns a check of the model in the form of the table.
func compact(check any) any {
	c, ok := check.(map[string]any)
	if !ok {
		return nil
	}
	function, _ := c["CheckFunction"].(string)
	items, _ := c["Items"].([]any)
	if and, ok := c["AND"]; ok { // of one check or several
		if items, ok = and.([]any); !ok {
			items = []any{and}
		}
		function = "AND"
	}
	all := []any{function}
	for _, item := range items {
		all = append(all, compact(item))
	}
	for _, argument := range []string{
		"ColumnName", "CheckCondition", "ColumnAName", "ColumnBName", "ResultColumnName", "ModelRuleId", "Value",
		"ExpectedCount",
	} {
		if value, ok := c[argument]; ok {
			all = append(all, value)
		}
	}
	return all
}

// deriveRules returns the table of the checks of the model that are static, demanded and no lists of others.
func deriveRules(t *testing.T, model []byte) string {
	t.Helper()
	var parsed struct{ ModelRules map[string]modelRule }
	if err := json.Unmarshal(model, &parsed); err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	w := csv.NewWriter(&table)
	rows := [][]string{{"rule", "criteria", "needs", "condition"}}
	for _, id := range slices.Sorted(maps.Keys(parsed.ModelRules)) {
		r := parsed.ModelRules[id]
		needs, _ := compact(r.ValidationCriteria.Requirement).([]any)
		isDemanded := r.Type == "Static" && strings.HasPrefix(r.ValidationCriteria.Keyword, "MUST")
		if !isDemanded || r.Function == "Composite" || needs[0] == "AND" || needs[0] == "CheckModelRule" {
			continue
		}
		condition := ""
		if len(r.ValidationCriteria.Condition) > 0 {
			condition = asJSON(t, compact(r.ValidationCriteria.Condition))
		}
		rows = append(rows, []string{id, strings.Join(r.ApplicabilityCriteria, " "), asJSON(t, needs), condition})
	}
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return table.String()
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// focusFile is a file of FOCUS that is checked.
type focusFile struct {
	columns map[string]int
	types   map[string]string // of the columns of Parquet; nil: all are texts
	rows    [][]string
	unknown map[string]bool // functions that are not known
}

func newFocusFile(cells [][]string, types map[string]string) *focusFile {
	f := &focusFile{columns: map[string]int{}, types: types, rows: cells[1:], unknown: map[string]bool{}}
	for i, name := range cells[0] {
		f.columns[name] = i
	}
	return f
}

// typesOf returns the types of the columns of a Parquet file.
func typesOf(t *testing.T, text string) map[string]string {
	t.Helper()
	file, err := parquet.OpenFile(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for _, f := range file.Schema().Fields() {
		types[f.Name()] = f.Type().String()
	}
	return types
}

// focusTypes are what the functions about types mean in Parquet.
var focusTypes = map[string]string{
	"TypeString": "STRING", "TypeDecimal": "DECIMAL(38,10)",
	"TypeDateTime": "TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS)",
}

// holds reports whether a check is true of a row.
func (f *focusFile) holds(check []any, row []string) bool {
	part := func(i int) bool {
		sub, ok := check[i].([]any)
		return ok && f.holds(sub, row)
	}
	cell := func(i int) string { return row[f.columns[check[i].(string)]] }
	switch check[0] {
	case "OR":
		return slices.ContainsFunc(indexes(check), part)
	case "AND":
		return !slices.ContainsFunc(indexes(check), func(i int) bool { return !part(i) })
	case "CheckValue":
		return isValue(cell(1), check[2])
	case "CheckNotValue":
		return !isValue(cell(1), check[2])
	case "CheckSameValue":
		return cell(1) == cell(2)
	case "CheckNotSameValue":
		return cell(1) != cell(2)
	case "CheckGreaterOrEqualThanValue":
		return number(cell(1)).Cmp(number(fmt.Sprint(check[2]))) >= 0
	case "ColumnByColumnEqualsColumnValue":
		return new(big.Rat).Mul(number(cell(1)), number(cell(2))).Cmp(number(cell(3))) == 0
	}
	if typ, ok := focusTypes[check[0].(string)]; ok && f.types != nil {
		return f.types[check[1].(string)] == typ
	}
	if form, ok := forms[check[0].(string)]; ok {
		return cell(1) == "" || form(cell(1))
	}
	f.unknown[check[0].(string)] = true
	return false
}

func indexes(check []any) (all []int) {
	for i := range check[1:] {
		all = append(all, i+1)
	}
	return all
}

func isValue(cell string, value any) bool {
	switch v := value.(type) {
	case nil:
		return cell == ""
	case float64:
		return cell != "" && number(cell).Cmp(number(fmt.Sprint(v))) == 0
	default:
		return cell == v
	}
}

// number returns a number, or 0 where there is none.
func number(text string) *big.Rat {
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return new(big.Rat)
	}
	return n
}

// forms are the functions about the form of a cell that is not null.
var forms = map[string]func(string) bool{
	"TypeString":            utf8.ValidString,
	"FormatString":          func(s string) bool { return utf8.ValidString(s) && strings.TrimSpace(s) != "" },
	"TypeDecimal":           decimalForm.MatchString,
	"FormatNumeric":         decimalForm.MatchString,
	"CheckDecimalValue":     decimalForm.MatchString,
	"TypeDateTime":          isTime,
	"FormatDateTime":        isTime,
	"FormatCurrency":        regexp.MustCompile(`^[A-Z]{3}$`).MatchString,
	"CheckNationalCurrency": func(s string) bool { return s == "CNY" },
	"FormatKeyValue": func(s string) bool {
		object := map[string]any{}
		err := json.Unmarshal([]byte(s), &object)
		for _, value := range object {
			switch value.(type) {
			case map[string]any, []any:
				return false
			}
		}
		return err == nil && strings.HasPrefix(s, "{")
	},
}

var decimalForm = regexp.MustCompile(`^-?\d+(\.\d+)?$`)

func isTime(s string) bool {
	_, err := time.Parse("2006-01-02T15:04:05Z", s)
	return err == nil
}

// columnsOf returns the columns that a check names.
func columnsOf(check []any) (names []string) {
	for i, part := range check {
		switch p := part.(type) {
		case []any:
			names = append(names, columnsOf(p)...)
		case string:
			if isColumn := i > 0 && (i == 1 || strings.HasPrefix(check[0].(string), "Column") ||
				strings.HasSuffix(check[0].(string), "SameValue") || check[0] == "CheckDistinctCount"); isColumn {
				names = append(names, p)
			}
		}
	}
	return names
}

// check returns what a rule comes to: holds, fails with the first row of which it is not true, or why it says nothing.
func (f *focusFile) check(r rule) string {
	for _, c := range r.criteria {
		if !supported[c] {
			return "not supported: " + c
		}
	}
	if r.needs[0] == "ColumnPresent" {
		if _, ok := f.columns[r.needs[1].(string)]; !ok {
			return "fails"
		}
		return "holds"
	}
	for _, name := range slices.Concat(columnsOf(r.needs), columnsOf(r.condition)) {
		if _, ok := f.columns[name]; !ok {
			return "no column: " + name
		}
	}
	if r.needs[0] == "CheckDistinctCount" {
		return f.checkDistinct(r.needs)
	}
	for _, row := range f.rows {
		if (r.condition == nil || f.holds(r.condition, row)) && !f.holds(r.needs, row) {
			return fmt.Sprintf("fails: %q", row)
		}
	}
	return "holds"
}

// checkDistinct checks that each value of a column stands beside so many of another one.
func (f *focusFile) checkDistinct(check []any) string {
	values := map[string]map[string]bool{}
	for _, row := range f.rows {
		key := row[f.columns[check[1].(string)]]
		if values[key] == nil {
			values[key] = map[string]bool{}
		}
		values[key][row[f.columns[check[2].(string)]]] = true
	}
	for key, of := range values {
		if float64(len(of)) != check[3] {
			return fmt.Sprintf("fails: %s: %v", key, of)
		}
	}
	return "holds"
}

// supported are the criteria that apply to the vendor, as far as the API tells of what they mean. The prices of units
// are known of some lines only, while their columns have to have one for each, and there are no committed discounts.
var supported = map[string]bool{
	"ACCOUNT_NAMING_SUPPORTED": true, "BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED": true,
	"RESOURCE_TYPE_ASSIGNMENT_SUPPORTED": true, "REGION_SUPPORTED": true, "SUB_ACCOUNT_SUPPORTED": true,
	"TAGGING_SUPPORTED": true, "USAGE_MEASUREMENT_SUPPORTED": true,
}

// consumedRules are two rules as their sentences have them, for those who have no committed discounts: the check of the
// first one needs a column for these, and that of the second one has the opposite of its condition.
var consumedRules = []rule{
	{
		id: "ConsumedQuantity-C-004-C", needs: []any{"CheckValue", "ConsumedQuantity", nil},
		condition: []any{"CheckNotValue", "ChargeCategory", "Usage"},
	},
	{
		id: "ConsumedQuantity-C-006-C", needs: []any{"CheckNotValue", "ConsumedQuantity", nil},
		condition: []any{
			"AND", []any{"CheckValue", "ChargeCategory", "Usage"}, []any{"CheckNotValue", "ChargeClass", "Correction"},
		},
	},
}

// newKindsAPI returns an API with all that billsim has in a month: bills with usage, an adjustment and a correction of
// an earlier month, purchases, a refund, real-time usage and an adjustment of it. Vouchers and rewards pay for a part
// of it.
func newKindsAPI() *billsim.Server {
	lines := october()
	late := lines[0]
	late.DetailBillNo, late.Cost = "000000017299678", -300*billsim.Fen
	late.StartTime, late.EndTime = "2026-09-01 00:00:00", "2026-09-30 23:59:59"
	return billsim.New([]billsim.Account{{
		AccessKeyID: "AKLTMAIN", SecretAccessKey: "s3cret-main", CustomerID: "73400575",
		Bills: func(string) (billsim.Bill, bool) {
			return billsim.Bill{Lines: slices.Values(append(lines, late))}, true
		},
		Prepaid: purchasesOf,
		Realtime: func(month string) []billsim.Purchase {
			hours := hoursOf(month)
			back := hours[0]
			back.Kind, back.InstanceID, back.Cost = billsim.Refunded, "ip-2", -20*billsim.Fen
			return append(hours, back)
		},
		Payment: &billsim.Payment{Voucher: 10, Reward: 2},
	}})
}

// newAPIWithoutItems returns newKindsAPI where unit prices and usage are denied.
func newAPIWithoutItems() *billsim.Server {
	api := newKindsAPI()
	denied := billsim.Refuse(billsim.JSONError, 400, "Forbidden Request", "no")
	denied.Action = billclient.QueryItemBills
	api.Fault(denied)
	return api
}

// focusExports are the exports on which the rules are checked: a month that is over and the running one with all kinds
// of rows and lines that lack nearly everything, and a month of the demo.
var focusExports = []struct {
	name, month string
	version     string
	newAPI      func() *billsim.Server
	key, secret string
}{
	{"closed", "2026-10", Focus13, newKindsAPI, "AKLTMAIN", "s3cret-main"},
	{"running", "2026-11", Focus13, newKindsAPI, "AKLTMAIN", "s3cret-main"},
	{"without items", "2026-10", Focus13, newAPIWithoutItems, "AKLTMAIN", "s3cret-main"},
	{
		"demo", "2026-10", Focus12,
		func() *billsim.Server { return billsim.New(billsim.Demo(time.Now), billsim.WithKeptPages()) },
		"DEMOGAMEACCESSKEY", "demo-game-secret-key",
	},
}

// Every rule that applies holds, without an exception, of all kinds of rows, as CSV and as Parquet, whose types are
// those of its schema. What is not checked is named and counted by its reason. Without InvoiceId there is nothing to be
// said of InvoiceId-C-004-C and -005-C: the model has lost their conditions, so that one always fails.
func TestFocusRules(t *testing.T) {
	rules, kinds := readRules(t), map[string]string{}
	for _, e := range focusExports {
		for _, format := range []string{FormatFocusCSV, FormatFocusParquet} {
			t.Run(e.name+", "+format, func(t *testing.T) {
				var text, paid string
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(time.Until(noon))
					api, o := e.newAPI(), Options{Month: month(t, e.month), Format: format, FocusVersion: e.version}
					o.Output = "DIR/bill"
					config := strings.NewReplacer("AKLTMAIN", e.key, "s3cret-main", e.secret).Replace(withProducts)
					text = runExport(t.Context(), t, api, t.TempDir(), config, o).files["bill"]
					paid = meansOf(t, api, billclient.Credentials{AccessKeyID: e.key, SecretAccessKey: e.secret}, e.month)
				})
				f := newFocusFile(readTyped(t, format, text))
				for _, r := range consumedRules {
					if result := f.check(r); result != "holds" {
						t.Errorf("%s: %s", r.id, result)
					}
				}
				compareFile(t, "focus_rules.txt", f.report(rules))
				kinds[format] += e.name + "\n" + f.kinds() + paid
			})
		}
	}
	compareFile(t, "focus_kinds.txt", kinds[FormatFocusCSV])
	if diff := cmp.Diff(kinds[FormatFocusCSV], kinds[FormatFocusParquet]); diff != "" {
		t.Errorf("(-csv +parquet):\n%s", diff)
	}
}

// readTyped returns the cells of a file of FOCUS and, of Parquet, the types of its columns.
func readTyped(t *testing.T, format, text string) (cells [][]string, types map[string]string) {
	t.Helper()
	if format == FormatFocusCSV {
		return readCells(t, text), nil
	}
	cells, _ = readParquet(t, text)
	return cells, typesOf(t, text)
}

// kinds returns how many rows there are of each kind, and what they come to.
func (f *focusFile) kinds() string {
	counts, sum := map[string]int{}, new(big.Rat)
	for _, row := range f.rows {
		cell := func(name string) string { return row[f.columns[name]] }
		cost := number(cell("BilledCost"))
		sum.Add(sum, cost)
		kind := cell("x_PayMode") + " " + cell("ChargeCategory") + " " + cell("ChargeClass")
		switch {
		case cost.Sign() >= 0:
		case cell("ChargeCategory") == "Purchase":
			kind += "refund"
		case cell("ChargeClass") == "":
			kind += "adjustment"
		}
		counts[strings.TrimSpace(kind)]++
	}
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "%4d %s\n", counts[kind], kind)
	}
	fmt.Fprintf(&b, "BilledCost %s\n", sum.FloatString(8))
	return b.String()
}

// meansOf returns what a month costs according to bill-union, and by which means it is paid: BilledCost is the whole,
// before vouchers. Of the running month it says nothing.
func meansOf(t *testing.T, api http.Handler, keys billclient.Credentials, at string) string {
	t.Helper()
	client, stop := newClient(api, keys)
	defer stop()
	summary, err := client.DescribeBillSummaryByProduct(t.Context(), month(t, at))
	if err != nil {
		t.Fatal(err)
	}
	var cost billclient.Amount
	paid := map[string]billclient.Amount{}
	for _, p := range summary.Parts {
		cost = cost.Add(p.Cost)
		for _, payment := range p.Paid {
			paid[payment.Means] = paid[payment.Means].Add(payment.Cost)
		}
	}
	text := fmt.Sprintf("the summary %v\n", cost)
	for _, means := range slices.Sorted(maps.Keys(paid)) {
		text += fmt.Sprintf("of which %s %v\n", means, paid[means])
	}
	return text
}

// report returns how many rules hold, which fail, and why which others say nothing.
func (f *focusFile) report(rules []rule) string {
	ids, failed := map[string][]string{}, ""
	for _, r := range rules {
		result := f.check(r)
		if strings.HasPrefix(result, "fails") {
			failed += r.id + " " + result + "\n"
			continue
		}
		ids[result] = append(ids[result], r.id)
	}
	var b strings.Builder
	for _, result := range slices.Sorted(maps.Keys(ids)) {
		fmt.Fprintf(&b, "%3d %s\n", len(ids[result]), result)
		for _, id := range ids[result] {
			if result != "holds" {
				fmt.Fprintf(&b, "      %s\n", id)
			}
		}
	}
	for _, function := range slices.Sorted(maps.Keys(f.unknown)) {
		fmt.Fprintf(&b, "unknown function: %s\n", function)
	}
	return b.String() + failed
}
