package billclient

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// FuzzJSONVerdict compares the reader with jsontext and json/v2, however the bytes arrive: all accept and refuse the
// same texts and beginnings of texts, and read the same values from them.
func FuzzJSONVerdict(f *testing.F) {
	for _, text := range []string{
		`{"A":{"a":1},"a":[true,false,null,-0.5e+3,"x"],"":{}}`, "\r\n\t [ ] \n", "{} {}", "[1,]", `{"a":1,}`, "[1 2]",
		`{"a" 1}`, `{1:2}`, `["\ud83d\ude00","\ud83dx","\ude00\ud83d","\ud83d\ud83d\ude00","\u00E9\"\\\/\b\f\n\r\t"]`,
		`["\u12G4"]`, `["\x"]`, "[\"\x1f\"]", "[\"\x7f\"]", "[\"\xff\xc3\",\"\xe4\xba\x91\"]", "\uFEFF{}", "[\x00]",
		"[0,-0,10,1.0,1e5,1E-05]", "[01]", "[1.]", "[.5]", "[-]", "[+1]", "[1e]",
		"[0x1]", "[tru]", "[nulll]", "[NaN]", "12", "", `[{"a";"b"}]`, `[{"a","b"}]`, `[["a"}]`,
		`[{"a":"b"]]`, `[{"a":"b";}]`,
		`{"` + strings.Repeat("n", 70) + `":1,"` + strings.Repeat("语", 30) + `":""}`, string(benchAnswer(0, 1)),
		`[` + strings.Repeat(`{"a":"1","\u0062":2, "c" :{"d":"4"}},`, 3) + `{}]`,
		`{"a":{"a":{"a":{"a":{"a":{"a":{"b":1}}}}}}}`,
	} {
		f.Add([]byte(text), uint16(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, size uint16) {
		accepted := checkVerdict(t, text, int(size)) == nil
		for end := range len(text) {
			if len(text) > 100 && end != int(size)%len(text) {
				continue // all beginnings of longer texts would take long
			}
			err := checkVerdict(t, text[:end], int(size))
			if accepted && err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q, the beginning of %q: error %v", text[:end], text, err)
			}
		}
	})
}

// asLenient makes the libraries as lenient as the reader is.
var asLenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// checkVerdict returns the error of the text, however its bytes arrive. What jsontext takes for malformed is not taken
// for the beginning of something; the reverse is possible, because jsontext reads a number to its end before it finds
// that there should be a name.
func checkVerdict(t *testing.T, text []byte, size int) (err error) {
	t.Helper()
	want, wantErr := readReference(text)
	var raw jsontext.Value
	err = jsonv2.Unmarshal(text, &raw, asLenient...)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: json/v2 has error %v, jsontext %v", text, err, wantErr)
	}
	whole := func() io.Reader { return bytes.NewReader(text) }
	for name, body := range map[string]func() io.Reader{
		"whole":     whole,
		"with EOF":  func() io.Reader { return iotest.DataErrReader(whole()) },
		"by byte":   func() io.Reader { return iotest.OneByteReader(whole()) },
		"in pieces": func() io.Reader { return &pieceReader{whole(), size%5000 + 1} },
	} {
		var got jsonTree
		got, err = readTree(body())
		if (err == nil) != (wantErr == nil) || isCut(err) && !isCut(wantErr) {
			t.Errorf("%q, %s: error %v, want %v", text, name, err, wantErr)
		}
		if wantErr == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q, %s:\n%v, want\n%v", text, name, got, want)
		}
		if skipErr := skipWhole(body()); (err == nil) != (skipErr == nil) || isCut(err) != isCut(skipErr) {
			t.Errorf("%q, %s: error %v, skipped %v", text, name, err, skipErr)
		}
	}
	return err
}

// TestLargeJSON compares the reader with the libraries as FuzzJSONVerdict does, for texts that are too large to be
// fuzzed: at the limit of their depth, and longer than the buffers.
func TestLargeJSON(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("[", maxJSONDepth) + strings.Repeat("]", maxJSONDepth),
		strings.Repeat(`{"a":[`, maxJSONDepth/2) + "[" + strings.Repeat("]}", maxJSONDepth/2) + "]",
		strings.Repeat("[", maxJSONDepth-1) + `[["x"]]` + strings.Repeat("]", maxJSONDepth-1),
		`{"` + strings.Repeat("语", 3000) + `":"` + strings.Repeat("x", 3*secondBuffer) + `"}`,
		strings.Repeat(" ", firstBuffer) + string(benchAnswer(0, 400)) + strings.Repeat(" ", 3*secondBuffer),
		`[` + strings.Repeat(`{"a":"1","\u0062":2, "c" :{"d":"4"}},`, 5000) + `{}]`,
	} {
		checkVerdict(t, []byte(text), 999)
		checkVerdict(t, []byte(text[:len(text)*2/3]), 4094)
	}
}

func isCut(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }

// pieceReader returns at most size bytes at once.
type pieceReader struct {
	io.Reader
	size int
}

func (p *pieceReader) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.size)]) }

// jsonTree is a value of a JSON text with everything in it.
type jsonTree struct {
	name, text string
	children   []jsonTree
}

// readTree reads a whole text as an answer is read.
func readTree(body io.Reader) (jsonTree, error) {
	j := newJSON(body)
	tree, err := readSubtree(j, nil)
	if err == nil {
		err = j.checkEnd()
	}
	return tree, err
}

func readSubtree(d document, name []byte) (jsonTree, error) {
	n := jsonTree{name: string(name)}
	text, err := d.readValue(nil, func(name []byte) error {
		child, err := readSubtree(d, name)
		n.children = append(n.children, child)
		return err
	})
	n.text = string(text)
	return n, err
}

// skipWhole skips a whole text.
func skipWhole(body io.Reader) error {
	j := newJSON(body)
	if err := j.skipValue(); err != nil {
		return err
	}
	return j.checkEnd()
}

// readReference does with jsontext what readTree does.
func readReference(text []byte) (jsonTree, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(text), asLenient...)
	tree, err := readTokens(dec, "")
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return tree, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return tree, errors.New("something follows")
	}
	return tree, nil
}

func readTokens(dec *jsontext.Decoder, name string) (jsonTree, error) {
	n := jsonTree{name: name}
	if kind := dec.PeekKind(); kind != '{' && kind != '[' {
		raw, err := dec.ReadValue()
		if kind == '"' && err == nil {
			raw, _ = jsontext.AppendUnquote(nil, raw)
		}
		if kind != 'n' {
			n.text = string(raw)
		}
		return n, err
	}
	open, err := dec.ReadToken()
	if err != nil {
		return n, err
	}
	isObject := open.Kind() == '{'
	for {
		if kind := dec.PeekKind(); kind == '}' || kind == ']' {
			_, err := dec.ReadToken()
			return n, err
		}
		var name []byte
		if isObject {
			token, err := dec.ReadToken()
			if err != nil {
				return n, err
			}
			name = lowerASCII([]byte(token.String()))
		}
		child, err := readTokens(dec, string(name))
		if err != nil {
			return n, err
		}
		n.children = append(n.children, child)
	}
}
