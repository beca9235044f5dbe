package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/big"
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
	t       *testing.T
	columns map[string]int
	rows    [][]string
	unknown map[string]bool // functions that are not known
}

func newFocusFile(t *testing.T, text string) *focusFile {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	f := &focusFile{t: t, columns: map[string]int{}, rows: rows[1:], unknown: map[string]bool{}}
	for i, name := range rows[0] {
		f.columns[name] = i
	}
	return f
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

// Every rule that applies holds, without an exception, of what is exported of the demo, and of refunds, corrections
// and lines that lack nearly everything. What is not checked is counted by its reason. Without InvoiceId there is
// nothing to be said of InvoiceId-C-004-C and -005-C: the model has lost their conditions, so that one always fails.
func TestFocusRules(t *testing.T) {
	bills := billOf(october()...)
	bills["2026-11"] = bills["2026-10"]
	november := month(t, "2026-11")
	files := map[string]string{}
	synctest.Test(t, func(t *testing.T) {
		files["closed"] = runModes(t, noon, newModesAPI(bills), Options{Format: FormatFocusCSV}).out
	})
	synctest.Test(t, func(t *testing.T) {
		o := Options{Format: FormatFocusCSV, Month: november}
		files["running"] = runModes(t, noon, newModesAPI(bills), o).out
	})
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api := billsim.New(billsim.Demo(time.Now), billsim.WithKeptPages())
		keys := strings.NewReplacer("AKLTMAIN", "DEMOGAMEACCESSKEY", "s3cret-main", "demo-game-secret-key")
		o := Options{Format: FormatFocusCSV, FocusVersion: Focus12}
		files["demo"] = runExport(t.Context(), t, api, t.TempDir(), keys.Replace(oneAccount), o).out
	})
	synctest.Test(t, func(t *testing.T) {
		api := newModesAPI(bills)
		denied := billsim.Refuse(billsim.JSONError, 400, "Forbidden Request", "no")
		denied.Action = billclient.QueryItemBills
		api.Fault(denied)
		files["without items"] = runModes(t, noon, api, Options{Format: FormatFocusCSV}).out
	})
	rules := readRules(t)
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			f := newFocusFile(t, text)
			for _, r := range consumedRules {
				if result := f.check(r); result != "holds" {
					t.Errorf("%s: %s", r.id, result)
				}
			}
			if f.rows == nil || name == "demo" && len(f.rows) < 300 {
				t.Errorf("%d rows", len(f.rows))
			}
			compareFile(t, "focus_rules.txt", f.report(rules))
		})
	}
}

// report returns how many rules hold, which fail, and why how many others say nothing.
func (f *focusFile) report(rules []rule) string {
	counts, failed := map[string]int{}, ""
	for _, r := range rules {
		result := f.check(r)
		if strings.HasPrefix(result, "fails") {
			failed += r.id + " " + result + "\n"
			continue
		}
		counts[result]++
	}
	var b strings.Builder
	for _, result := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "%3d %s\n", counts[result], result)
	}
	for _, function := range slices.Sorted(maps.Keys(f.unknown)) {
		fmt.Fprintf(&b, "unknown function: %s\n", function)
	}
	return b.String() + failed
}
