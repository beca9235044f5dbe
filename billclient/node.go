package billclient

import (
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxDepth limits how deep an item may be nested.
const maxDepth = 32

var (
	errTwice   = errors.New("twice in one object")
	errMissing = errors.New("missing")
)

// node is a small part of an answer, which is read whole.
type node struct {
	name     string
	text     string
	children []node
}

// readNode reads the next value, an element of a set.
func readNode(d document) (node, error) { return new(nodeBuilder).read(d) }

// nodeBuilder reads nodes. Those of one set share their names, which are the same in each, and most of their texts:
// rows of a month have much in common. A node is good until the next one is read, its texts are for good.
type nodeBuilder struct {
	names  map[string]string
	before []string // the texts of the node before, in their order
	count  int      // of texts of the node that is being read
	pieces textPieces
	nodes  []node // all children that were read of it
	open   []node // the children so far of nodes that are being read

	document document                         // that the node is read from
	children [maxDepth + 1]func([]byte) error // read a child of a node, by depth

	texts   [maxDepth + 1][]byte // of nodes that are being read, by depth
	content []byte               // of the node whose digest was made last
}

// maxSharedNames limits how many names are shared, so that an answer full of names does not fill the memory.
const maxSharedNames = 1000

// read reads the next value, an element of a set.
func (b *nodeBuilder) read(d document) (node, error) {
	b.document, b.count, b.nodes = d, 0, b.nodes[:0]
	return b.readSubtree("", 0)
}

func (b *nodeBuilder) readSubtree(name string, depth int) (node, error) {
	first := len(b.open)
	text, err := b.document.readValue(b.texts[depth][:0], b.childReader(depth))
	n := node{name: name, text: b.keepText(text), children: b.keepNodes(b.open[first:])}
	b.open, b.texts[depth] = b.open[:first], text
	return n, err
}

// childReader returns a function that reads a child of a node at a depth: one for all nodes there.
func (b *nodeBuilder) childReader(depth int) func(name []byte) error {
	if b.children[depth] == nil {
		b.children[depth] = func(name []byte) error {
			if depth == maxDepth {
				return classify(Decode, "nested more than %d deep", maxDepth)
			}
			child, err := b.readSubtree(b.share(name), depth+1)
			b.open = append(b.open, child)
			return err
		}
	}
	return b.children[depth]
}

// keepText returns a text for good: that of the node before, if it has the same one at the same place.
func (b *nodeBuilder) keepText(text []byte) string {
	if b.count == len(b.before) {
		b.before = append(b.before, "")
	}
	kept := &b.before[b.count]
	b.count++
	if *kept != string(text) {
		*kept = b.pieces.keep(text)
	}
	return *kept
}

// keepNodes returns a copy of nodes that is good until the next node is read.
func (b *nodeBuilder) keepNodes(nodes []node) []node {
	first := len(b.nodes)
	b.nodes = append(b.nodes, nodes...)
	return slices.Clip(b.nodes[first:])
}

// share returns a name as a text that all nodes of that name share.
func (b *nodeBuilder) share(name []byte) string {
	if shared, ok := b.names[string(name)]; ok {
		return shared
	}
	if b.names == nil {
		b.names = map[string]string{}
	}
	shared := string(name)
	if len(b.names) < maxSharedNames {
		b.names[shared] = shared
	}
	return shared
}

// digest returns a hash of everything in a node.
func (b *nodeBuilder) digest(n *node, seed maphash.Seed) uint64 {
	b.content = n.appendContent(b.content[:0])
	return maphash.Bytes(seed, b.content)
}

// appendContent appends the names and texts in the node to content. Each ends in a byte that no text has, because all
// texts are valid UTF-8, and so do the children.
func (n *node) appendContent(content []byte) []byte {
	const endOfText, endOfChildren = 0xff, 0xfe
	content = append(append(content, n.name...), endOfText)
	content = append(append(content, n.text...), endOfText)
	for i := range n.children {
		content = n.children[i].appendContent(content)
	}
	return append(content, endOfChildren)
}

// childNames returns the names of the children.
func (n *node) childNames() []string {
	var names []string
	for _, child := range n.children {
		names = append(names, child.name)
	}
	return names
}

// nodeReader returns the values in a node, and keeps the first error: its callers check one error for all fields.
type nodeReader struct {
	node node
	err  error
}

// findChild returns the child of that name, nil if there is none. Two of them are an error.
func (x *nodeReader) findChild(name string) *node {
	var found *node
	for i := range x.node.children {
		if isSameName(x.node.children[i].name, name) {
			if found != nil {
				x.fail(name, errTwice)
			}
			found = &x.node.children[i]
		}
	}
	return found
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
	child := x.findChild(name)
	if child == nil {
		return ""
	}
	if len(child.children) > 0 {
		x.fail(name, errNotText)
	}
	return child.text
}

// amount returns an amount. If it is missing, that is an error.
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

// optionalAmount returns an amount, false if it is missing, null or empty.
func (x *nodeReader) optionalAmount(name string) (Amount, bool) {
	if strings.TrimSpace(x.text(name)) == "" {
		return Amount{}, false
	}
	return x.amount(name), true
}

// readElements returns the elements of a set, which may be missing.
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
