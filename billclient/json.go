package billclient

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonDocument reads JSON token by token, except for items that are short enough to be read whole. It accepts a name
// that comes twice in an object, which its reader has to notice, and replaces bytes that are not UTF-8 by U+FFFD.
type jsonDocument struct {
	dec       *jsontext.Decoder
	window    *window
	wholeItem jsonItem // the last item that was read whole
}

func newJSON(body io.Reader) *jsonDocument {
	w := &window{body: body}
	dec := jsontext.NewDecoder(w, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	w.consumed = dec.InputOffset
	return &jsonDocument{dec: dec, window: w}
}

func (j *jsonDocument) readValue(text []byte, child func(name []byte) error) ([]byte, error) {
	if child != nil {
		if kind := j.dec.PeekKind(); kind == '{' || kind == '[' {
			return text, j.readMembers(child)
		}
	}
	raw, err := j.dec.ReadValue()
	if err != nil {
		return text, j.explainError(err)
	}
	switch raw.Kind() {
	case '{', '[':
		return text, errNotText
	case 'n':
		return text, nil
	case '"':
		return unquote(text, raw), nil
	default:
		return append(text, raw...), nil
	}
}

// readMembers hands the members of an object, or the elements of a list, which have no name, to child.
func (j *jsonDocument) readMembers(child func(name []byte) error) error {
	open, err := j.dec.ReadToken()
	if err != nil {
		return j.explainError(err)
	}
	for {
		if kind := j.dec.PeekKind(); kind == '}' || kind == ']' {
			_, err := j.dec.ReadToken()
			return j.explainError(err)
		}
		var name []byte
		if open.Kind() == '{' {
			if name, err = j.readName(); err != nil {
				return err
			}
		}
		if err := child(name); err != nil {
			return err
		}
	}
}

func (j *jsonDocument) readName() ([]byte, error) {
	raw, err := j.dec.ReadValue()
	if err != nil {
		return nil, j.explainError(err)
	}
	return lowerASCII(unquote(nil, raw)), nil
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

// unquote appends the text of a JSON string. The decoder has checked everything but the UTF-8 of the string, so the
// only error that AppendUnquote can return is one of UTF-8, and that is replaced by U+FFFD.
func unquote(text []byte, raw jsontext.Value) []byte {
	if plain := raw[1 : len(raw)-1]; isPlain(plain) {
		return append(text, plain...)
	}
	text, _ = jsontext.AppendUnquote(text, raw)
	return text
}

func (j *jsonDocument) skipValue() error {
	return j.explainError(j.dec.SkipValue())
}

// readItem reads the element whole if it is not longer than one text may be, because that is faster than value by
// value. A decoder that fails to read a value has not moved, so an element that is longer, malformed or cut off is
// then read value by value, until the value that is wrong.
func (j *jsonDocument) readItem() document {
	raw, err := j.dec.ReadValue()
	if err != nil {
		return newBoundedItem(j)
	}
	j.wholeItem.reset(raw)
	return &j.wholeItem
}

func (j *jsonDocument) inputOffset() int64 { return j.dec.InputOffset() }

func (j *jsonDocument) checkEnd() error {
	_, err := j.dec.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		return classify(Decode, "something follows the answer's end")
	}
	return j.explainError(err)
}

// explainError returns the error that broke the body, or the limit of its reader, in place of what the decoder says
// about it.
func (j *jsonDocument) explainError(err error) error {
	if err == nil {
		return nil
	}
	if j.window.err != nil {
		return j.window.err
	}
	if classified, ok := errors.AsType[*classifiedError](err); ok {
		return classified
	}
	return err
}

// isPlain reports whether the bytes between the quotes of a JSON string are its text as they are.
func isPlain(s []byte) bool { return bytes.IndexByte(s, '\\') < 0 && utf8.Valid(s) }
