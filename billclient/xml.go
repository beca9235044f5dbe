package billclient

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// maxXMLDepth bounds what is nested in a part that is skipped.
const maxXMLDepth = 10000

// xmlDocument reads XML token by token. Attributes, comments and the case of names do not matter.
type xmlDocument struct {
	dec    *xml.Decoder
	window *window
	seen   int64 // how much was read when the last token ended
}

// newXML reads up to the root element, which is the value at hand then.
func newXML(body io.Reader) (*xmlDocument, error) {
	x := &xmlDocument{window: &window{body: body}}
	x.window.done = func() int64 { return x.seen }
	x.dec = xml.NewDecoder(x.window)
	x.dec.CharsetReader = decodeCharset
	for {
		token, err := x.token()
		if err != nil {
			return nil, err
		}
		if _, ok := token.(xml.StartElement); ok {
			return x, nil
		}
	}
}

// decodeCharset serves declarations such as encoding="GBK".
func decodeCharset(label string, body io.Reader) (io.Reader, error) {
	encoding, err := htmlindex.Get(label)
	if err != nil {
		return nil, fmt.Errorf("encoding %q: %w", label, err)
	}
	return encoding.NewDecoder().Reader(body), nil
}

func (x *xmlDocument) value(text []byte, child func(name []byte) error) ([]byte, error) {
	begin, nested := len(text), false
	for {
		token, err := x.token()
		if err != nil {
			return text, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if child == nil {
				return text, errNotText
			}
			nested = true
			if err := child([]byte(strings.ToLower(token.Name.Local))); err != nil {
				return text, err
			}
		case xml.CharData:
			if text = append(text, token...); len(text)-begin > int(maxText) {
				return text, because(Decode, "a value is longer than %v", maxText)
			}
		case xml.EndElement:
			return withoutLayout(text, begin, nested)
		}
	}
}

// withoutLayout drops the white space between elements. A leaf's text stays as it is.
func withoutLayout(text []byte, begin int, nested bool) ([]byte, error) {
	if !nested {
		return text, nil
	}
	if stray := bytes.TrimSpace(text[begin:]); len(stray) > 0 {
		return text, because(Decode, "text %q between elements", shorten(string(stray), 60))
	}
	return text[:begin], nil
}

func (x *xmlDocument) skip() error {
	for depth := 1; depth > 0; {
		token, err := x.token()
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			if depth++; depth > maxXMLDepth {
				return because(Decode, "nested more than %d deep", maxXMLDepth)
			}
		case xml.EndElement:
			depth--
		}
	}
	return nil
}

func (x *xmlDocument) item() document { return newBounded(x) }

func (x *xmlDocument) offset() int64 { return x.dec.InputOffset() }

func (x *xmlDocument) end() error {
	for {
		token, err := x.dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return x.explain(err)
		}
		text, ok := token.(xml.CharData)
		if _, element := token.(xml.StartElement); element || ok && len(bytes.TrimSpace(text)) > 0 {
			return because(Decode, "something follows the answer's end")
		}
	}
}

func (x *xmlDocument) token() (xml.Token, error) {
	token, err := x.dec.Token()
	x.seen = x.window.read
	return token, x.explain(err)
}

// explain tells a body that ended early from a wrong one.
func (x *xmlDocument) explain(err error) error {
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok && syntax.Msg == "unexpected EOF" {
		return fmt.Errorf("%w after offset %d", io.ErrUnexpectedEOF, x.offset())
	}
	return err
}
