package billclient

import (
	"bytes"
	"cmp"
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

	// The sets can be empty. Where the API has texts such as "key: value" in place of pairs, one without a value is a
	// Key.
	Providers []KeyValue
	Configs   []KeyValue
	Extras    []KeyValue
	Tags      []KeyValue
}

// Term returns the first and the last day of what the line is for. If StartTime and EndTime do not say, ok is false.
func (l UnionLine) Term() (first, last Day, ok bool) { return parseTerm(l.StartTime, l.EndTime) }

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

// readPairs returns the pairs of a set. Its elements are objects with a key and a value, or texts that have both. No
// page documents which, and no amount depends on it, so what cannot be understood is left out.
func readPairs(x *nodeReader, name string) (pairs []KeyValue) {
	child := x.findChild(name)
	if child == nil {
		return nil
	}
	set := parseNested(nodeReader{node: *child, builder: x.builder})
	if len(set.node.children) == 0 { // one text for all, as in GetPostpayDetailBillCSV
		for part := range bytes.SplitSeq(set.node.text, []byte("|")) {
			pairs = appendPair(pairs, nodeReader{node: node{shape: set.node.shape, text: part}})
		}
		return pairs
	}
	for _, element := range set.node.children {
		pairs = appendPair(pairs, nodeReader{node: element, builder: set.builder})
	}
	return pairs
}

// parseNested returns the object or list that the text of a node has in JSON, else the node.
func parseNested(x nodeReader) nodeReader {
	text := bytes.TrimSpace(x.node.text)
	if !bytes.HasPrefix(text, []byte("{")) && !bytes.HasPrefix(text, []byte("[")) {
		return x
	}
	parsed, err := readNode(newJSON(bytes.NewReader(text)))
	if err != nil {
		return x
	}
	return nodeReader{node: parsed}
}

// appendPair appends the pair that an element of a set has, if it has one.
func appendPair(pairs []KeyValue, element nodeReader) []KeyValue {
	x, pair := parseNested(element), KeyValue{}
	if len(x.node.children) == 0 {
		pair = splitPair(x.builder.keepText(&x.node), pairSeparators)
	} else {
		pair = KeyValue{x.firstText("Key", "tagKey", "Name", "Code"), x.firstText("Value", "tagValue")}
	}
	if pair.Key == "" {
		return pairs
	}
	return append(pairs, pair)
}
