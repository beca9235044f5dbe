package billclient

import (
	"fmt"
	"strings"
)

// field is a member of a line that has a text in it.
type field struct {
	name string              // as the API spells it
	of   func(*Line) *string // where the text goes; nil if that is for record.check to say
}

// fields is every field of a line but the sets, for JSON, XML and CSV alike, in the order in which the API sends them.
var fields = [...]field{
	{"DetailBillNo", func(l *Line) *string { return &l.DetailBillNo }},
	{"BillMonth", nil},
	{"CustomerId", func(l *Line) *string { return &l.CustomerID }},
	{"DetailBillStatDate", nil},
	{"DetailBillStartTime", func(l *Line) *string { return &l.StartTime }},
	{"DetailBillEndTime", func(l *Line) *string { return &l.EndTime }},
	{"ProductCode", func(l *Line) *string { return &l.ProductCode }},
	{"ProductName", func(l *Line) *string { return &l.ProductName }},
	{"ProductSubTypeName", func(l *Line) *string { return &l.ProductSubTypeName }},
	{"InstanceId", func(l *Line) *string { return &l.InstanceID }},
	{"InstanceName", func(l *Line) *string { return &l.InstanceName }},
	{"Cost", nil},
	{"ServiceStartTime", func(l *Line) *string { return &l.ServiceStartTime }},
	{"BillType", func(l *Line) *string { return &l.BillingMode }},
	{"BillDays", func(l *Line) *string { return &l.BillDays }},
	{"BillHours", func(l *Line) *string { return &l.BillHours }},
	{"RegionName", func(l *Line) *string { return &l.RegionName }},
	{"ZoneName", func(l *Line) *string { return &l.ZoneName }},
	{"RuleRemark", func(l *Line) *string { return &l.RuleRemark }},
	{"MeasureAmount", nil},
	{"Discount", func(l *Line) *string { return &l.Discount }},
	{"ProjectId", func(l *Line) *string { return &l.ProjectID }},
	{"ProjectName", func(l *Line) *string { return &l.ProjectName }},
}

// sets is every set of a line, with where it goes.
var sets = [...]struct {
	name string
	of   func(*Line) *[]KeyValue
}{
	{"ProviderSet", func(l *Line) *[]KeyValue { return &l.Providers }},
	{"ConfigSet", func(l *Line) *[]KeyValue { return &l.Configs }},
	{"ExtraSet", func(l *Line) *[]KeyValue { return &l.Extras }},
	{"TagSet", func(l *Line) *[]KeyValue { return &l.Tags }},
}

const setTags = len(sets) - 1

// memberNames has the names of all fields and, behind them, of all sets, in lower case; members has their places in it.
var (
	memberNames = namesOfMembers()
	members     = placesOf(memberNames)
)

func namesOfMembers() []string {
	var names []string
	for _, f := range fields {
		names = append(names, strings.ToLower(f.name))
	}
	for _, s := range sets {
		names = append(names, strings.ToLower(s.name))
	}
	return names
}

func placesOf(names []string) map[string]int {
	places := map[string]int{}
	for i, name := range names {
		places[name] = i
	}
	return places
}

// What every line has to have, and what errors name it by.
var (
	fieldNo       = members["detailbillno"]
	fieldMonth    = members["billmonth"]
	fieldStatDate = members["detailbillstatdate"]
	fieldCost     = members["cost"]
	fieldListCost = members["measureamount"]
)

// pieceSize is enough for the texts of some twenty lines.
const pieceSize = 8 << 10

// record collects one line: all texts in one piece of memory that the next line uses again. A copy of it would fill
// the same Line.
type record struct {
	query DetailQuery
	daily bool // the line has to have a day
	n     int  // the line's number, from 1
	text  []byte
	spans [len(fields)]span
	seen  uint64 // a bit for each member that the line has
	pairs []pair
	kept  strings.Builder      // what lines were made of: a piece of memory for each of them would be dear
	made  *Line                // one for all lines, for the same reason
	texts [len(fields)]*string // made's fields
}

