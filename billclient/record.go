package billclient

import (
	"fmt"
	"hash/maphash"
	"strings"
)

// lineField is a member of a line whose value is a text.
type lineField struct {
	name   string              // as the API spells it
	target func(*Line) *string // where the text goes; nil if record.readValues decides it
}

// lineFields has every member of a line but the sets, in the order in which the API sends them. JSON, XML and CSV have
// the same ones.
var lineFields = [...]lineField{
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

// lineSets has every set of a line.
var lineSets = [...]struct {
	name   string // as the API spells it
	target func(*Line) *[]KeyValue
}{
	{"ProviderSet", func(l *Line) *[]KeyValue { return &l.Providers }},
	{"ConfigSet", func(l *Line) *[]KeyValue { return &l.Configs }},
	{"ExtraSet", func(l *Line) *[]KeyValue { return &l.Extras }},
	{"TagSet", func(l *Line) *[]KeyValue { return &l.Tags }},
}

// tagSet is the place of TagSet in lineSets.
const tagSet = len(lineSets) - 1

// A member of a line is known by its place in memberNames, which has the names of all fields and then of all sets, in
// lower case. memberPlaces has the place of each name.
var (
	memberNames  = listMemberNames()
	memberPlaces = indexNames(memberNames)
)

func listMemberNames() []string {
	var names []string
	for _, f := range lineFields {
		names = append(names, strings.ToLower(f.name))
	}
	for _, s := range lineSets {
		names = append(names, strings.ToLower(s.name))
	}
	return names
}

func indexNames(names []string) map[string]int {
	places := map[string]int{}
	for i, name := range names {
		places[name] = i
	}
	return places
}

// The members that every line has to have, and the one by which errors name a line.
var (
	fieldNumber   = memberPlaces["detailbillno"]
	fieldMonth    = memberPlaces["billmonth"]
	fieldStatDate = memberPlaces["detailbillstatdate"]
	fieldCost     = memberPlaces["cost"]
	fieldListCost = memberPlaces["measureamount"]
)

// pieceSize is the size of a piece of memory that lines share. It has room for the texts of about twenty lines.
const pieceSize = 8 << 10

// record collects one line after another. It collects all texts of a line in one buffer and then makes a Line of them.
// An allocation for each line would be slow, so the texts of several lines share a piece of memory, and there is one
// Line for all of them; copies of a record would share it as well.
type record struct {
	query       DetailQuery
	daily       bool                      // the line has to have a day
	anyMonth    bool                      // the line may be of any month, whatever the query has
	number      int                       // of the line, from 1
	text        []byte                    // all texts of the line
	spans       [len(lineFields)]textSpan // where in text the fields are
	present     uint64                    // a bit for each member that the line has
	entries     []setEntry                // of all sets
	pieces      strings.Builder           // the piece of memory that the lines made last share
	line        *Line
	targets     [len(lineFields)]*string // the fields of line
	digestInput []byte                   // the input of digest, whose memory the next line uses again
}

func newRecord(q DetailQuery, daily bool) record {
	r := record{query: q, daily: daily, line: &Line{}}
	for i, f := range lineFields {
		if f.target != nil {
			r.targets[i] = f.target(r.line)
		}
	}
	return r
}

// textSpan is a part of a record's text.
type textSpan struct{ from, to int }

// setEntry is an entry of one of lineSets.
type setEntry struct {
	set        int
	key, value textSpan
}

// reset starts with the next line.
func (r *record) reset() {
	r.number++
	r.text, r.present, r.entries = r.text[:0], 0, r.entries[:0]
}

func (r *record) hasMember(member int) bool { return r.present&(1<<member) != 0 }

// markMember records that the line has the member. It fails if the line had it before: neither of two values can be
// trusted.
func (r *record) markMember(member int) error {
	if r.hasMember(member) {
		return errTwice
	}
	r.present |= 1 << member
	return nil
}

// putField sets a field to what text, which begins with the record's text, has beyond it.
func (r *record) putField(field int, text []byte) error {
	if err := r.markMember(field); err != nil {
		return err
	}
	r.spans[field] = r.extendText(text)
	return nil
}

// extendText replaces the record's text by a longer one that begins with it, and returns where the new part is.
func (r *record) extendText(text []byte) textSpan {
	added := textSpan{len(r.text), len(text)}
	r.text = text
	return added
}

// fieldText returns the field's part of text, which is the record's text, and an empty text if the line lacks the
// field.
func (r *record) fieldText(text string, field int) string {
	if !r.hasMember(field) {
		return ""
	}
	return text[r.spans[field].from:r.spans[field].to]
}

// makeLine returns the Line that was collected. It is valid until the next call.
func (r *record) makeLine() (*Line, error) {
	text := r.keepText()
	if err := r.readValues(text); err != nil {
		return nil, err
	}
	for i, target := range r.targets {
		if target != nil {
			*target = r.fieldText(text, i)
		}
	}
	r.line.CustomerID = canonicalNumberID(r.line.CustomerID)
	r.line.ProjectID = canonicalNumberID(r.line.ProjectID)
	r.putSets(text)
	return r.line, nil
}

// digest returns a hash of the line that was collected: of all its members, in the order of lineFields and lineSets.
// It is computed in one go, which is faster than text by text.
func (r *record) digest(seed maphash.Seed) uint64 {
	const endOfText, endOfSet = 0xff, 0xfe // bytes that no text has, because all texts are valid UTF-8
	input := r.digestInput[:0]
	for field, span := range r.spans {
		if r.hasMember(field) {
			input = append(input, r.text[span.from:span.to]...)
		}
		input = append(input, endOfText)
	}
	for set := range lineSets {
		for _, e := range r.entries {
			if e.set == set {
				input = append(append(input, r.text[e.key.from:e.key.to]...), endOfText)
				input = append(append(input, r.text[e.value.from:e.value.to]...), endOfText)
			}
		}
		input = append(input, endOfSet)
	}
	r.digestInput = input
	return maphash.Bytes(seed, input)
}

// keepText returns the record's text as a string that stays valid.
func (r *record) keepText() string {
	if r.pieces.Cap()-r.pieces.Len() < len(r.text) {
		r.pieces.Reset()
		r.pieces.Grow(pieceSize)
	}
	from := r.pieces.Len()
	r.pieces.Write(r.text)
	return r.pieces.String()[from:]
}

// fieldError is what is wrong with a field of a line. Its text is that of err, which names the field.
type fieldError struct {
	field int
	err   error
}

func (f *fieldError) Error() string { return f.err.Error() }
func (f *fieldError) Unwrap() error { return f.err }

// readValues reads the fields that are not texts: month, day and amounts. It fails if an amount is missing or cannot
// be read, and if the month or the day was not asked for.
func (r *record) readValues(text string) (err error) {
	for _, field := range [...]int{fieldCost, fieldListCost} {
		if !r.hasMember(field) {
			return locate(lineFields[field].name, errMissing)
		}
	}
	if r.line.Month, err = r.readMonth(r.fieldText(text, fieldMonth)); err != nil {
		return &fieldError{fieldMonth, err}
	}
	if r.daily {
		if r.line.StatDate, err = parseStatDate(r.fieldText(text, fieldStatDate), r.line.Month); err != nil {
			return err
		}
	}
	if r.line.Cost, err = r.readAmount(text, fieldCost); err == nil {
		r.line.ListCost, err = r.readAmount(text, fieldListCost)
	}
	return err
}

func (r *record) readMonth(text string) (Month, error) {
	if r.anyMonth {
		return ParseMonth(text)
	}
	return parseMonthWithin(text, r.query.From, r.query.To)
}

func (r *record) readAmount(text string, field int) (Amount, error) {
	amount, err := ParseAmount(r.fieldText(text, field))
	if err != nil {
		return amount, &fieldError{field, locate(lineFields[field].name, err)}
	}
	return amount, nil
}

// parseStatDate reads a day as the API wrote it. It fails if the day is not in the month asked for.
func parseStatDate(text string, asked Month) (Day, error) {
	day, err := ParseDay(text)
	if err != nil || day.Month() != asked {
		return 0, classify(Decode, "DetailBillStatDate %q: asked for %v", shorten(text, 60), asked)
	}
	return day, nil
}

// putSets sets the sets of the line. They share one piece of memory.
func (r *record) putSets(text string) {
	for _, s := range lineSets {
		*s.target(r.line) = nil
	}
	if len(r.entries) == 0 {
		return
	}
	all := make([]KeyValue, len(r.entries))
	for i, e := range r.entries {
		all[i] = KeyValue{text[e.key.from:e.key.to], text[e.value.from:e.value.to]}
		set := lineSets[e.set].target(r.line)
		// The entries of a set follow each other.
		*set = all[i-len(*set) : i+1 : i+1]
	}
}

// locateError adds to err the number of the line and, if it was read, its DetailBillNo.
func (r *record) locateError(err error) error {
	place := fmt.Sprintf("line %d", r.number)
	if billNumber := r.fieldText(string(r.text), fieldNumber); billNumber != "" {
		place += fmt.Sprintf(" (%s)", shorten(billNumber, 60))
	}
	return locate(place, err)
}
