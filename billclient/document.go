package billclient

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/units"
)

// Whatever an answer holds, no more of it than this is held at once.
const (
	maxText  = 1 * units.MiB  // one text
	maxItem  = 16 * units.MiB // one line, one month's bill
	maxDepth = 32             // of what is nested in an item
	maxError = 64 * units.KiB // an error body
)

var (
	errNotText = errors.New("an object or a list in place of a text")
	errNotSet  = errors.New("a text in place of a list")
)

// document is an answer, read once and from front to back, in either notation of the API: what is a member of an
// object or an element of a list in JSON is an element in XML, and the names of XML's list elements mean nothing. So
// one reader of an action's answer serves both.
type document interface {
	// readValue reads the next value. If it is a leaf, its text is appended to text; else each of its children
	// is handed to child, which has to read or to skip it. Names are in lower case, and valid until the next read.
	// Without child, a value that has children is an error.
	readValue(text []byte, child func(name []byte) error) ([]byte, error)
	// skipValue drops the value at hand, whatever it is.
	skipValue() error
}

// answer is a document from its first byte on.
type answer interface {
	document
	// readItem returns the value at hand, an element of a set, as a document that ends if it gets too large. It is to
	// be read before anything else of the answer.
	readItem() document
	// inputOffset returns how many bytes the values up to here have taken.
	inputOffset() int64
	// checkEnd fails unless nothing but white space follows.
	checkEnd() error
}

// boundedItem is an item that is read while it arrives.
type boundedItem struct {
	answer
	limit int64 // the offset beyond which it is too large
}

func newBoundedItem(a answer) *boundedItem { return &boundedItem{a, a.inputOffset() + int64(maxItem)} }

func (b *boundedItem) readValue(text []byte, child func(name []byte) error) ([]byte, error) {
	if child == nil {
		return b.answer.readValue(text, nil)
	}
	return b.answer.readValue(text, func(name []byte) error {
		if b.inputOffset() > b.limit {
			return classify(Decode, "larger than %v", maxItem)
		}
		return child(name)
	})
}

// readChildren hands the children of the value at hand to child. null and an empty text are no children.
func readChildren(d document, child func(name []byte) error) error {
	text, err := d.readValue(nil, child)
	if err != nil {
		return err
	}
	return requireNoText(text)
}

func requireNoText(text []byte) error {
	if len(bytes.TrimSpace(text)) > 0 {
		return errNotSet
	}
	return nil
}

// answer finds out in which notation the answer is: as its Content-Type says, else by its first byte.
func (r *response) answer() (answer, error) {
	first, err := r.firstByte()
	if err != nil {
		return nil, err
	}
	declared := strings.ToLower(r.header.Get("Content-Type"))
	switch {
	case first == '<' && (strings.Contains(declared, "html") || r.looksHTML()):
		return nil, classify(Decode, "HTML in place of an answer: %s", r.excerpt())
	case first == '{' && !strings.Contains(declared, "xml"):
		return newJSON(r.body), nil
	case first == '<' && !strings.Contains(declared, "json"):
		return newXML(r.body)
	case declared == "":
		return nil, classify(Decode, "neither JSON nor XML: %s", r.excerpt())
	default:
		return nil, classify(Decode, "not what its type %q says: %s", shorten(declared, 60), r.excerpt())
	}
}

