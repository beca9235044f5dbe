package billclient

// lineSet is the name of the set in which both actions answer with lines.
const lineSet = "PostpayDetailBillSet"

// readLines reads the answer of GetPostpayDetailBill.
func readLines(r *response, q DetailQuery, emit func(*Line) error) error {
	return readItems(r, lineSet, newLineReader(newRecord(q, false), emit).readItem)
}

// lineReader reads lines from a document.
type lineReader struct {
	record
	emit       func(*Line) error
	document   document
	lastMember int    // the member that was read last, -1 before the first
	set        int    // the set that is being read
	text       []byte // that was read last
	earlier    linePattern

	onMember, onEntry, onEntryMember func(name []byte) error
}

func newLineReader(r record, emit func(*Line) error) *lineReader {
	l := &lineReader{record: r, emit: emit}
	// The method values are made once, because each of them is an allocation.
	l.onMember, l.onEntry, l.onEntryMember = l.readMember, l.readEntry, l.readEntryMember
	return l
}

// readItem reads a line, an element of the set, and hands it to emit.
func (l *lineReader) readItem(d document, _ int) error {
	line, err := l.readLine(d)
	if err != nil {
		return l.locateError(err)
	}
	return l.emit(line)
}

func (l *lineReader) readLine(d document) (*Line, error) {
	l.number++
	json, isJSON := d.(*jsonDocument) // lines in the other notation have no patterns
	if !isJSON {
		return l.readMembers(d)
	}
	if l.matchPattern(json) {
		return l.makeLine()
	}
	begin := json.offset()
	line, err := l.readMembers(d)
	if err == nil {
		l.learnPattern(json.since(begin))
	}
	return line, err
}

func (l *lineReader) readMembers(d document) (*Line, error) {
	l.reset()
	l.earlier.hasOther = true
	l.document, l.lastMember = d, -1
	if err := readChildren(d, l.onMember); err != nil {
		return nil, err
	}
	return l.makeLine()
}

func (l *lineReader) readMember(name []byte) error {
	member, ok := l.findMember(name)
	if !ok {
		return l.document.skipValue()
	}
	l.lastMember = member
	if member >= len(lineFields) {
		return l.readSet(member)
	}
	text, err := l.document.readValue(l.text[:0], nil)
	if err == nil {
		err = l.markMember(member)
	}
	if err != nil {
		return locate(lineFields[member].name, err)
	}
	l.text = text
	l.putField(member, text)
	return nil
}

// findMember returns the member that has a name. It tries the next two members first, because the API sends them in
// order, and lines of bills and of consumption have a field each that the others lack.
func (l *lineReader) findMember(name []byte) (member int, ok bool) {
	for next := l.lastMember + 1; next <= l.lastMember+2 && next < len(memberNames); next++ {
		if memberNames[next] == string(name) {
			return next, true
		}
	}
	member, ok = memberPlaces[string(name)]
	return member, ok
}

func (l *lineReader) readSet(member int) error {
	l.set = member - len(lineFields)
	if !l.query.readsSet(l.set) {
		return l.document.skipValue()
	}
	err := l.markMember(member)
	if err == nil {
		err = readChildren(l.document, l.onEntry)
	}
	return locate(lineSets[l.set].name, err)
}

func (l *lineReader) readEntry([]byte) error {
	l.entries = append(l.entries, setEntry{set: l.set})
	return readChildren(l.document, l.onEntryMember)
}

func (l *lineReader) readEntryMember(name []byte) error {
	part := l.entries[len(l.entries)-1].part(string(name))
	if part == nil {
		return l.document.skipValue()
	}
	text, err := l.document.readValue(l.text[:0], nil)
	if err == nil {
		l.text = text
		*part = l.keepKnown(text)
	}
	return err
}
