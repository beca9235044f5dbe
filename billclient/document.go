package billclient

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/alecthomas/units"
)

// These limit how much of an answer is in memory at once.
const (
	maxText = 1 * units.MiB  // one text
	maxItem = 16 * units.MiB // one line, or one month's bill
)

var (
	errNotText = errors.New("an object or a list in place of a text")
	errNotSet  = errors.New("a text in place of a list")
)

// document is an answer in either notation of the API, which is read once, from its beginning to its end. A member of
// an object in JSON, or an element of a list, is an element in XML; the names of list elements in XML mean nothing. So
// one reader of an action's answer serves both notations.
type document interface {
	// readValue reads the next value. If it is a text, readValue appends it to text. If it has children, readValue
	// hands each of them to child, which has to read or to skip it. Names are in lower case and valid until the next
	// read. If child is nil, a value that has children is an error.
	readValue(text []byte, child func(name []byte) error) ([]byte, error)
	// skipValue skips the next value, whatever it is.
	skipValue() error
}

// answer is a document from its first byte on.
type answer interface {
	document
	// readItem returns the next value, an element of a set, as a document that fails if it gets too large. That
	// document has to be read before anything else of the answer.
	readItem() document
	// checkEnd fails unless only white space follows.
	checkEnd() error
}

// readChildren hands the children of the next value to child. A null or an empty text has none.
func readChildren(d document, child func(name []byte) error) error {
	text, err := d.readValue(nil, child)
	if err != nil {
		return err
	}
	return requireNoText(text)
}

// requireNoText fails if a value has a text where it should have children.
func requireNoText(text []byte) error {
	if len(bytes.TrimSpace(text)) > 0 {
		return errNotSet
	}
	return nil
}

// locate returns err with its place in the answer, and nil for nil.
func locate(place string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", place, err)
}
