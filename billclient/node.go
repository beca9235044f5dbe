package billclient

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
)

// maxDepth limits how deep an item may be nested.
const maxDepth = 32

var (
	errTwice   = errors.New("twice in one object")
	errMissing = errors.New("missing")
)

// node is a small part of an answer, which is read whole. It is good until its builder reads the next one.
type node struct {
	shape    *shape // the names of the children
	children []node
	text     []byte
	number   int // of the node among all that were read with it
}

// childNames returns the names of the children.
func (n *node) childNames() []string { return n.shape.names() }

// readNode reads the next value, an element of a set.
func readNode(d document) (node, error) { return new(nodeBuilder).read(d) }

// nodeBuilder reads nodes. Those of one set share their shapes, and most of their texts: rows of a month have much in
// common. A text is kept for good only if somebody asks for it.
type nodeBuilder struct {
	document document     // that the node is read from
	levels   []*nodeLevel // the node, its children, their children
	shapes   shapes
	content  []byte   // all names and texts of the node
	count    int      // of the nodes that were read
	kept     []string // by the number of its node, the text that was kept last
	pieces   textPieces
}

// nodeLevel is what a builder has of the nodes at a depth.
type nodeLevel struct {
	shape     *shape // of the node that is being read, so far
	text      []byte // likewise
	children  []node // of all nodes that were read there: those of each node follow each other
	readChild func(name []byte) error
}

// Names and texts in the content of a node end in a byte that neither has, because both are valid UTF-8. So do the
// children of each node.
const endOfText, endOfChildren = 0xff, 0xfe

// read reads the next value, an element of a set.
func (b *nodeBuilder) read(d document) (n node, err error) {
	b.document, b.content, b.count = d, b.content[:0], 0
	for _, l := range b.levels {
		l.children = l.children[:0]
	}
	err = b.readSubtree(&n, 0)
	if missing := b.count - len(b.kept); missing > 0 {
		b.kept = append(b.kept, make([]string, missing)...)
	}
	return n, err
}

func (b *nodeBuilder) readSubtree(n *node, depth int) error {
	if depth == len(b.levels) {
		b.levels = append(b.levels, b.newLevel(depth))
	}
	l := b.levels[depth]
	l.shape = &b.shapes.empty
	first := len(l.children)
	text, err := b.document.readValue(l.text[:0], l.readChild)
	l.text = text
	b.content = append(b.content, endOfChildren)
	begin := len(b.content)
	b.content = append(b.content, text...)
	*n = node{l.shape, slices.Clip(l.children[first:]), b.content[begin:], b.count}
	b.content = append(b.content, endOfText)
	b.count++
	return err
}

func (b *nodeBuilder) newLevel(depth int) *nodeLevel {
	l := &nodeLevel{}
	l.readChild = func(name []byte) error { // one function for all children, because each is an allocation
		if depth == maxDepth {
			return classify(Decode, "nested more than %d deep", maxDepth)
		}
		l.shape = b.shapes.extend(l.shape, name)
		b.content = append(append(b.content, name...), endOfText)
		l.children = append(l.children, node{})
		// Its own children go to the level below, so this one stays in its place.
		return b.readSubtree(&l.children[len(l.children)-1], depth+1)
	}
	return l
}

// keepText returns the text of a node for good: the one that was kept of the node of this number before, if it is the
// same. Without a builder, each text is one of its own.
func (b *nodeBuilder) keepText(n *node) string {
	if b == nil {
		return string(n.text)
	}
	kept := &b.kept[n.number]
	if *kept != string(n.text) {
		*kept = b.pieces.keep(n.text)
	}
	return *kept
}

// digest returns a hash of everything in the node that was read last.
func (b *nodeBuilder) digest(seed maphash.Seed) uint64 { return maphash.Bytes(seed, b.content) }

// nodeReader returns the values in a node, and keeps the first error: its callers check one error for all fields.
type nodeReader struct {
	node    node
	builder *nodeBuilder // that keeps the texts of the node; may be nil
	err     error
}

// findChild returns the child of that name, nil if there is none. Two of them are an error.
func (x *nodeReader) findChild(name string) *node {
	found := x.node.shape.find(name)
	if found.isTwice {
		x.fail(name, errTwice)
	}
	if found.place < 0 {
		return nil
	}
	return &x.node.children[found.place]
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
	if child == nil {
		return "", false
	}
	if len(child.children) > 0 {
		x.fail(name, errNotText)
	}
	return x.builder.keepText(child), true
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
	if child == nil {
		return nil
	}
	if len(bytes.TrimSpace(child.text)) > 0 {
		x.fail(name, errNotSet)
	}
	var elements []T
	for i, n := range child.children {
		element := nodeReader{node: n, builder: x.builder}
		elements = append(elements, read(&element))
		x.fail(fmt.Sprintf("%s %d", name, i+1), element.err)
	}
	return elements
}
