package billclient

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonDocument reads JSON token by token, but for items that are short enough to be read whole. A name that comes twice
// in an object is for the reader to notice; bytes that are not UTF-8 become U+FFFD.
type jsonDocument struct {
	dec    *jsontext.Decoder
	window *window
	whole  jsonItem // the last item that was read whole
}

func newJSON(body io.Reader) *jsonDocument {
	w := &window{body: body}
	dec := jsontext.NewDecoder(w, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	w.done = dec.InputOffset
	return &jsonDocument{dec: dec, window: w}
}

func (j *jsonDocument) value(text []byte, child func(name []byte) error) ([]byte, error) {
	if child != nil {
		if kind := j.dec.PeekKind(); kind == '{' || kind == '[' {
			return text, j.children(child)
		}
	}
	raw, err := j.dec.ReadValue()
	if err != nil {
		return text, j.explain(err)
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

// children reads an object or a list, whose elements have no name.
func (j *jsonDocument) children(child func(name []byte) error) error {
	open, err := j.dec.ReadToken()
	if err != nil {
		return j.explain(err)
	}
	for {
		if kind := j.dec.PeekKind(); kind == '}' || kind == ']' {
			_, err := j.dec.ReadToken()
			return j.explain(err)
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
		return nil, j.explain(err)
	}
	return lower(unquote(nil, raw)), nil
}

// lower turns ASCII letters to lower case, in place.
func lower(name []byte) []byte {
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			name[i] = c + 'a' - 'A'
		}
	}
	return name
}

// unquote appends a JSON string's text. The decoder has found it well formed but for its UTF-8, so there is no other
// error.
func unquote(text []byte, raw jsontext.Value) []byte {
	if plain := raw[1 : len(raw)-1]; isPlain(plain) {
		return append(text, plain...)
	}
	text, _ = jsontext.AppendUnquote(text, raw)
	return text
}

func (j *jsonDocument) skip() error {
	return j.explain(j.dec.SkipValue())
}

// item reads the element whole if it is no longer than one text may be, which is faster than value by value. A decoder
// that fails to read a value has not moved: what is longer, wrong or broken off is then read value by value, to find
// out which of them is to blame.
func (j *jsonDocument) item() document {
	raw, err := j.dec.ReadValue()
	if err != nil {
		return newBounded(j)
	}
	j.whole.reset(raw)
	return &j.whole
}

func (j *jsonDocument) offset() int64 { return j.dec.InputOffset() }

func (j *jsonDocument) end() error {
	_, err := j.dec.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		return because(Decode, "something follows the answer's end")
	}
	return j.explain(err)
}

// explain prefers what broke the body, or its reader's limit, to what the decoder says about it.
func (j *jsonDocument) explain(err error) error {
	if err == nil {
		return nil
	}
	if j.window.err != nil {
		return j.window.err
	}
	if own, ok := errors.AsType[*classified](err); ok {
		return own
	}
	return err
}

// isPlain tells whether what stands between the quotes of a JSON string is its text.
func isPlain(s []byte) bool { return bytes.IndexByte(s, '\\') < 0 && utf8.Valid(s) }
