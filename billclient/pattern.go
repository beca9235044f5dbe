package billclient

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// pattern is how an object stands in JSON: its names, and all else but its texts and numbers. The objects of a list
// have few patterns. Comparing an object with an earlier one, eight bytes at once, is faster than reading it: only the
// places where they differ are looked at. An object that has the pattern is well formed, because the one from which the
// pattern was learned is.
type pattern struct {
	raw      []byte   // that object, with endMark behind it
	slots    []slot   // of the values that may be others, in their order
	slotAt   []uint16 // for each byte of the object, the number of its slot, from 1; 0 where it has none
	elements int      // of the lists that are members of the object
	changes  []change // of the object that was matched last
}

// slot is the place of a value.
type slot struct {
	kind     slotKind
	from, to int    // in the object, of a string without its quotes
	member   string // the name of the object's member that the value is in, in lower case
	name     string // the name of the value, in lower case
	depth    int    // how many objects and lists the value is in
	element  int    // the number of its element among those that the pattern counts, from 1; 0 before the first
}

// slotKind says what may stand in a slot.
type slotKind byte

const (
	stringSlot slotKind = iota
	numberSlot
	skippedSlot // a value that is not read, other than a number
)

// change is a value that is not the one of the pattern.
type change struct {
	slot     int
	from, to int // as of a slot, in the bytes that were matched
}

// match compares the object that begins at b[pos] with the pattern, collects its changes, and returns where it ends, 0
// if it has another pattern or has escapes. If it is perhaps only cut, because b ends before it, isCut is true. There
// is endMark behind b.
func (p *pattern) match(b []byte, pos int) (end int, isCut bool) {
	p.changes = p.changes[:0]
	size, last := len(p.slotAt), 0
	for at := 0; ; {
		same := min(commonLength(p.raw[at:], b[pos:]), size-at)
		if at, pos = at+same, pos+same; at == size {
			return pos, false
		}
		number := int(p.slotAt[at])
		if number <= last { // no slot, or one whose value has something else behind it
			return 0, b[pos] == 0
		}
		s := &p.slots[number-1]
		from := pos - (at - s.from)
		to, isCut := s.scan(b, from, pos)
		if to == 0 {
			return 0, isCut
		}
		p.changes = append(p.changes, change{number - 1, from, to})
		at, pos, last = s.to, to, number
	}
}

// commonLength returns how many bytes a and b have in common at their beginnings. Each has endMark at its end.
func commonLength(a, b []byte) (n int) {
	for n+8 <= len(a) && n+8 <= len(b) {
		differ := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:])
		if differ != 0 {
			return n + bits.TrailingZeros64(differ)/8
		}
		n += 8
	}
	return n
}

// scan returns where the value ends that begins at b[from] and is that of the slot up to b[pos], 0 if none stands
// there. It is as match about values that are perhaps cut.
func (s *slot) scan(b []byte, from, pos int) (to int, isCut bool) {
	switch s.kind {
	case stringSlot:
		if to, _ = findSpecial(b, pos); b[to] != '"' {
			return 0, b[to] == 0
		}
		return to, false
	case numberSlot:
		return skipPlainNumber(b, from), false
	default:
		to = skipPlain(b, from, maxLevels)
		return to, to == 0
	}
}

// skipPlainNumber returns where the number at b[pos] ends, 0 if there is none without an exponent.
func skipPlainNumber(b []byte, pos int) (end int) {
	if b[pos] == '-' {
		pos++
	}
	end = skipDigits(b, pos)
	if end == pos || b[pos] == '0' && end > pos+1 {
		return 0
	}
	if b[end] == '.' {
		pos = end + 1
		end = skipDigits(b, pos)
	}
	if end == pos || b[end]|' ' == 'e' {
		return 0
	}
	return end
}

func skipDigits(b []byte, pos int) (end int) {
	for isDigit(b[pos]) {
		pos++
	}
	return pos
}

// maxPattern is how long an object may be whose pattern is learned.
const maxPattern = 16 << 10

// learnPattern returns the pattern of an object that is well formed, in which only those members are read. An object
// with white space, escapes, exponents, or words in place of values has none.
func learnPattern(object []byte, isRead func(name string) bool) (p pattern, ok bool) {
	if len(object) > maxPattern {
		return p, false
	}
	p.raw, p.slotAt = slices.Concat(object, []byte(endMark)), make([]uint16, len(object))
	l := patternLearner{pattern: &p, isRead: isRead}
	return p, l.learnValue(0) == len(object)
}

// patternLearner walks through the object of a pattern.
type patternLearner struct {
	*pattern
	isRead       func(name string) bool
	member, name string // as of a slot
	depth        int
}

// learnValue learns the value at raw[pos] and returns where it ends, 0 if it has no pattern.
func (l *patternLearner) learnValue(pos int) (end int) {
	switch c := l.raw[pos]; {
	case l.depth == 1 && !l.isRead(l.member) && !isNumberBegin(c):
		return l.addSlot(skippedSlot, pos, skipPlain(l.raw, pos, maxLevels))
	case c == '{' || c == '[':
		return l.learnMembers(pos, c)
	case c == '"':
		return l.addSlot(stringSlot, pos, skipPlainString(l.raw, pos))
	default:
		return l.addSlot(numberSlot, pos, skipPlainNumber(l.raw, pos))
	}
}

func isNumberBegin(c byte) bool { return c == '-' || isDigit(c) }

func (l *patternLearner) learnMembers(pos int, open byte) (end int) {
	if l.raw[pos+1] == closing(open) {
		return pos + 2
	}
	l.depth++
	for next := byte(','); next == ','; next = l.raw[pos] {
		if pos++; open == '{' {
			pos = l.learnName(pos)
		} else {
			l.name = "" // an element has none
			if l.depth == 2 {
				l.elements++
			}
		}
		if pos > 0 {
			pos = l.learnValue(pos)
		}
		if pos == 0 {
			return 0
		}
	}
	l.depth--
	if l.raw[pos] != closing(open) {
		return 0
	}
	return pos + 1
}

// learnName returns where the value begins whose name is at raw[pos], 0 if the name has no pattern.
func (l *patternLearner) learnName(pos int) (value int) {
	end := skipPlainString(l.raw, pos)
	if end == 0 || l.raw[end] != ':' {
		return 0
	}
	l.name = string(lowerASCII(slices.Clone(l.raw[pos+1 : end-1])))
	if l.depth == 1 {
		l.member = l.name
	}
	return end + 1
}

// addSlot adds a slot for the value from raw[from] to raw[end], and returns its end; if that is 0, there is no such
// value. What is behind a text or a number belongs to its slot: where another byte stands there, the value is longer.
func (l *patternLearner) addSlot(kind slotKind, from, end int) int {
	if end == 0 {
		return 0
	}
	to := end
	if kind == stringSlot {
		from, to = from+1, end-1
	}
	l.slots = append(l.slots, slot{kind, from, to, l.member, l.name, l.depth, l.elements})
	for at := from; at < to || at == to && kind != skippedSlot; at++ {
		l.slotAt[at] = uint16(len(l.slots))
	}
	return end
}
