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
	// value reads the value at hand. If it is a leaf, its text is appended to text; else each of its children is
	// handed to child, which has to read or to skip it. Names are in lower case, and valid until the next read.
	// Without child, a value that has children is an error.
	value(text []byte, child func(name []byte) error) ([]byte, error)
	// skip drops the value at hand, whatever it is.
	skip() error
}

// answer is a document from its first byte on.
type answer interface {
	document
	// item returns the value at hand, an element of a set, as a document that ends if it gets too large. It is to be
	// read before anything else of the answer.
	item() document
	// offset returns how many bytes the values up to here have taken.
	offset() int64
	// end fails unless nothing but white space follows.
	end() error
}

// bounded is an item that is read while it arrives.
type bounded struct {
	answer
	limit int64 // the offset beyond which it is too large
}

func newBounded(a answer) *bounded { return &bounded{a, a.offset() + int64(maxItem)} }

func (b *bounded) value(text []byte, child func(name []byte) error) ([]byte, error) {
	if child == nil {
		return b.answer.value(text, nil)
	}
	return b.answer.value(text, func(name []byte) error {
		if b.offset() > b.limit {
			return because(Decode, "larger than %v", maxItem)
		}
		return child(name)
	})
}

// each hands the children of the value at hand to child. null and an empty text are no children.
func each(d document, child func(name []byte) error) error {
	text, err := d.value(nil, child)
	if err != nil {
		return err
	}
	return noText(text)
}

func noText(text []byte) error {
	if len(bytes.TrimSpace(text)) > 0 {
		return errNotSet
	}
	return nil
}

// answer finds out in which notation the answer is: as its Content-Type says, else by its first byte.
func (r *reply) answer() (answer, error) {
	first, err := r.first()
	if err != nil {
		return nil, err
	}
	declared := strings.ToLower(r.header.Get("Content-Type"))
	switch {
	case first == '<' && (strings.Contains(declared, "html") || r.looksHTML()):
		return nil, because(Decode, "HTML in place of an answer: %s", r.excerpt())
	case first == '{' && !strings.Contains(declared, "xml"):
		return newJSON(r.body), nil
	case first == '<' && !strings.Contains(declared, "json"):
		return newXML(r.body)
	case declared == "":
		return nil, because(Decode, "neither JSON nor XML: %s", r.excerpt())
	default:
		return nil, because(Decode, "not what its type %q says: %s", shorten(declared, 60), r.excerpt())
	}
}

