package billclient

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonInput is the body of an answer in JSON, of which a part is in memory, and finds where the parts of a value end.
type jsonInput struct {
	body    io.Reader
	bodyErr error  // of the body, io.EOF too
	buf     []byte // what is in memory of the body, and endMark behind it
	dropped int64  // how many bytes were before that
	begin   int    // where in buf the token at hand begins; what is before it may be dropped
	pos     int    // how many bytes of buf have been read
	end     int    // how many bytes of buf are of the body
	pooled  *secondBytes
}

// endMark stands behind the bytes in memory. It is as long as a word, so that each of them begins a word. A NUL is
// no part of any value, so that whoever reads byte by byte stops there, and looks only then whether it is the end.
const endMark = "\x00\x00\x00\x00\x00\x00\x00\x00"

// Most answers fit into the first buffer. The second one has room for what bufio.Reader passes on without a copy, and
// for a line. Only an answer with longer texts needs more.
const (
	firstBuffer  = 4 << 10
	secondBuffer = 2 * bufferSize
)

// maxEmptyReads is how often a body may return nothing and no error.
const maxEmptyReads = 100

func newJSONInput(body io.Reader) jsonInput {
	return jsonInput{body: body, buf: make([]byte, firstBuffer+len(endMark))}
}

// offset returns how many bytes have been read.
func (i *jsonInput) offset() int64 { return i.dropped + int64(i.pos) }

// consume ends the token at hand. Its bytes are valid until more are read.
func (i *jsonInput) consume() { i.begin = i.pos }

// more reads more of the body. It fails with io.ErrUnexpectedEOF at the body's end, and if the token at hand is longer
// than a text may be. The bytes in memory may move.
func (i *jsonInput) more() error {
	room := int(maxText) - (i.end - i.begin)
	if i.bodyErr == nil && room <= 0 {
		return classify(Decode, "a value is longer than %v", maxText)
	}
	if i.bodyErr == nil {
		i.makeRoom()
	}
	for empty := 0; i.bodyErr == nil; empty++ {
		n, err := i.body.Read(i.buf[i.end:min(i.end+room, len(i.buf)-len(endMark))])
		i.end += n
		i.bodyErr = err
		if n > 0 {
			copy(i.buf[i.end:], endMark)
			return nil
		}
		if empty == maxEmptyReads && err == nil {
			i.bodyErr = io.ErrNoProgress
		}
	}
	if i.bodyErr == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return i.bodyErr
}

// breakOff gives up the rest of the body: whoever reads on gets err.
func (i *jsonInput) breakOff(err error) {
	i.begin, i.pos, i.bodyErr = i.end, i.end, err
}

// isAtEnd reports whether the whole body has been read.
func (i *jsonInput) isAtEnd() bool { return i.pos == i.end && i.bodyErr == io.EOF }

// makeRoom makes room behind the bytes in memory, if there is little. It moves the token at hand to the beginning of
// the buffer, or of a larger one if this one is full.
func (i *jsonInput) makeRoom() {
	size := len(i.buf) - len(endMark)
	if room := size - i.end; room >= bufferSize || room > 0 && i.begin == 0 {
		return
	}
	token, buf := i.buf[i.begin:i.end], i.buf
	if i.end == size && size < secondBuffer {
		i.pooled = secondBuffers.Get().(*secondBytes)
		buf = i.pooled[:]
	} else if i.end == size && len(token) > size/2 {
		buf = make([]byte, 2*size+len(endMark))
	}
	copy(buf, token)
	copy(buf[len(token):], endMark)
	i.dropped += int64(i.begin)
	i.buf, i.begin, i.pos, i.end = buf, 0, i.pos-i.begin, len(token)
}

// secondBuffers are those of answers that were read: a table of them would be most of what is allocated to read the
// answers of many accounts.
var secondBuffers = sync.Pool{New: func() any { return new(secondBytes) }}

type secondBytes [secondBuffer + len(endMark)]byte

// release gives up the input, of which nothing must be read any more.
func (i *jsonInput) release() {
	if i.pooled != nil {
		secondBuffers.Put(i.pooled)
	}
	*i = jsonInput{}
}