func (r *response) looksHTML() bool {
	head, _ := r.body.Peek(len("<!doctype html"))
	head = bytes.ToLower(head)
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// items reads the whole answer and hands each element of the set, counted from 1, to item as it arrives. The texts
// may stand before or behind it. An error body in its place, or after it, is an error, and so is an answer without the
// set: no bill is an empty set.
func (r *response) items(set string, item func(d document, n int) error, texts ...*topText) error {
	a, err := r.answer()
	if err != nil {
		return err
	}
	n := 0
	reader := topLevelReader{reply: r, d: a, set: set, texts: texts, item: func([]byte) error {
		n++
		return item(a.readItem(), n)
	}}
	if err := reader.read(); err != nil {
		return err
	}
	if said := reader.apiError(); said != nil {
		return said
	}
	if !reader.found {
		return classify(Incomplete, "answer has no %s", set)
	}
	return nil
}

// topLevelReader reads what stands at the top of an answer.
type topLevelReader struct {
	reply *response
	d     answer
	set   string // the name of the data; empty in an error body
	texts []*topText
	item  func(name []byte) error
	found bool

	nested errorBody // what an error element says
	flat   errorBody // what the old form says, without such an element
}

// topText is a text that stands beside the set.
type topText struct {
	name string // as the API spells it
	text string // without blanks around it; empty: not there
}

// parseDay reads a text that may be missing.
func (t *topText) parseDay() (Day, error) {
	if t.text == "" {
		return 0, nil
	}
	day, err := ParseDay(t.text)
	return day, locate(t.name, err)
}

// errorBody is what the API says of a failure, in one of its forms.
type errorBody struct {
	code, message, description string
}

func (t *topLevelReader) read() error {
	if err := readChildren(t.d, t.readMember); err != nil {
		return err
	}
	return t.d.checkEnd()
}

func (t *topLevelReader) readMember(name []byte) error {
	if t.set != "" && strings.EqualFold(string(name), t.set) {
		return t.readSet()
	}
	switch string(name) {
	case "requestid":
		text, err := t.d.readValue(nil, nil)
		t.reply.requestID = string(text)
		return locate("RequestId", err)
	case "error":
		return t.readError()
	case "code", "codedesc", "message":
		return t.flat.read(t.d, string(name))
	default:
		return t.readText(string(name))
	}
}

// readText reads a text that is wanted. One that comes twice has no value that could be trusted.
func (t *topLevelReader) readText(name string) error {
	for _, wanted := range t.texts {
		if !strings.EqualFold(wanted.name, name) {
			continue
		}
		text, err := t.d.readValue(nil, nil)
		if err == nil && wanted.text != "" {
			err = classify(Decode, "twice in one answer")
		}
		wanted.text = string(bytes.TrimSpace(text))
		return locate(wanted.name, err)
	}
	return t.d.skipValue()
}

func (t *topLevelReader) readSet() error {
	if t.found {
		return classify(Decode, "%s: twice in one answer", t.set)
	}
	t.found = true
	text, err := t.d.readValue(nil, t.item)
	if err != nil {
		return err
	}
	return locate(t.set, requireNoText(text))
}

// readError reads an error element. Some services have a text in its place.
func (t *topLevelReader) readError() error {
	text, err := t.d.readValue(nil, func(name []byte) error { return t.nested.read(t.d, string(name)) })
	if len(text) > 0 {
		t.nested.message = string(text)
	}
	return locate("Error", err)
}

func (e *errorBody) read(d document, name string) error {
	field := map[string]*string{"code": &e.code, "codedesc": &e.description, "message": &e.message}[name]
	if field == nil {
		return d.skipValue()
	}
	text, err := d.readValue(nil, nil)
	*field = string(text)
	return locate(name, err)
}

// apiError returns the API's error, if the answer is one. A bare code counts only where there is no data, and only if
// it does not speak of success.
func (t *topLevelReader) apiError() error {
	said := t.nested
	if said == (errorBody{}) && !t.found && t.flat.code != "0" && t.flat.code != "200" {
		said = t.flat
	}
	if said == (errorBody{}) {
		return nil
	}
	reason := reasonOfAnswer(t.reply.status, said.description, said.code)
	return &Error{Reason: reason, Code: cmp.Or(said.description, said.code), Message: said.message}
}

// refusal reads the answer to a call that failed. Whatever its body is, the status alone says enough.
func (r *response) refusal() error {
	if r.status/100 == 3 {
		target := shorten(r.header.Get("Location"), maxExcerpt)
		return classify(Decode, "a redirect to %q, which is not followed", target)
	}
	excerpt := r.excerpt()
	if said := r.errorBody(); said != nil {
		return said
	}
	return &Error{Reason: reasonOfStatus(r.status), Message: excerpt}
}

// errorBody returns the API's error, nil if the body holds none.
func (r *response) errorBody() error {
	r.body = bufio.NewReader(io.LimitReader(r.body, int64(maxError)))
	a, err := r.answer()
	if err != nil {
		return nil
	}
	reader := topLevelReader{reply: r, d: a}
	// An error body that breaks off may have said its code before.
	_ = reader.read()
	return reader.apiError()
}

// locate says where in an answer err is; nil stays nil.
func locate(place string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", place, err)
}

// window bounds how much of an answer a decoder can hold at once: it gives no more than maxText bytes beyond those
// that the decoder has dealt with.
type window struct {
	body     io.Reader
	consumed func() int64
	read     int64
	err      error // what ended the body, if not its end
}

func (w *window) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	room := int64(maxText) - (w.read - w.consumed())
	if room <= 0 {
		// It is not the end: there is room again once the decoder has read something shorter.
		return 0, classify(Decode, "a value is longer than %v", maxText)
	}
	n, err := w.body.Read(p[:min(int64(len(p)), room)])
	w.read += int64(n)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// node is a small part of an answer, held whole.
type node struct {
	name     string
	text     string
	children []node
}

// readNode reads the value at hand, an element of a set.
func readNode(d document) (node, error) {
	return readTree(d, "", 0)
}

func readTree(d document, name string, depth int) (node, error) {
	n := node{name: name}
	text, err := d.readValue(nil, func(name []byte) error {
		if depth == maxDepth {
			return classify(Decode, "nested more than %d deep", maxDepth)
		}
		child, err := readTree(d, string(name), depth+1)
		n.children = append(n.children, child)
		return err
	})
	n.text = string(text)
	return n, err
}

// nodeReader takes values out of a node and keeps the first failure, so that a bill's fields read as a list.
type nodeReader struct {
	node node
	err  error
}

// findChild returns the child of that name, nil if there is none.
func (x *nodeReader) findChild(name string) *node {
	var found *node
	for i := range x.node.children {
		if strings.EqualFold(x.node.children[i].name, name) {
			if found != nil {
				x.fail(name, errTwice)
			}
			found = &x.node.children[i]
		}
	}
	return found
}

var (
	errTwice   = errors.New("twice in one object")
	errMissing = errors.New("missing")
)

func (x *nodeReader) fail(name string, err error) {
	if x.err == nil && err != nil {
		x.err = fmt.Errorf("%s: %w", name, err)
	}
}

// text returns a text that may be missing.
func (x *nodeReader) text(name string) string {
	child := x.findChild(name)
	if child == nil {
		return ""
	}
	if len(child.children) > 0 {
		x.fail(name, errNotText)
	}
	return child.text
}

// amount returns an amount that has to be there.
func (x *nodeReader) amount(name string) Amount {
	text := x.text(name)
	if x.findChild(name) == nil {
		x.fail(name, errMissing)
		return Amount{}
	}
	amount, err := ParseAmount(text)
	x.fail(name, err)
	return amount
}

// readElements reads the elements of a set that may be missing.
func readElements[T any](x *nodeReader, name string, read func(*nodeReader) T) []T {
	child := x.findChild(name)
	if child == nil {
		return nil
	}
	if strings.TrimSpace(child.text) != "" {
		x.fail(name, errNotSet)
	}
	var elements []T
	for i, n := range child.children {
		element := nodeReader{node: n}
		elements = append(elements, read(&element))
		x.fail(fmt.Sprintf("%s %d", name, i+1), element.err)
	}
	return elements
}
