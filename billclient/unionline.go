package billclient

import (
	"cmp"
	"slices"
	"strings"
)

// UnionLine is what an instance cost in one pay mode, on a day (QueryInstanceConsume) or in a month
// (DescribeInstanceSummaryBills). All texts but the ids of customers, projects, product groups and types are as the API
// sent them. Lines can be negative: refunds, cancellations and adjustments.
type UnionLine struct {
	BillNo           string // may be empty
	Day              Day    // zero in lines of a month
	Month            Month  // that was asked for
	CustomerID       string // as Line.CustomerID; empty in lines of a month
	PayMode          string // Prepaid, Realtime or Postpaid; a line that costs nothing can have another word, or none
	BillingMode      string // display text
	ProductGroupID   string // as ProductGroup.ID; empty in lines of a month
	ProductGroupName string
	ProductTypeID    string // empty in lines of a month
	ProductTypeName  string
	InstanceID       string
	InstanceName     string
	Cost             Amount // what is paid: after the discount
	ListCost         Amount // before the discount; Cost where the API does not state it
	StartTime        string // of what the line is for: of the term of a prepaid line. See Term
	EndTime          string
	ServiceStartTime string
	RegionCode       string
	RegionName       string
	ZoneName         string
	ProjectID        string // as Line.ProjectID; empty in lines of a month
	ProjectName      string
	Remark           string

	// The sets can be empty, and those of postpaid lines always are: the service bill has them. Where the API has texts
	// such as "key: value" in place of pairs, one without a value is a Key.
	Providers []KeyValue
	Configs   []KeyValue
	Extras    []KeyValue
	Tags      []KeyValue
}

// Term returns the first and the last day of what the line is for. If StartTime and EndTime do not say, ok is false.
func (l UnionLine) Term() (first, last Day, ok bool) { return parseTerm(l.StartTime, l.EndTime) }

// UnionSets says which sets of lines to read. A set that is not read costs little time.
type UnionSets struct {
	Tags bool // UnionLine.Tags
	All  bool // UnionLine.Providers, Configs, Extras and Tags
}

// readPayMode reads the pay mode of a row that costs something from the fields that may have it. They must not name
// two modes, and one of them has to name one that is known: a line of an unknown one can be postpaid under another
// name, and what the service bill has would count twice.
func readPayMode(x *nodeReader, cost Amount, fields ...string) string {
	known, other, otherField := "", "", fields[0]
	for _, field := range fields {
		mode := parsePayMode(x.text(field))
		switch {
		case IsPayMode(mode) && known != "" && known != mode:
			x.keep(classify(Decode, "%s %q: %s is %s", field, shorten(x.text(field), 60), fields[0], known))
		case IsPayMode(mode):
			known = mode
		case mode != "":
			other, otherField = mode, field
		}
	}
	switch {
	case known != "" || cost.Sign() == 0:
		return cmp.Or(known, other)
	case other == "":
		x.fail(otherField, errMissing)
	default:
		x.keep(classify(Decode, "%s %q is not known", otherField, shorten(x.text(otherField), 60)))
	}
	return other
}

// readCosts reads the two amounts of a line.
func (l *UnionLine) readCosts(x *nodeReader, cost, listCost string) {
	l.Cost = x.amount(cost)
	l.ListCost = l.Cost
	if amount, ok := x.optionalAmount(listCost); ok {
		l.ListCost = amount
	}
}

// pairSeparators are what may stand between a key and a value in one text.
const pairSeparators = ":=："

// foundSets are the sets that a row has: Providers, Configs, Extras and Tags of its line.
type foundSets [4]node

// findSets returns the sets of these names.
func findSets(x *nodeReader, names ...string) (sets foundSets) {
	for i, name := range names {
		sets[i] = x.findChild(name)
	}
	return sets
}

// readSets reads those sets of a line that are wanted. The pay mode of the line has to be known.
func (l *UnionLine) readSets(found foundSets, wanted UnionSets) {
	for i, target := range [...]*[]KeyValue{&l.Providers, &l.Configs, &l.Extras, &l.Tags} {
		isWanted := wanted.All || wanted.Tags && target == &l.Tags
		if isWanted && !found[i].isMissing() && l.PayMode != Postpaid {
			*target = readPairs(found[i])
		}
	}
}

// readPairs returns the pairs of a set. Its elements are objects with a key and a value, or texts that have both. No
// page documents which, and no amount depends on it, so what cannot be understood is left out.
func readPairs(set node) []KeyValue {
	if nested := parseNested(set.keepText()); !nested.isMissing() {
		set = nested
	}
	elements, _ := set.children()
	pairs := make([]KeyValue, 0, len(elements))
	for _, element := range elements {
		pairs = append(pairs, readPair(element))
	}
	if len(elements) == 0 { // one text for all, as in GetPostpayDetailBillCSV
		for part := range strings.SplitSeq(set.keepText(), "|") {
			pairs = append(pairs, parsePair(part))
		}
	}
	pairs = slices.DeleteFunc(pairs, func(pair KeyValue) bool { return pair.Key == "" })
	if len(pairs) == 0 {
		return nil
	}
	return pairs
}

// readPair returns the pair that an element of a set has, the zero KeyValue if it has none.
func readPair(element node) KeyValue {
	if !element.hasChildren() {
		return parsePair(element.keepText())
	}
	x := nodeReader{node: element}
	return KeyValue{x.firstText("Key", "tagKey", "Name", "Code"), x.firstText("Value", "tagValue")}
}

// parsePair does what readPair does for a text.
func parsePair(text string) KeyValue {
	if nested := parseNested(text); !nested.isMissing() {
		return readPair(nested)
	}
	return splitPair(text, pairSeparators)
}

// parseNested returns the object or the list that a text has in JSON, if it has one.
func parseNested(text string) node {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return node{}
	}
	parsed, err := readNode(newJSON(strings.NewReader(text)))
	if err != nil {
		return node{}
	}
	return parsed
}
