package billclient

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
)

// maxDepth limits how deep an item may be nested.
const maxDepth = 32

var (
	errTwice   = errors.New("twice in one object")
	errMissing = errors.New("missing")
)

// node is a small part of an answer, which is read whole. It is good until its builder reads the next one. The zero
// node is missing.
type node struct {
	builder *nodeBuilder
	place   int // in builder.entries
}

func (n node) isMissing() bool { return n.builder == nil }

func (n node) text() []byte { return n.builder.slice(n.builder.entries[n.place].text) }

// keepText returns the text for good.
func (n node) keepText() string { return n.builder.keepText(n.place, n.text()) }

func (n node) hasChildren() bool { return n.builder.entries[n.place].next > n.place+1 }

// children returns the children and their names.
func (n node) children() ([]node, *shape) { return n.builder.childrenOf(n.place) }

func (n node) childNames() []string {
	_, names := n.children()
	return names.names()
}

// readNode reads the next value, an element of a set.
func readNode(d document) (node, error) { return new(nodeBuilder).read(d) }

// nodeBuilder reads nodes. While a node is read, all names and texts in it are only copied. Children are looked at, and
// texts are kept for good, where somebody asks for them. Nodes of one set share their shapes and most of their texts:
// rows of a month have much in common.
type nodeBuilder struct {
	document document     // that the node is read from
	levels   []*nodeLevel // the node, its children, their children
	content  []byte       // all names and texts of the node
	entries  []nodeEntry  // the node, and all nodes within it, each before its children
	shapes   shapes
	children []node   // that were asked for, of all nodes
	kept     []string // by the place of its node, the text that was kept last
	pieces   textPieces
}

// nodeLevel is what a builder needs for a node that is being read, by its depth.
type nodeLevel struct {
	text      []byte
	readChild func(name []byte) error
}

// nodeEntry is a node as it was read.
type nodeEntry struct {
	name, text textSpan // in the content
	next       int      // the place of the first node behind it that is not within it
}

// Names and texts in the content of a node end in a byte that neither has, because both are valid UTF-8. So do the
// children of each node.
const endOfText, endOfChildren = 0xff, 0xfe

// read reads the next value, an element of a set.
func (b *nodeBuilder) read(d document) (node, error) {
	b.document, b.content, b.entries, b.children = d, b.content[:0], b.entries[:0], b.children[:0]
	err := b.readSubtree(nil, 0)
	return node{b, 0}, err
}

func (b *nodeBuilder) readSubtree(name []byte, depth int) error {
	if depth == len(b.levels) {
		b.levels = append(b.levels, &nodeLevel{readChild: func(name []byte) error {
			if depth == maxDepth {
				return classify(Decode, "nested more than %d deep", maxDepth)
			}
			return b.readSubtree(name, depth+1)
		}})
	}
	place, l := b.begin(name), b.levels[depth]
	text, err := b.document.readValue(l.text[:0], l.readChild)
	b.end(place, text)
	l.text = text
	return err
}

// begin adds a node, and returns its place. Its children are added next.
func (b *nodeBuilder) begin(name []byte) (place int) {
	place = len(b.entries)
	b.entries = append(b.entries, nodeEntry{})
	b.entries[place].name = b.add(name) // in place: a copy of the nodeEntry would take twice the time
	if place == len(b.kept) {
		b.kept = append(b.kept, "")
	}
	return place
}

// end completes the node at a place, whose children were added.
func (b *nodeBuilder) end(place int, text []byte) {
	b.content = append(b.content, endOfChildren)
	b.entries[place].text, b.entries[place].next = b.add(text), len(b.entries)
}

// add adds a name or a text to the content, and returns where it is.
func (b *nodeBuilder) add(text []byte) textSpan {
	from := len(b.content)
	b.content = append(append(b.content, text...), endOfText)
	return textSpan{from, from + len(text)}
}

