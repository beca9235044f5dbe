package billclient

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonDocument reads JSON token by token. A name that comes twice in an object is for the reader to notice; bytes
// that are not UTF-8 become U+FFFD.
type jsonDocument struct {
	dec    *jsontext.Decoder
	window *window
	names  [maxNames]knownName // by their place in an object: the next line has the same ones
}

const (
	maxNames = 64
	maxName  = 64
)

// knownName is a name as it stands in the answer, quotes and all, and in lower case.
type knownName struct{ raw, lower []byte }

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
	for place := 0; ; place++ {
		if kind := j.dec.PeekKind(); kind == '}' || kind == ']' {
			_, err := j.dec.ReadToken()
			return j.explain(err)
		}
		var name []byte
		if open.Kind() == '{' {
			if name, err = j.readName(place); err != nil {
				return err
			}
		}
		if err := child(name); err != nil {
			return err
		}
	}
}

// readName remembers the names of the first places: to see that one is the same again is faster than to read it.
// Further and longer names, which no documented object has, share the last place.
func (j *jsonDocument) readName(place int) ([]byte, error) {
	raw, err := j.dec.ReadValue()
	if err != nil {
		return nil, j.explain(err)
	}
	if place >= len(j.names) || len(raw) > maxName {
		place = len(j.names) - 1
	}
	known := &j.names[place]
	if !bytes.Equal(known.raw, raw) {
		known.raw = append(known.raw[:0], raw...)
		known.lower = lower(unquote(known.lower[:0], raw))
	}
	return known.lower, nil
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

// explain prefers what broke the body to what the decoder says about it.
func (j *jsonDocument) explain(err error) error {
	if err != nil && j.window.err != nil {
		return j.window.err
	}
	return err
}

// isPlain tells whether what stands between the quotes of a JSON string is its text.
func isPlain(s []byte) bool { return bytes.IndexByte(s, '\\') < 0 && utf8.Valid(s) }
