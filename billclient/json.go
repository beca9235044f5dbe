package billclient

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonDocument reads JSON strictly (RFC 8259), in one pass. It accepts a name that comes twice in an object, which its
// reader has to notice, and replaces bytes that are not UTF-8 and halves of surrogate pairs by U+FFFD. What is skipped
// has to be well formed as well.
type jsonDocument struct {
	jsonInput
	limit int64 // the offset from which on the item at hand is too large
	depth int   // how many objects and lists are open
	path  []jsonStep
	names [maxLevels][]cachedName
}

// The names of an object are cached by their place in it, because the next object of its kind has the same names at
// the same places. Objects in deeper levels share the cache of the last level. Further names, and longer ones, which no
// documented object has, share the last place of their level.
const (
	maxLevels     = 6 // the answer, its data, a set, a line, its set, an entry of that
	maxNames      = 64
	maxNameLength = 64
)

// cachedName is a name as it stands in the answer, with its quotes and the colon, and in lower case without them.
type cachedName struct{ raw, lower []byte }

// jsonStep leads from an object or a list to one of its values.
type jsonStep struct {
	name  *cachedName // nil in a list
	place int
}

// maxJSONDepth limits how deep objects and lists may be nested.
const maxJSONDepth = 10000

func newJSON(body io.Reader) *jsonDocument {
	return &jsonDocument{jsonInput: newJSONInput(body), limit: math.MaxInt64}
}

func (j *jsonDocument) readValue(text []byte, child func(name []byte) error) ([]byte, error) {
	if j.buf[j.pos] == '"' { // usually a text that is as it stands
		end, beyondASCII := findSpecial(j.buf, j.pos+1)
		if s := j.buf[j.pos+1 : end]; j.buf[end] == '"' && (!beyondASCII || utf8.Valid(s)) {
			j.pos = end + 1
			return append(text, s...), nil
		}
	}
	c, err := j.peek()
	switch {
	case err != nil:
		return text, j.explainError(err)
	case c == '"':
		return j.readText(text)
	case c != '{' && c != '[':
		return j.readLiteral(text, c)
	case child != nil:
		return text, j.readMembers(c, child)
	}
	if err := j.skipMembers(c); err != nil {
		return text, j.explainError(err)
	}
	return text, errNotText
}

// readText appends the text of a string to text.
func (j *jsonDocument) readText(text []byte) ([]byte, error) {
	s, err := j.scanString()
	if err != nil {
		return text, j.explainError(err)
	}
	return s.appendText(text), nil
}

// readLiteral appends a number or a bool to text. A null has no text.
func (j *jsonDocument) readLiteral(text []byte, first byte) ([]byte, error) {
	raw, err := j.scanLiteral(first)
	if err != nil {
		return text, j.explainError(err)
	}
	if first == 'n' {
		return text, nil
	}
	return append(text, raw...), nil
}

// readMembers hands the members of an object, or the elements of a list, which have no name, to child.
func (j *jsonDocument) readMembers(open byte, child func(name []byte) error) error {
	isEnd, err := j.openMembers(open)
	limit, steps := j.limit, len(j.path)
	for place := 0; err == nil && !isEnd; place++ {
		step, name := jsonStep{place: place}, []byte(nil)
		if open == '{' {
			if step.name, err = j.readName(place); err != nil {
				break
			}
			name = step.name.lower
		}
		if j.offset() > limit {
			return classify(Decode, "larger than %v", maxItem)
		}
		if steps < maxLevels { // the names of deeper levels do not stay in the cache
			j.path = append(j.path, step)
		}
		if err := child(name); err != nil {
			return err
		}
		// A limit that child has set is that of an item, which has come to its end.
		j.path, j.limit = j.path[:steps], limit
		if isEnd = false; !j.skipComma() {
			isEnd, err = j.nextMember(open)
		}
	}
	if err == nil || open == '{' {
		return j.explainError(err)
	}
	// Only child knows which element it is that cannot be read.
	err = j.explainError(err)
	j.breakOff(err)
	return cmp.Or(child(nil), err)
}

// openMembers reads the opening bracket, and the closing one if that follows.
func (j *jsonDocument) openMembers(open byte) (isEnd bool, err error) {
	if j.depth++; j.depth > maxJSONDepth {
		return false, classify(Decode, "nested more than %d deep", maxJSONDepth)
	}
	j.pos++
	j.consume()
	c, err := j.peek()
	if err != nil || c != closing(open) {
		return false, err
	}
	j.closeMembers()
	return true, nil
}

// nextMember reads the comma before another member, or the closing bracket.
func (j *jsonDocument) nextMember(open byte) (isEnd bool, err error) {
	j.consume()
	switch c, err := j.peek(); {
	case err != nil:
		return false, err
	case c == ',':
		j.pos++
		return false, nil
	case c == closing(open):
		j.closeMembers()
		return true, nil
	default:
		return false, j.unexpected("after a value")
	}
}

func (j *jsonDocument) closeMembers() {
	j.depth--
	j.pos++
	j.consume()
}

// closing returns the bracket that closes what open opens. In ASCII, it is the second one after it.
func closing(open byte) byte { return open + 2 }