func newRecord(q DetailQuery, daily bool) record {
	r := record{query: q, daily: daily, made: &Line{}}
	for i, f := range fields {
		if f.of != nil {
			r.texts[i] = f.of(r.made)
		}
	}
	return r
}

// span is a part of a record's text.
type span struct{ from, to int }

type pair struct {
	set        int
	key, value span
}

// next empties the record for the next line.
func (r *record) next() {
	r.n++
	r.text, r.seen, r.pairs = r.text[:0], 0, r.pairs[:0]
}

func (r *record) has(member int) bool { return r.seen&(1<<member) != 0 }

// mark takes down that the line has the member. One that comes twice has no value that could be trusted.
func (r *record) mark(member int) error {
	if r.has(member) {
		return errTwice
	}
	r.seen |= 1 << member
	return nil
}

// put gives a field its value: what text has beyond the record's text.
func (r *record) put(field int, text []byte) error {
	if err := r.mark(field); err != nil {
		return err
	}
	r.spans[field] = r.grow(text)
	return nil
}

// grow takes over a longer text and returns what is new of it.
func (r *record) grow(text []byte) span {
	s := span{len(r.text), len(text)}
	r.text = text
	return s
}

// of returns the field's part of the record's text.
func (r *record) of(text string, field int) string {
	if !r.has(field) {
		return ""
	}
	return text[r.spans[field].from:r.spans[field].to]
}

// line makes a Line of what was collected. It is valid until the next one.
func (r *record) line() (*Line, error) {
	text := r.keep()
	if err := r.check(text); err != nil {
		return nil, err
	}
	for i, into := range r.texts {
		if into != nil {
			*into = r.of(text, i)
		}
	}
	r.putPairs(text)
	return r.made, nil
}

// keep returns the record's text as a string.
func (r *record) keep() string {
	if r.kept.Cap()-r.kept.Len() < len(r.text) {
		r.kept.Reset()
		r.kept.Grow(pieceSize)
	}
	from := r.kept.Len()
	r.kept.Write(r.text)
	return r.kept.String()[from:]
}

// check takes what can be wrong with a line: an amount may be missing or none, the month or the day not asked for.
func (r *record) check(text string) (err error) {
	for _, i := range [...]int{fieldCost, fieldListCost} {
		if !r.has(i) {
			return at(fields[i].name, errMissing)
		}
	}
	if r.made.Month, err = checkMonth(r.of(text, fieldMonth), r.query.From, r.query.To); err != nil {
		return err
	}
	if r.daily {
		if r.made.StatDate, err = checkStatDate(r.of(text, fieldStatDate), r.made.Month); err != nil {
			return err
		}
	}
	if r.made.Cost, err = ParseAmount(r.of(text, fieldCost)); err != nil {
		return at(fields[fieldCost].name, err)
	}
	r.made.ListCost, err = ParseAmount(r.of(text, fieldListCost))
	return at(fields[fieldListCost].name, err)
}

// checkStatDate fails if a day of an answer is not in the month asked for. text is the day as the API wrote it.
func checkStatDate(text string, asked Month) (Day, error) {
	day, err := ParseDay(text)
	if err != nil || day.Month() != asked {
		return 0, because(Decode, "DetailBillStatDate %q: asked for %v", shorten(text, 60), asked)
	}
	return day, nil
}

// putPairs shares one piece of memory between all sets of the line.
func (r *record) putPairs(text string) {
	for _, s := range sets {
		*s.of(r.made) = nil
	}
	if len(r.pairs) == 0 {
		return
	}
	all := make([]KeyValue, len(r.pairs))
	for i, p := range r.pairs {
		all[i] = KeyValue{text[p.key.from:p.key.to], text[p.value.from:p.value.to]}
		set := sets[p.set].of(r.made)
		// The pairs of a set stand one after the other.
		*set = all[i-len(*set) : i+1 : i+1]
	}
}

// at says in which line an error is: by its number, and its DetailBillNo if that is known.
func (r *record) at(err error) error {
	where := fmt.Sprintf("line %d", r.n)
	if no := r.of(string(r.text), fieldNo); no != "" {
		where += fmt.Sprintf(" (%s)", shorten(no, 60))
	}
	return at(where, err)
}
