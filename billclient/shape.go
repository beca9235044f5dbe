package billclient

import (
	"strings"
	"unicode/utf8"
)

// shape is the names of the children that a node has, in their order. Nodes of the same shape share it, and rows of a
// set have few shapes, so a child is found by comparing names once for all rows of a shape.
type shape struct {
	before *shape      // all names but the last one; nil: there is no name at all
	last   string      // the last name
	count  int         // of the names
	longer []*shape    // the known shapes with one name more
	found  []foundName // every name that was asked for
	next   int         // the one after the name that was asked for last, because rows are asked the same in the same order
}

// foundName says where in a shape a name was found.
type foundName struct {
	name    string
	place   int // -1: nowhere
	isTwice bool
}

// find returns where a name is, in whatever case. Of several places, it is the last one.
func (s *shape) find(name string) foundName {
	for range s.found {
		if s.next == len(s.found) {
			s.next = 0
		}
		found := &s.found[s.next]
		s.next++
		if found.name == name {
			return *found
		}
	}
	found := foundName{name: name, place: -1}
	for at := s; at.before != nil; at = at.before {
		if isSameName(at.last, name) {
			found.place, found.isTwice = max(found.place, at.count-1), found.place >= 0
		}
	}
	s.found = append(s.found, found)
	return found
}

// names returns all names.
func (s *shape) names() []string {
	names := make([]string, s.count)
	for at := s; at.before != nil; at = at.before {
		names[at.count-1] = at.last
	}
	return names
}

// isSameName is strings.EqualFold, but quicker where names begin or end with other letters, as most do.
func isSameName(a, b string) bool {
	differ := func(a, b byte) bool { // no letter of ASCII folds into another one
		const lower = 'a' - 'A'
		return a < utf8.RuneSelf && b < utf8.RuneSelf && a|lower != b|lower
	}
	if a != "" && b != "" && (differ(a[0], b[0]) || differ(a[len(a)-1], b[len(b)-1])) {
		return false
	}
	return strings.EqualFold(a, b)
}

// maxShapes limits how many shapes are known, and maxNameLength how long their names are, so that an answer full of names
// does not fill the memory.
const maxShapes = 1000

// shapes are the shapes that are known: of the first one, which has no names, and of all that it leads to.
type shapes struct {
	empty shape
	count int
}

// extend returns the shape that has the names of s, and one more.
func (k *shapes) extend(s *shape, name []byte) *shape {
	for _, longer := range s.longer {
		if longer.last == string(name) {
			return longer
		}
	}
	longer := &shape{before: s, last: string(name), count: s.count + 1}
	if k.count < maxShapes && len(name) <= maxNameLength {
		k.count++
		s.longer = append(s.longer, longer)
	}
	return longer
}
