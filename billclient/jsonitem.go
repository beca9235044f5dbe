package billclient

import (
	"bytes"
	"unicode/utf8"
)

// jsonItem is an element of a set that was read whole. The decoder has found it well formed, so it is enough to look
// for where its values end.
type jsonItem struct {
	raw     []byte
	at      int  // what stands before has been read
	escaped bool // there is a backslash somewhere
	plain   int  // strings that end before are their texts
	depth   int  // how many objects and lists the value at hand is in
	names   [maxLevels][maxNames]knownName
}

// The names of an object are remembered by their place in it, for the next one of its kind has the same ones. Deeper
// levels share the last one that is remembered; further and longer names, which no documented object has, the last
// place.
const (
	maxLevels = 3 // a line, a set, an entry of it
	maxNames  = 64
	maxName   = 64
)

// knownName is a name as it stands in the answer, quotes and all, and in lower case.
type knownName struct{ raw, lower []byte }

// reset goes to another item. Its strings are looked at once, up to its first list: what stands in the sets, which come
// last, is rarely wanted.
func (i *jsonItem) reset(raw []byte) {
	i.raw, i.at, i.plain = raw, 0, len(raw)
	if list := bytes.IndexByte(raw, '['); list >= 0 {
		i.plain = list
	}
	i.escaped = bytes.IndexByte(raw, '\\') >= 0
	if i.escaped || !utf8.Valid(raw[:i.plain]) {
		i.plain = 0
	}
}

func (i *jsonItem) value(text []byte, child func(name []byte) error) ([]byte, error) {
	switch i.raw[i.at] {
	case '"':
		raw := i.quoted()
		if i.at <= i.plain {
			return append(text, raw[1:len(raw)-1]...), nil
		}
		return unquote(text, raw), nil
	case '{', '[':
		if child == nil {
			return text, errNotText
		}
		return text, i.children(child)
	case 'n':
		i.literal()
		return text, nil
	default:
		return append(text, i.literal()...), nil
	}
}

func (i *jsonItem) children(child func(name []byte) error) error {
	named := i.raw[i.at] == '{'
	i.at++
	i.depth++
	for place := 0; ; place++ {
		if c := i.next(); c == '}' || c == ']' {
			i.at++
			i.depth--
			return nil
		}
		var name []byte
		if named {
			name = i.name(place)
		}
		if err := child(name); err != nil {
			return err
		}
	}
}

// next goes to the next name, value or closing bracket, and returns its first byte.
func (i *jsonItem) next() byte {
	for {
		switch c := i.raw[i.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			i.at++
		default:
			return c
		}
	}
}

// name reads a name and goes to its value.
func (i *jsonItem) name(place int) []byte {
	names := &i.names[min(i.depth, maxLevels)-1]
	known := &names[min(place, maxNames-1)]
	// To see that a name is the known one is faster than to read it.
	if len(known.raw) > 0 && bytes.HasPrefix(i.raw[i.at:], known.raw) {
		i.at += len(known.raw)
	} else {
		raw := i.quoted()
		if len(raw) > maxName {
			known = &names[maxNames-1]
		}
		known.raw = append(known.raw[:0], raw...)
		known.lower = lower(unquote(known.lower[:0], raw))
	}
	i.next()
	return known.lower
}

// quoted reads a string and returns it with its quotes.
func (i *jsonItem) quoted() []byte {
	rest := i.raw[i.at:]
	end := 1 + bytes.IndexByte(rest[1:], '"')
	for i.escaped && endsEscaped(rest[:end]) {
		end += 1 + bytes.IndexByte(rest[end+1:], '"')
	}
	i.at += end + 1
	return rest[:end+1]
}

// endsEscaped tells whether what follows s has a backslash before it that is not part of another escape.
func endsEscaped(s []byte) bool { return (len(s)-len(bytes.TrimRight(s, `\`)))%2 == 1 }

// literal reads a number, a bool or null.
func (i *jsonItem) literal() []byte {
	rest := i.raw[i.at:]
	end := bytes.IndexAny(rest, " \t\r\n,]}")
	if end < 0 {
		end = len(rest)
	}
	i.at += end
	return rest[:end]
}

func (i *jsonItem) skip() error {
	if i.skipFlat() {
		return nil
	}
	for depth := 0; ; i.next() {
		switch i.raw[i.at] {
		case '"':
			i.quoted()
		case '{', '[':
			i.at++
			depth++
		case '}', ']':
			i.at++
			depth--
		default:
			i.literal()
		}
		if depth == 0 {
			return nil
		}
	}
}

// skipFlat skips a list that has no list in it, as every documented set, and tells whether it was one. A bracket behind
// an even number of quotes is not in a string.
func (i *jsonItem) skipFlat() bool {
	rest := i.raw[i.at:]
	if i.escaped || rest[0] != '[' {
		return false
	}
	list := rest[:bytes.IndexByte(rest, ']')]
	if bytes.Count(list, []byte{'"'})%2 == 1 || bytes.IndexByte(list[1:], '[') >= 0 {
		return false
	}
	i.at += len(list) + 1
	return true
}