func (b *nodeBuilder) slice(s textSpan) []byte { return b.content[s.from:s.to] }

// childrenOf returns the children of the node at a place, and their names.
func (b *nodeBuilder) childrenOf(place int) ([]node, *shape) {
	names, first := &b.shapes.empty, len(b.children)
	for at := place + 1; at < b.entries[place].next; at = b.entries[at].next {
		names = b.shapes.extend(names, b.slice(b.entries[at].name))
		b.children = append(b.children, node{b, at})
	}
	return b.children[first:], names
}

// keepText returns the text of the node at a place for good: the one that was kept last of a node there, if it is the
// same.
func (b *nodeBuilder) keepText(place int, text []byte) string {
	kept := &b.kept[place]
	if *kept != string(text) {
		*kept = b.pieces.keep(text)
	}
	return *kept
}

// digest returns a hash of everything in the node that was read last.
func (b *nodeBuilder) digest(seed maphash.Seed) uint64 { return maphash.Bytes(seed, b.content) }

// nodeReader returns the values in a node, and keeps the first error: its callers check one error for all fields.
type nodeReader struct {
	node     node
	children []node
	names    *shape // of the children; nil: nobody has asked for one
	err      error
}

// findChild returns the child of that name. Two of them are an error.
func (x *nodeReader) findChild(name string) node {
	if x.names == nil {
		x.children, x.names = x.node.children()
	}
	found := x.names.find(name)
	if found.isTwice {
		x.fail(name, errTwice)
	}
	if found.place < 0 {
		return node{}
	}
	return x.children[found.place]
}

// fail keeps err, of the child of that name, unless there was an error before.
func (x *nodeReader) fail(name string, err error) {
	if x.err == nil && err != nil {
		x.err = fmt.Errorf("%s: %w", name, err)
	}
}

// keep keeps err unless there was an error before.
func (x *nodeReader) keep(err error) {
	if x.err == nil {
		x.err = err
	}
}

// firstText returns the first of these texts that is not empty.
func (x *nodeReader) firstText(names ...string) string {
	for _, name := range names {
		if text := x.text(name); strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}

// text returns a text, which may be missing.
func (x *nodeReader) text(name string) string {
	text, _ := x.lookUp(name)
	return text
}

// lookUp returns a text, false if it is missing.
func (x *nodeReader) lookUp(name string) (text string, ok bool) {
	child := x.findChild(name)
	if child.isMissing() {
		return "", false
	}
	if child.hasChildren() {
		x.fail(name, errNotText)
	}
	return child.keepText(), true
}

// amount returns an amount. If it is missing, that is an error.
func (x *nodeReader) amount(name string) Amount {
	text, ok := x.lookUp(name)
	if !ok {
		x.fail(name, errMissing)
		return Amount{}
	}
	return x.parseAmount(name, text)
}

// optionalAmount returns an amount, false if it is missing, null or empty.
func (x *nodeReader) optionalAmount(name string) (Amount, bool) {
	text := x.text(name)
	if strings.TrimSpace(text) == "" {
		return Amount{}, false
	}
	return x.parseAmount(name, text), true
}

func (x *nodeReader) parseAmount(name, text string) Amount {
	amount, err := ParseAmount(text)
	x.fail(name, err)
	return amount
}

// readElements returns the elements of a set, which may be missing.
func readElements[T any](x *nodeReader, name string, read func(*nodeReader) T) []T {
	child := x.findChild(name)
	if child.isMissing() {
		return nil
	}
	if len(bytes.TrimSpace(child.text())) > 0 {
		x.fail(name, errNotSet)
	}
	var elements []T
	children, _ := child.children()
	for i, n := range children {
		element := nodeReader{node: n}
		elements = append(elements, read(&element))
		x.fail(fmt.Sprintf("%s %d", name, i+1), element.err)
	}
	return elements
}

// textSpan is where a name or a text is in the content of a node.
type textSpan struct{ from, to int }
