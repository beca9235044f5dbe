package billclient

import (
	"errors"
	"fmt"
	"strings"
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
func readNode(d document) (node, error) {
	return readSubtree(d, "", 0)
}

func readSubtree(d document, name string, depth int) (node, error) {
	n := node{name: name}
	text, err := d.readValue(nil, func(name []byte) error {
		if depth == maxDepth {
			return classify(Decode, "nested more than %d deep", maxDepth)
		}
		child, err := readSubtree(d, string(name), depth+1)
		n.children = append(n.children, child)
		return err
	})
	n.text = string(text)
	return n, err
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
		if strings.EqualFold(x.node.children[i].name, name) {
			if found != nil {
				x.fail(name, errTwice)
			}
			found = &x.node.children[i]
		}
	}
	return found
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
