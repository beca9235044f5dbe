package billclient

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxXMLDepth limits how deep elements may be nested in a part that is skipped.
const maxXMLDepth = 10000

// xmlDocument reads XML token by token. Attributes, comments and the case of names do not matter.
type xmlDocument struct {
	dec      *xml.Decoder
	window   *window
	consumed int64 // how many bytes had been read when the last token ended
}

// newXML reads up to the root element, which is the next value then. The encoding that the Content-Type names goes
// before the one of the XML declaration (RFC 7303, section 3.2).
func newXML(r *response) (*xmlDocument, error) {
	body := decodeBody(r)
	x := &xmlDocument{window: &window{body: body}}
	x.window.consumed = func() int64 { return x.consumed }
	x.dec = xml.NewDecoder(x.window)
	x.dec.CharsetReader = decodeCharset
	if r.hasMark || body != io.Reader(r.body) { // it is in UTF-8 by now, whatever the declaration says
		x.dec.CharsetReader = func(_ string, body io.Reader) (io.Reader, error) { return body, nil }
	}
	for {
		token, err := x.readToken()
		if err != nil {
			return nil, err
		}
		if _, ok := token.(xml.StartElement); ok {
			return x, nil
		}
	}
}

// decodeCharset returns body in UTF-8, for declarations such as encoding="GBK".
func decodeCharset(label string, body io.Reader) (io.Reader, error) {
	declared, err := findEncoding(label)
	if err != nil {
		return nil, fmt.Errorf("encoding %q: %w", label, err)
	}
	return decodeText(body, declared), nil
}

func (x *xmlDocument) readValue(text []byte, child func(name []byte) error) ([]byte, error) {
	begin, nested := len(text), false
	for {
		token, err := x.readToken()
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
				return text, classify(Decode, "a value is longer than %v", maxText)
			}
		case xml.EndElement:
			return trimLayout(text, begin, nested)
		}
	}
}

// trimLayout removes the white space between the elements of a value from text[begin:]. The text of a value without
// elements stays as it is.
func trimLayout(text []byte, begin int, nested bool) ([]byte, error) {
	if !nested {
		return text, nil
	}
	if stray := bytes.TrimSpace(text[begin:]); len(stray) > 0 {
		return text, classify(Decode, "text %q between elements", shorten(string(stray), 60))
	}
	return text[:begin], nil
}

func (x *xmlDocument) skipValue() error {
	for depth := 1; depth > 0; {
		token, err := x.readToken()
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			if depth++; depth > maxXMLDepth {
				return classify(Decode, "nested more than %d deep", maxXMLDepth)
			}
		case xml.EndElement:
			depth--
		}
	}
	return nil
}

func (x *xmlDocument) readItem() document { return &xmlItem{x, x.inputOffset() + int64(maxItem)} }

// inputOffset returns how many bytes have been read as values.
func (x *xmlDocument) inputOffset() int64 { return x.dec.InputOffset() }

func (x *xmlDocument) checkEnd() error {
	for {
		token, err := x.dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return x.explainError(err)
		}
		text, ok := token.(xml.CharData)
		if _, element := token.(xml.StartElement); element || ok && len(bytes.TrimSpace(text)) > 0 {
			return classify(Decode, "something follows the answer's end")
		}
	}
}

func (x *xmlDocument) readToken() (xml.Token, error) {
	token, err := x.dec.Token()
	x.consumed = x.window.read
	return token, x.explainError(err)
}

// explainError returns an error that wraps io.ErrUnexpectedEOF for a body that ended early: the decoder reports a
// syntax error then.
func (x *xmlDocument) explainError(err error) error {
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok && syntax.Msg == "unexpected EOF" {
		return fmt.Errorf("%w after offset %d", io.ErrUnexpectedEOF, x.inputOffset())
	}
	return err
}

// xmlItem is an element of a set.
type xmlItem struct {
	*xmlDocument
	limit int64 // the offset from which on the item is too large
}

func (x *xmlItem) readValue(text []byte, child func(name []byte) error) ([]byte, error) {
	if child == nil {
		return x.xmlDocument.readValue(text, nil)
	}
	return x.xmlDocument.readValue(text, func(name []byte) error {
		if x.inputOffset() > x.limit {
			return classify(Decode, "larger than %v", maxItem)
		}
		return child(name)
	})
}

// window limits how much of an answer a decoder can hold at once: it provides at most maxText bytes beyond those that
// the decoder has consumed.
type window struct {
	body     io.Reader
	consumed func() int64
	read     int64
	err      error // of the body, other than io.EOF
}

func (w *window) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	room := int64(maxText) - (w.read - w.consumed())
	if room <= 0 {
		// This error is not kept: there is room again once the decoder has consumed what it holds.
		return 0, classify(Decode, "a value is longer than %v", maxText)
	}
	n, err := w.body.Read(p[:min(int64(len(p)), room)])
	w.read += int64(n)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}