// peek moves to the next byte that is not white space, and returns it.
func (i *jsonInput) peek() (byte, error) {
	if c := i.buf[i.pos]; c > ' ' {
		return c, nil
	}
	return i.peekBehindSpace()
}

func (i *jsonInput) peekBehindSpace() (byte, error) {
	for {
		switch c := i.buf[i.pos]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i.pos++
		case i.pos < i.end:
			return c, nil
		default:
			if err := i.more(); err != nil {
				return 0, err
			}
		}
	}
}

// current returns the byte at hand, a NUL at the end of the body.
func (i *jsonInput) current() (byte, error) {
	if i.pos == i.end {
		if err := i.more(); err != nil && !i.isAtEnd() {
			return 0, err
		}
	}
	return i.buf[i.pos], nil
}

// unexpected returns the error of the byte at hand, which has no business at that place.
func (i *jsonInput) unexpected(where string) error {
	c, err := i.current()
	switch {
	case err != nil:
		return err
	case i.isAtEnd():
		return io.ErrUnexpectedEOF
	default:
		return fmt.Errorf("character %q %s", c, where)
	}
}

// skipBytes moves behind these bytes if they follow, and reports whether they do.
func (i *jsonInput) skipBytes(b []byte) bool {
	end := i.pos + len(b)
	if len(b) == 0 || end > i.end || string(i.buf[i.pos:end]) != string(b) {
		return false
	}
	i.pos = end
	return true
}

// skipComma moves behind the comma that ends a token, if it is at hand, and reports whether it is.
func (i *jsonInput) skipComma() bool {
	if i.buf[i.pos] != ',' {
		return false
	}
	i.begin = i.pos
	i.pos++
	return true
}

// skipPlain returns where the value at b[pos] ends, if it consists of strings without escapes, lists and objects, has
// no white space, and is not nested deeper than that. So are the sets of lines, which are rarely read. For another
// value, and for one that does not end in b, it returns 0.
func skipPlain(b []byte, pos, depth int) int {
	open := b[pos]
	if open == '"' {
		return skipPlainString(b, pos)
	}
	if open != '{' && open != '[' || depth == 0 {
		return 0
	}
	if b[pos+1] == closing(open) {
		return pos + 2
	}
	for next := byte(','); next == ','; next = b[pos] {
		if pos++; open == '{' {
			if pos = skipPlainString(b, pos); pos == 0 || b[pos] != ':' {
				return 0
			}
			pos++
		}
		if pos = skipPlain(b, pos, depth-1); pos == 0 {
			return 0
		}
	}
	if b[pos] != closing(open) {
		return 0
	}
	return pos + 1
}

// skipPlainString returns where the string at b[pos] ends, 0 if it has escapes or does not end in b.
func skipPlainString(b []byte, pos int) int {
	if b[pos] != '"' {
		return 0
	}
	end, _ := findSpecial(b, pos+1)
	if b[end] != '"' {
		return 0
	}
	return end + 1
}

// scanColon moves behind the colon after a name.
func (i *jsonInput) scanColon() error {
	i.consume()
	c, err := i.peek()
	if err != nil {
		return err
	}
	if c != ':' {
		return i.unexpected("after a name")
	}
	i.pos++
	return nil
}

// jsonString is a string as it stands in an answer. It is valid until more is read.
type jsonString struct {
	raw         []byte // with its quotes
	isEscaped   bool   // it has a backslash
	beyondASCII bool   // it has bytes that are not ASCII
}

// appendText appends the text of a string to text.
func (s jsonString) appendText(text []byte) []byte {
	inner := s.raw[1 : len(s.raw)-1]
	if !s.isEscaped && (!s.beyondASCII || utf8.Valid(inner)) {
		return append(text, inner...)
	}
	// The only error that is possible here is one of UTF-8, and that is replaced by U+FFFD.
	text, _ = jsontext.AppendUnquote(text, s.raw)
	return text
}

// scanString moves behind the string that begins at hand, and returns it.
func (i *jsonInput) scanString() (s jsonString, err error) {
	from := i.pos - i.begin // the token at hand may move
	i.pos++
	for {
		var beyond bool
		i.pos, beyond = findSpecial(i.buf, i.pos)
		s.beyondASCII = s.beyondASCII || beyond
		switch c := i.buf[i.pos]; {
		case c == '"':
			i.pos++
			s.raw = i.buf[i.begin+from : i.pos]
			return s, nil
		case c == '\\':
			s.isEscaped = true
			err = i.scanEscape()
		case i.pos == i.end:
			err = i.more()
		default:
			err = i.unexpected("in a string")
		}
		if err != nil {
			return s, err
		}
	}
}

