package billclient

import (
	"bytes"
	"unicode/utf8"
)

// jsonItem is an element of a set that was read whole. The decoder has checked that it is well formed, so its reader
// only has to find where each value ends.
type jsonItem struct {
	raw      []byte
	pos      int  // how many bytes of raw have been read
	escaped  bool // raw has a backslash
	plainEnd int  // a string that ends before this position has no escapes and is valid UTF-8
	depth    int  // how many objects and lists are open
	names    [maxLevels][maxNames]cachedName
}

// The names of an object are cached by their place in it, because the next object of its kind has the same names at
// the same places. Deeper levels share the last level of the cache. Further names, and longer ones, which no
// documented object has, share the last place of their level.
const (
	maxLevels     = 3 // a line, a set, an entry of it
	maxNames      = 64
	maxNameLength = 64
)

// cachedName is a name as it stands in the answer, with its quotes, and in lower case without them.
type cachedName struct{ raw, lower []byte }

// reset starts with another item. It checks the strings before the first list at once: the sets, which come last, are
// rarely read.
func (i *jsonItem) reset(raw []byte) {
	i.raw, i.pos, i.plainEnd = raw, 0, len(raw)
	if list := bytes.IndexByte(raw, '['); list >= 0 {
		i.plainEnd = list
	}
	i.escaped = bytes.IndexByte(raw, '\\') >= 0
	if i.escaped || !utf8.Valid(raw[:i.plainEnd]) {
		i.plainEnd = 0
	}
}

func (i *jsonItem) readValue(text []byte, child func(name []byte) error) ([]byte, error) {
	switch i.raw[i.pos] {
	case '"':
		raw := i.readString()
		if i.pos <= i.plainEnd {
			return append(text, raw[1:len(raw)-1]...), nil
		}
		return unquote(text, raw), nil
	case '{', '[':
		if child == nil {
			return text, errNotText
		}
		return text, i.readMembers(child)
	case 'n':
		i.readLiteral()
		return text, nil
	default:
		return append(text, i.readLiteral()...), nil
	}
}

func (i *jsonItem) readMembers(child func(name []byte) error) error {
	isObject := i.raw[i.pos] == '{'
	i.pos++
	i.depth++
	for place := 0; ; place++ {
		if c := i.advance(); c == '}' || c == ']' {
			i.pos++
			i.depth--
			return nil
		}
		var name []byte
		if isObject {
			name = i.readName(place)
		}
		if err := child(name); err != nil {
			return err
		}
	}
}

// advance moves to the next name, value or closing bracket, and returns its first byte.
func (i *jsonItem) advance() byte {
	for {
		switch c := i.raw[i.pos]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			i.pos++
		default:
			return c
		}
	}
}

// readName reads the name at a place of an object, and moves to its value.
func (i *jsonItem) readName(place int) []byte {
	names := &i.names[min(i.depth, maxLevels)-1]
	cached := &names[min(place, maxNames-1)]
	// Comparing a name with the cached one is faster than reading it.
	if len(cached.raw) > 0 && bytes.HasPrefix(i.raw[i.pos:], cached.raw) {
		i.pos += len(cached.raw)
	} else {
		raw := i.readString()
		if len(raw) > maxNameLength {
			cached = &names[maxNames-1]
		}
		cached.raw = append(cached.raw[:0], raw...)
		cached.lower = lowerASCII(unquote(cached.lower[:0], raw))
	}
	i.advance()
	return cached.lower
}

// readString reads a string and returns it with its quotes.
func (i *jsonItem) readString() []byte {
	rest := i.raw[i.pos:]
	end := 1 + bytes.IndexByte(rest[1:], '"')
	for i.escaped && endsEscaped(rest[:end]) {
		end += 1 + bytes.IndexByte(rest[end+1:], '"')
	}
	i.pos += end + 1
	return rest[:end+1]
}

// endsEscaped reports whether s ends in an odd number of backslashes: the byte after s is escaped then.
func endsEscaped(s []byte) bool { return (len(s)-len(bytes.TrimRight(s, `\`)))%2 == 1 }

// readLiteral reads a number, a bool or null.
func (i *jsonItem) readLiteral() []byte {
	rest := i.raw[i.pos:]
	end := bytes.IndexAny(rest, " \t\r\n,]}")
	if end < 0 {
		end = len(rest)
	}
	i.pos += end
	return rest[:end]
}

func (i *jsonItem) skipValue() error {
	if i.skipFlatList() {
		return nil
	}
	for depth := 0; ; i.advance() {
		switch i.raw[i.pos] {
		case '"':
			i.readString()
		case '{', '[':
			i.pos++
			depth++
		case '}', ']':
			i.pos++
			depth--
		default:
			i.readLiteral()
		}
		if depth == 0 {
			return nil
		}
	}
}

// skipFlatList skips the value if it is a list without lists in it, as every documented set is, and reports whether it
// did. A bracket after an even number of quotes is not part of a string.
func (i *jsonItem) skipFlatList() bool {
	rest := i.raw[i.pos:]
	if i.escaped || rest[0] != '[' {
		return false
	}
	list := rest[:bytes.IndexByte(rest, ']')]
	if bytes.Count(list, []byte{'"'})%2 == 1 || bytes.IndexByte(list[1:], '[') >= 0 {
		return false
	}
	i.pos += len(list) + 1
	return true
}
