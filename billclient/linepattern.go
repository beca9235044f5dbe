package billclient

import "slices"

// linePattern is the pattern of a line, and what the record has of that line.
type linePattern struct {
	pattern
	places  []linePlace // of the slots
	texts   []string    // likewise
	entries []setEntry
	present uint64

	changed  []int // the slots for which the record has another text than that line
	hasOther bool  // the record has a line of another pattern
	learned  int   // how many patterns were learned
	matched  int   // how many lines had one of them
}

// linePlace is where the text of a slot belongs.
type linePlace struct {
	field int    // -1: into none
	entry int    // its number among all entries of sets; -1: into none
	part  string // of the entry
}

var noPlace = linePlace{field: -1, entry: -1}

// matchPattern reads the next line if it has the pattern, and reports whether it has.
func (l *lineReader) matchPattern(d *jsonDocument) bool {
	p := &l.earlier
	answer := d.match(&p.pattern)
	if answer == nil {
		return false
	}
	p.matched++
	if p.hasOther {
		l.restoreLine()
	}
	l.restoreChanged()
	for _, c := range p.changes {
		l.changeText(c.slot, answer[c.from:c.to])
	}
	return true
}

// restoreLine makes the record have the line of the pattern.
func (l *lineReader) restoreLine() {
	p := &l.earlier
	l.reset()
	l.present, l.entries = p.present, append(l.entries, p.entries...)
	for slot := range p.slots {
		l.restoreText(slot)
	}
	p.changed, p.hasOther = p.changed[:0], false
}

// restoreChanged makes the texts of slots that were changed those of the pattern, unless they change again.
func (l *lineReader) restoreChanged() {
	p, next := &l.earlier, 0
	for _, slot := range p.changed {
		for next < len(p.changes) && p.changes[next].slot < slot {
			next++
		}
		if next == len(p.changes) || p.changes[next].slot > slot {
			l.restoreText(slot)
		}
	}
	p.changed = p.changed[:0]
}

func (l *lineReader) restoreText(slot int) {
	switch place, text := l.earlier.places[slot], l.earlier.texts[slot]; {
	case place.field >= 0:
		l.setField(place.field, text)
	case place.entry >= 0:
		l.putEntry(place, text)
	}
}

func (l *lineReader) changeText(slot int, text []byte) {
	switch place := l.earlier.places[slot]; {
	case place.field >= 0:
		l.putField(place.field, text)
	case place.entry >= 0:
		l.putEntry(place, l.keepKnown(text))
	default:
		return
	}
	l.earlier.changed = append(l.earlier.changed, slot)
}

func (l *lineReader) putEntry(place linePlace, text string) {
	*l.entries[place.entry].part(place.part) = text
	l.staleSets = true
}

// learnPattern learns the pattern of the line that the record has, from its bytes. Where hardly two lines have one
// pattern, it gives up after some tries.
func (l *lineReader) learnPattern(line []byte) {
	p := &l.earlier
	if line == nil || p.learned > 8+p.matched/4 {
		return
	}
	p.learned++
	learned, ok := learnPattern(line, l.readsMember)
	if !ok || learned.elements != len(l.entries) {
		return
	}
	places, ok := placesOf(learned.slots)
	if !ok {
		return
	}
	p.pattern, p.places, p.texts = learned, places, p.texts[:0]
	for _, place := range places {
		p.texts = append(p.texts, l.textAt(place))
	}
	p.present, p.entries = l.present, append(p.entries[:0], l.entries...)
	p.changed, p.hasOther = p.changed[:0], false
}

// readsMember reports whether the member of that name is read.
func (l *lineReader) readsMember(name string) bool {
	member, ok := memberPlaces[name]
	return ok && (member < len(lineFields) || l.query.readsSet(member-len(lineFields)))
}

// placesOf returns the places of slots. If a name is twice in an entry, of which the last text counts, or if there is an
// empty text in place of a set, ok is false.
func placesOf(slots []slot) (places []linePlace, ok bool) {
	for i := range slots {
		place := placeOf(&slots[i])
		if isSetText(&slots[i]) || place != noPlace && slices.Contains(places, place) {
			return nil, false
		}
		places = append(places, place)
	}
	return places, true
}

// placeOf returns the place of a slot: a field, a part of an entry in a set, or none.
func placeOf(s *slot) linePlace {
	member, isKnown := memberPlaces[s.member]
	switch {
	case !isKnown || s.kind == skippedSlot:
		return noPlace
	case s.depth == 1 && member < len(lineFields):
		return linePlace{field: member, entry: -1}
	case s.depth == 3 && (s.name == "key" || s.name == "value"):
		return linePlace{-1, s.element - 1, s.name}
	default:
		return noPlace
	}
}

func (l *lineReader) textAt(place linePlace) string {
	switch {
	case place.field >= 0:
		return l.fields[place.field]
	case place.entry >= 0:
		return *l.entries[place.entry].part(place.part)
	default:
		return ""
	}
}

// isSetText reports whether a slot is an empty text in place of a set that is read, or of an entry of it. Another text
// would be an error there.
func isSetText(s *slot) bool {
	member, isKnown := memberPlaces[s.member]
	return isKnown && member >= len(lineFields) && s.kind != skippedSlot && s.depth < 3
}
