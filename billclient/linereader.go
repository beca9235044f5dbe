package billclient

// readLines reads the answer of GetPostpayDetailBill.
func readLines(r *reply, q DetailQuery, emit func(*Line) error) error {
	return r.items("PostpayDetailBillSet", newLineReader(newRecord(q, false), emit).item)
}

// lineReader reads lines from a document.
type lineReader struct {
	record
	emit func(*Line) error
	d    document
	last int // the member read last
	set  int // which one is being read

	onMember, onPair, onPairMember func(name []byte) error
}

func newLineReader(r record, emit func(*Line) error) *lineReader {
	l := &lineReader{record: r, emit: emit}
	// Made once, so that a line costs no memory for them.
	l.onMember, l.onPair, l.onPairMember = l.member, l.pair, l.pairMember
	return l
}

func (l *lineReader) item(d document, _ int) error {
	l.next()
	l.d, l.last = d, -1
	if err := each(d, l.onMember); err != nil {
		return l.at(err)
	}
	line, err := l.line()
	if err != nil {
		return l.at(err)
	}
	return l.emit(line)
}

func (l *lineReader) member(name []byte) error {
	member, known := l.memberOf(name)
	if !known {
		return l.d.skip()
	}
	l.last = member
	if member >= len(fields) {
		return l.readSet(member)
	}
	text, err := l.d.value(l.text, nil)
	if err == nil {
		err = l.put(member, text)
	}
	return at(fields[member].name, err)
}

// memberOf looks a member up: it usually is the one after the last, or the one after that, since lines of bills and of
// consumption have a field each that the others have not.
func (l *lineReader) memberOf(name []byte) (member int, known bool) {
	for next := l.last + 1; next <= l.last+2 && next < len(memberNames); next++ {
		if memberNames[next] == string(name) {
			return next, true
		}
	}
	member, known = members[string(name)]
	return member, known
}

func (l *lineReader) readSet(member int) error {
	l.set = member - len(fields)
	if !l.query.wants(l.set) {
		return l.d.skip()
	}
	err := l.mark(member)
	if err == nil {
		err = each(l.d, l.onPair)
	}
	return at(sets[l.set].name, err)
}

func (l *lineReader) pair([]byte) error {
	l.pairs = append(l.pairs, pair{set: l.set})
	return each(l.d, l.onPairMember)
}

func (l *lineReader) pairMember(name []byte) error {
	p := &l.pairs[len(l.pairs)-1]
	var part *span
	switch string(name) {
	case "key":
		part = &p.key
	case "value":
		part = &p.value
	default:
		return l.d.skip()
	}
	text, err := l.d.value(l.text, nil)
	if err == nil {
		*part = l.grow(text)
	}
	return err
}