// These have a bit, or the highest one, in each byte of a word.
const (
	eachByte    = 0x0101010101010101
	highestBits = 0x80 * eachByte
)

// findSpecial returns the place of the first byte of b[pos:] that is a quote, a backslash or a control character, and
// whether a byte before it is not ASCII. It looks at eight bytes at once
// (https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord): each of the three tests sets the highest bit of
// the first byte that it finds, and perhaps of bytes after it.
func findSpecial(b []byte, pos int) (place int, beyondASCII bool) {
	seen := uint64(0)
	for ; ; pos += 8 {
		word := binary.LittleEndian.Uint64(b[pos:])
		quote, backslash := word^'"'*eachByte, word^'\\'*eachByte
		special := (quote-eachByte)&^quote | (backslash-eachByte)&^backslash | (word-' '*eachByte)&^word
		if special &= highestBits; special != 0 {
			n := bits.TrailingZeros64(special)
			seen |= word & (1<<n - 1)
			return pos + n/8, seen&highestBits != 0
		}
		seen |= word
	}
}

// scanEscape moves behind an escape sequence.
func (i *jsonInput) scanEscape() error {
	i.pos++
	c, err := i.current()
	switch {
	case err != nil:
		return err
	case c == 'u':
		return i.scanHex()
	case c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' || c == 'r' || c == 't':
		i.pos++
		return nil
	default:
		return i.unexpected("after a backslash")
	}
}

// scanHex moves behind the u of an escape sequence and its four digits.
func (i *jsonInput) scanHex() error {
	for range 4 {
		i.pos++
		c, err := i.current()
		if err != nil {
			return err
		}
		if !isDigit(c) && (c|' ' < 'a' || c|' ' > 'f') {
			return i.unexpected("in place of a hexadecimal digit")
		}
	}
	i.pos++
	return nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// scanLiteral moves behind the number, the bool or the null that begins at hand, and returns it.
func (i *jsonInput) scanLiteral(first byte) (raw []byte, err error) {
	from := i.pos - i.begin
	switch {
	case first == '-' || isDigit(first):
		err = i.scanNumber()
	case first == 't':
		err = i.scanWord("true")
	case first == 'f':
		err = i.scanWord("false")
	case first == 'n':
		err = i.scanWord("null")
	default:
		err = i.unexpected("in place of a value")
	}
	return i.buf[i.begin+from : i.pos], err
}

func (i *jsonInput) scanWord(word string) error {
	for _, want := range []byte(word) {
		if c, err := i.current(); err != nil {
			return err
		} else if c != want {
			return i.unexpected("in " + word)
		}
		i.pos++
	}
	return nil
}

// scanNumber moves behind a number: an integer, perhaps with a fraction and with an exponent.
func (i *jsonInput) scanNumber() error {
	if i.buf[i.pos] == '-' {
		i.pos++
	}
	c, err := i.current()
	if c == '0' {
		i.pos++
	} else if err == nil {
		err = i.scanDigits()
	}
	if err == nil {
		c, err = i.current()
	}
	if err == nil && c == '.' {
		i.pos++
		if err = i.scanDigits(); err == nil {
			c, err = i.current()
		}
	}
	if err != nil || c|' ' != 'e' {
		return err
	}
	i.pos++
	return i.scanExponent()
}

// scanExponent moves behind the digits of an exponent, and the sign before them.
func (i *jsonInput) scanExponent() error {
	c, err := i.current()
	if err != nil {
		return err
	}
	if c == '+' || c == '-' {
		i.pos++
	}
	return i.scanDigits()
}

// scanDigits moves behind digits, of which there has to be one.
func (i *jsonInput) scanDigits() error {
	for n := 0; ; n++ {
		c, err := i.current()
		if err != nil {
			return err
		}
		if !isDigit(c) {
			if n == 0 {
				return i.unexpected("in place of a digit")
			}
			return nil
		}
		i.pos++
	}
}