// readName reads the name at a place of an object, and the colon after it.
func (j *jsonDocument) readName(place int) (*cachedName, error) {
	level := min(j.depth, maxLevels) - 1
	// Comparing a name with the cached one is faster than reading it.
	if names := j.names[level]; place < len(names) && j.skipBytes(names[place].raw) {
		j.begin = j.pos - 1 // the colon belongs to the value
		return &names[place], nil
	}
	c, err := j.peek()
	if err != nil {
		return nil, err
	}
	if c != '"' {
		return nil, j.unexpected("in place of a name")
	}
	s, err := j.scanString()
	if err != nil {
		return nil, err
	}
	cached := j.cacheName(level, place, len(s.raw))
	cached.raw = append(append(cached.raw[:0], s.raw...), ':')
	cached.lower = lowerASCII(s.appendText(cached.lower[:0]))
	return cached, j.scanColon()
}

// cacheName returns where in the cache a name of that length belongs.
func (j *jsonDocument) cacheName(level, place, length int) *cachedName {
	if length > maxNameLength {
		place = maxNames - 1
	}
	place = min(place, maxNames-1)
	for len(j.names[level]) <= place {
		j.names[level] = append(j.names[level], cachedName{})
	}
	return &j.names[level][place]
}

// lowerASCII changes the ASCII letters of name to lower case, in place, and returns it.
func lowerASCII(name []byte) []byte {
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			name[i] = c + 'a' - 'A'
		}
	}
	return name
}

func (j *jsonDocument) skipValue() error { return j.explainError(j.scanValue()) }

// scanValue moves behind the next value.
func (j *jsonDocument) scanValue() error {
	if end := skipPlain(j.buf, j.pos, min(maxLevels, maxJSONDepth-j.depth)); end > 0 {
		j.pos = end
		return nil
	}
	c, err := j.peek()
	switch {
	case err != nil:
	case c == '"':
		_, err = j.scanString()
	case c == '{' || c == '[':
		err = j.skipMembers(c)
	default:
		_, err = j.scanLiteral(c)
	}
	return err
}

// skipMembers skips an object or a list.
func (j *jsonDocument) skipMembers(open byte) error {
	isEnd, err := j.openMembers(open)
	for err == nil && !isEnd {
		if open == '{' {
			err = j.skipName()
		}
		if err == nil {
			err = j.scanValue()
		}
		if err == nil {
			isEnd, err = j.nextMember(open)
		}
	}
	return err
}

func (j *jsonDocument) skipName() error {
	c, err := j.peek()
	if err != nil {
		return err
	}
	if c != '"' {
		return j.unexpected("in place of a name")
	}
	if _, err := j.scanString(); err != nil {
		return err
	}
	return j.scanColon()
}

// match reads the next value if it is an object that has the pattern, and returns the bytes to which its changes refer,
// nil if it is not. They are valid until more is read.
func (j *jsonDocument) match(p *pattern) []byte {
	if p.raw == nil {
		return nil
	}
	end, isCut := p.match(j.buf, j.pos)
	// An object that is cut may be as long as the other one, or a little longer. An error of the body comes again when
	// the rest of it is read.
	for isCut && j.end-j.pos < 2*len(p.raw) && j.more() == nil {
		end, isCut = p.match(j.buf, j.pos)
	}
	if end == 0 {
		return nil
	}
	j.pos = end
	j.consume()
	return j.buf
}

// since returns the bytes that were read since an offset, nil if they are no more in memory.
func (j *jsonDocument) since(offset int64) []byte {
	if offset < j.dropped {
		return nil
	}
	return j.buf[offset-j.dropped : j.pos]
}

func (j *jsonDocument) readItem() document {
	j.limit = j.offset() + int64(maxItem)
	return j
}

func (j *jsonDocument) checkEnd() error {
	_, err := j.peek()
	switch {
	case j.isAtEnd():
		return nil
	case err == nil:
		err = classify(Decode, "something follows the answer's end")
	}
	return j.explainError(err)
}

// explainError returns the error that broke the body in place of what was found in its last bytes, and else err with
// its place in the answer.
func (j *jsonDocument) explainError(err error) error {
	if err == nil {
		return nil
	}
	if j.bodyErr != nil && j.bodyErr != io.EOF {
		return j.bodyErr
	}
	if _, isClassified := err.(*classifiedError); isClassified {
		return err
	}
	within := ""
	if len(j.path) > 0 {
		within = fmt.Sprintf(" within %q", j.placeInAnswer())
	}
	return fmt.Errorf("%w%s after offset %d", err, within, j.offset())
}

// placeInAnswer returns the names and places that lead to the value at hand, each after a slash.
func (j *jsonDocument) placeInAnswer() string {
	var place strings.Builder
	for _, step := range j.path {
		if step.name == nil {
			fmt.Fprintf(&place, "/%d", step.place)
			continue
		}
		name, _ := jsontext.AppendUnquote(nil, step.name.raw[:len(step.name.raw)-1])
		place.WriteString("/" + shorten(string(name), maxNameLength))
	}
	return place.String()
}
