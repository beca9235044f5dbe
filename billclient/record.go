package billclient

import (
	"fmt"
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// lineField is a member of a line whose value is a text.
type lineField struct {
	name   string              // as the API spells it
	target func(*Line) *string // where the text goes; nil if record.readValues decides it
	isOwn  bool                // hardly two lines have the same text
}

// lineFields has every member of a line but the sets, in the order in which the API sends them. JSON, XML and CSV have
// the same ones.
var lineFields = [...]lineField{
	{"DetailBillNo", func(l *Line) *string { return &l.DetailBillNo }, true},
	{"BillMonth", nil, false},
	{"CustomerId", func(l *Line) *string { return &l.CustomerID }, false},
	{"DetailBillStatDate", nil, false},
	{"DetailBillStartTime", func(l *Line) *string { return &l.StartTime }, false},
	{"DetailBillEndTime", func(l *Line) *string { return &l.EndTime }, false},
	{"ProductCode", func(l *Line) *string { return &l.ProductCode }, false},
	{"ProductName", func(l *Line) *string { return &l.ProductName }, false},
	{"ProductSubTypeName", func(l *Line) *string { return &l.ProductSubTypeName }, false},
	{"InstanceId", func(l *Line) *string { return &l.InstanceID }, true},
	{"InstanceName", func(l *Line) *string { return &l.InstanceName }, true},
	{"Cost", nil, true},
	{"ServiceStartTime", func(l *Line) *string { return &l.ServiceStartTime }, false},
	{"BillType", func(l *Line) *string { return &l.BillingMode }, false},
	{"BillDays", func(l *Line) *string { return &l.BillDays }, false},
	{"BillHours", func(l *Line) *string { return &l.BillHours }, false},
	{"RegionName", func(l *Line) *string { return &l.RegionName }, false},
	{"ZoneName", func(l *Line) *string { return &l.ZoneName }, false},
	{"RuleRemark", func(l *Line) *string { return &l.RuleRemark }, false},
	{"MeasureAmount", nil, true},
	{"Discount", func(l *Line) *string { return &l.Discount }, false},
	{"ProjectId", func(l *Line) *string { return &l.ProjectID }, false},
	{"ProjectName", func(l *Line) *string { return &l.ProjectName }, false},
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

// The members that every line has to have, the one by which errors name a line, and those that are ids.
var (
	fieldNumber   = memberPlaces["detailbillno"]
	fieldMonth    = memberPlaces["billmonth"]
	fieldStatDate = memberPlaces["detailbillstatdate"]
	fieldCost     = memberPlaces["cost"]
	fieldListCost = memberPlaces["measureamount"]
	fieldCustomer = memberPlaces["customerid"]
	fieldProject  = memberPlaces["projectid"]
)

// pieceSize is the size of a piece of memory that lines share. It has room for the texts of about eighty lines.
const pieceSize = 8 << 10

// record collects one line after another. Most texts of a line are those of the line before, so it changes only what
// differs in the one Line that it makes. Texts of several lines share a piece of memory, because an allocation for each
// would be slow. Copies of a record would share the piece and the Line as well.
type record struct {
	query       DetailQuery
	daily       bool                    // the line has to have a day
	anyMonth    bool                    // the line may be of any month, whatever the query has
	number      int                     // of the line, from 1
	fields      [len(lineFields)]string // the last text of each
	known       *knownTexts
	present     uint64          // a bit for each member that the line has
	entries     []setEntry      // of all sets
	piece       strings.Builder // that has the texts kept last
	line        *Line
	targets     [len(lineFields)]*string // the fields of line
	inLine      uint64                   // a bit for each field that line has
	stale       uint64                   // a bit for each field whose text in line is another
	staleSets   bool                     // line may have other sets
	digestInput []byte                   // the input of digest, whose memory the next line uses again
}

func newRecord(q DetailQuery, daily bool) record {
	r := record{query: q, daily: daily, line: &Line{}, known: newKnownTexts()}
	for i, f := range lineFields {
		if f.target != nil {
			r.targets[i] = f.target(r.line)
		}
	}
	return r
}

// setEntry is an entry of one of lineSets.
type setEntry struct {
	set        int
	key, value string
}

// part returns the part of an entry that has a name in lower case, nil if none has.
func (e *setEntry) part(name string) *string {
	switch name {
	case "key":
		return &e.key
	case "value":
		return &e.value
	default:
		return nil
	}
}

// reset starts with the next line.
func (r *record) reset() {
	r.present, r.entries, r.staleSets = 0, r.entries[:0], true
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

// putField sets the text of a field.
func (r *record) putField(field int, text []byte) {
	switch {
	case r.fields[field] == string(text):
	case lineFields[field].isOwn:
		r.setField(field, r.keep(text))
	default:
		r.setField(field, r.keepKnown(text))
	}
}

// setField sets a field to a text that is kept.
func (r *record) setField(field int, text string) {
	r.fields[field] = text
	r.stale |= 1 << field
}

// fieldText returns the text of a field, and an empty text if the line lacks the field.
func (r *record) fieldText(field int) string {
	if !r.hasMember(field) {
		return ""
	}
	return r.fields[field]
}

var quote = []byte{'"'}

// keepKnown does what keep does for a text that comes again and again, and keeps it only once.
func (r *record) keepKnown(text []byte) string {
	if len(text) > maxKnown {
		return r.keep(text)
	}
	place := r.known.place(text)
	if *place != string(text) {
		*place = r.keep(text)
	}
	return *place
}

// keep returns a copy of a text for good, with bytes that are not UTF-8 replaced by U+FFFD.
func (r *record) keep(text []byte) string {
	if !utf8.Valid(text) {
		text = jsonString{raw: slices.Concat(quote, text, quote), beyondASCII: true}.appendText(nil)
	}
	if r.piece.Cap()-r.piece.Len() < len(text) {
		r.piece.Reset()
		r.piece.Grow(max(pieceSize, len(text)))
	}
	from := r.piece.Len()
	r.piece.Write(text)
	return r.piece.String()[from:]
}

// makeLine returns the Line that was collected. It is valid until the next call.
func (r *record) makeLine() (*Line, error) {
	r.stale |= (r.present ^ r.inLine) & (1<<len(lineFields) - 1)
	if err := r.readValues(); err != nil {
		return nil, err
	}
	for left := r.stale; left != 0; left &= left - 1 {
		field := bits.TrailingZeros64(left)
		if target := r.targets[field]; target != nil {
			*target = r.fieldText(field)
		}
	}
	for _, id := range [...]int{fieldCustomer, fieldProject} {
		if r.isStale(id) {
			*r.targets[id] = canonicalNumberID(*r.targets[id])
		}
	}
	if r.staleSets {
		r.putSets()
	}
	r.inLine, r.stale, r.staleSets = r.present, 0, false
	return r.line, nil
}

func (r *record) isStale(field int) bool { return r.stale&(1<<field) != 0 }

// digest returns a hash of the line that was collected: of all its members, in the order of lineFields and lineSets.
// It is computed in one go, which is faster than text by text.
func (r *record) digest(seed maphash.Seed) uint64 {
	const endOfText, endOfSet = 0xff, 0xfe // bytes that no text has, because all texts are valid UTF-8
	input := r.digestInput[:0]
	for field := range r.fields {
		input = append(append(input, r.fieldText(field)...), endOfText)
	}
	for set := range lineSets {
		for _, e := range r.entries {
			if e.set == set {
				input = append(append(input, e.key...), endOfText)
				input = append(append(input, e.value...), endOfText)
			}
		}
		input = append(input, endOfSet)
	}
	r.digestInput = input
	return maphash.Bytes(seed, input)
}

// fieldError is what is wrong with a field of a line. Its text is that of err, which names the field.
type fieldError struct {
	field int
	err   error
}

func (f *fieldError) Error() string { return f.err.Error() }
func (f *fieldError) Unwrap() error { return f.err }

// readValues reads the fields that are not texts, where they are not those of the line before: month, day and amounts.
// It fails if an amount is missing or cannot be read, and if the month or the day was not asked for.
func (r *record) readValues() error {
	for _, field := range [...]int{fieldCost, fieldListCost} {
		if !r.hasMember(field) {
			return locate(lineFields[field].name, errMissing)
		}
	}
	if err := r.readPeriod(); err != nil {
		return err
	}
	if err := r.readAmount(fieldCost, &r.line.Cost); err != nil {
		return err
	}
	return r.readAmount(fieldListCost, &r.line.ListCost)
}

func (r *record) readPeriod() (err error) {
	if r.isStale(fieldMonth) || r.line.Month == 0 {
		if r.line.Month, err = r.readMonth(r.fieldText(fieldMonth)); err != nil {
			return &fieldError{fieldMonth, err}
		}
	}
	if r.daily && (r.isStale(fieldMonth) || r.isStale(fieldStatDate) || r.line.StatDate == 0) {
		r.line.StatDate, err = parseStatDate(r.fieldText(fieldStatDate), r.line.Month)
	}
	return err
}

func (r *record) readMonth(text string) (Month, error) {
	if r.anyMonth {
		return ParseMonth(text)
	}
	return parseMonthWithin(text, r.query.From, r.query.To)
}

func (r *record) readAmount(field int, amount *Amount) (err error) {
	if !r.isStale(field) {
		return nil
	}
	if *amount, err = ParseAmount(r.fieldText(field)); err != nil {
		return &fieldError{field, locate(lineFields[field].name, err)}
	}
	return nil
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
func (r *record) putSets() {
	for _, s := range lineSets {
		*s.target(r.line) = nil
	}
	if len(r.entries) == 0 {
		return
	}
	all := make([]KeyValue, len(r.entries))
	for i, e := range r.entries {
		all[i] = KeyValue{e.key, e.value}
		set := lineSets[e.set].target(r.line)
		// The entries of a set follow each other.
		*set = all[i-len(*set) : i+1 : i+1]
	}
}

// locateError adds to err the number of the line and, if it was read, its DetailBillNo.
func (r *record) locateError(err error) error {
	place := fmt.Sprintf("line %d", r.number)
	if billNumber := r.fieldText(fieldNumber); billNumber != "" {
		place += fmt.Sprintf(" (%s)", shorten(billNumber, 60))
	}
	return locate(place, err)
}