func (r *reply) looksHTML() bool {
	head, _ := r.body.Peek(len("<!doctype html"))
	head = bytes.ToLower(head)
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// items reads the whole answer and hands each element of the set, counted from 1, to item as it arrives. The texts
// may stand before or behind it. An error body in its place, or after it, is an error, and so is an answer without the
// set: no bill is an empty set.
func (r *reply) items(set string, item func(d document, n int) error, texts ...*topText) error {
	a, err := r.answer()
	if err != nil {
		return err
	}
	n := 0
	reader := topReader{reply: r, d: a, set: set, texts: texts, item: func([]byte) error {
		n++
		return item(a.item(), n)
	}}
	if err := reader.read(); err != nil {
		return err
	}
	if said := reader.failure(); said != nil {
		return said
	}
	if !reader.found {
		return because(Incomplete, "answer has no %s", set)
	}
	return nil
}

// topReader reads what stands at the top of an answer.
type topReader struct {
	reply *reply
	d     answer
	set   string // the name of the data; empty in an error body
	texts []*topText
	item  func(name []byte) error
	found bool

	within errorBody // what an error element says
	beside errorBody // what the old form says, without such an element
}

// topText is a text that stands beside the set.
type topText struct {
	name string // as the API spells it
	text string // without blanks around it; empty: not there
}

// day reads a text that may be missing.
func (t *topText) day() (Day, error) {
	if t.text == "" {
		return 0, nil
	}
	day, err := ParseDay(t.text)
	return day, at(t.name, err)
}

// errorBody is what the API says of a failure, in one of its forms.
type errorBody struct {
	code, message, description string
}

func (t *topReader) read() error {
	if err := each(t.d, t.member); err != nil {
		return err
	}
	return t.d.end()
}

func (t *topReader) member(name []byte) error {
	if t.set != "" && strings.EqualFold(string(name), t.set) {
		return t.data()
	}
	switch string(name) {
	case "requestid":
		text, err := t.d.value(nil, nil)
		t.reply.requestID = string(text)
		return at("RequestId", err)
	case "error":
		return t.readError()
	case "code", "codedesc", "message":
		return t.beside.read(t.d, string(name))
	default:
		return t.readText(string(name))
	}
}

// readText reads a text that is wanted. One that comes twice has no value that could be trusted.
func (t *topReader) readText(name string) error {
	for _, wanted := range t.texts {
		if !strings.EqualFold(wanted.name, name) {
			continue
		}
		text, err := t.d.value(nil, nil)
		if err == nil && wanted.text != "" {
			err = because(Decode, "twice in one answer")
		}
		wanted.text = string(bytes.TrimSpace(text))
		return at(wanted.name, err)
	}
	return t.d.skip()
}

func (t *topReader) data() error {
	if t.found {
		return because(Decode, "%s: twice in one answer", t.set)
	}
	t.found = true
	text, err := t.d.value(nil, t.item)
	if err != nil {
		return err
	}
	return at(t.set, noText(text))
}

// readError reads an error element. Some services have a text in its place.
func (t *topReader) readError() error {
	text, err := t.d.value(nil, func(name []byte) error { return t.within.read(t.d, string(name)) })
	if len(text) > 0 {
		t.within.message = string(text)
	}
	return at("Error", err)
}

func (e *errorBody) read(d document, name string) error {
	field := map[string]*string{"code": &e.code, "codedesc": &e.description, "message": &e.message}[name]
	if field == nil {
		return d.skip()
	}
	text, err := d.value(nil, nil)
	*field = string(text)
	return at(name, err)
}

// failure returns the API's error, if the answer is one. A bare code counts only where there is no data, and only if
// it does not speak of success.
func (t *topReader) failure() error {
	said := t.within
	if said == (errorBody{}) && !t.found && t.beside.code != "0" && t.beside.code != "200" {
		said = t.beside
	}
	if said == (errorBody{}) {
		return nil
	}
	reason := reasonOfAnswer(t.reply.status, said.description, said.code)
	return &Error{Reason: reason, Code: cmp.Or(said.description, said.code), Message: said.message}
}

// refusal reads the answer to a call that failed. Whatever its body is, the status alone says enough.
func (r *reply) refusal() error {
	if r.status/100 == 3 {
		return because(Decode, "a redirect to %q, which is not followed", shorten(r.header.Get("Location"), maxExcerpt))
	}
	excerpt := r.excerpt()
	if said := r.errorBody(); said != nil {
		return said
	}
	return &Error{Reason: reasonOfStatus(r.status), Message: excerpt}
}

// errorBody returns the API's error, nil if the body holds none.
func (r *reply) errorBody() error {
	r.body = bufio.NewReader(io.LimitReader(r.body, int64(maxError)))
	a, err := r.answer()
	if err != nil {
		return nil
	}
	reader := topReader{reply: r, d: a}
	// An error body that breaks off may have said its code before.
	_ = reader.read()
	return reader.failure()
}

// at says where in an answer err is; nil stays nil.
func at(place string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", place, err)
}

// window bounds how much of an answer a decoder can hold at once: it gives no more than maxText bytes beyond those
// that the decoder has dealt with.
type window struct {
	body io.Reader
	done func() int64
	read int64
	err  error // what ended the body, if not its end
}

func (w *window) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	room := int64(maxText) - (w.read - w.done())
	if room <= 0 {
		// It is not the end: there is room again once the decoder has read something shorter.
		return 0, because(Decode, "a value is longer than %v", maxText)
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
	text, err := d.value(nil, func(name []byte) error {
		if depth == maxDepth {
			return because(Decode, "nested more than %d deep", maxDepth)
		}
		child, err := readTree(d, string(name), depth+1)
		n.children = append(n.children, child)
		return err
	})
	n.text = string(text)
	return n, err
}

// extract takes values out of a node and keeps the first failure, so that a bill's fields read as a list.
type extract struct {
	node node
	err  error
}

// child returns the child of that name, nil if there is none.
func (x *extract) child(name string) *node {
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

func (x *extract) fail(name string, err error) {
	if x.err == nil && err != nil {
		x.err = fmt.Errorf("%s: %w", name, err)
	}
}

// text returns a text that may be missing.
func (x *extract) text(name string) string {
	child := x.child(name)
	if child == nil {
		return ""
	}
	if len(child.children) > 0 {
		x.fail(name, errNotText)
	}
	return child.text
}

// amount returns an amount that has to be there.
func (x *extract) amount(name string) Amount {
	text := x.text(name)
	if x.child(name) == nil {
		x.fail(name, errMissing)
		return Amount{}
	}
	amount, err := ParseAmount(text)
	x.fail(name, err)
	return amount
}

// setOf reads the elements of a set that may be missing.
func setOf[T any](x *extract, name string, read func(*extract) T) []T {
	child := x.child(name)
	if child == nil {
		return nil
	}
	if strings.TrimSpace(child.text) != "" {
		x.fail(name, errNotSet)
	}
	var elements []T
	for i, n := range child.children {
		element := extract{node: n}
		elements = append(elements, read(&element))
		x.fail(fmt.Sprintf("%s %d", name, i+1), element.err)
	}
	return elements
}
