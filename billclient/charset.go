package billclient

import (
	"bufio"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// sampleSize is how many bytes of a body are looked at to find its encoding.
const sampleSize = bufferSize / 16

// findEncoding returns the encoding of that name. GBK and GB2312 are parts of GB18030 and are read as GB18030, because
// servers name them for texts that have more characters than they do.
func findEncoding(name string) (encoding.Encoding, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if strings.HasPrefix(name, "gb") || name == "cp936" || name == "ms936" {
		return simplifiedchinese.GB18030, nil
	}
	found, err := htmlindex.Get(name)
	if found == simplifiedchinese.GBK { // by another name
		found = simplifiedchinese.GB18030
	}
	return found, err
}

// declaredEncoding returns the encoding that the charset parameter of a Content-Type names, nil if it names none that
// is known.
func declaredEncoding(h http.Header) encoding.Encoding {
	_, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || params["charset"] == "" {
		return nil
	}
	declared, err := findEncoding(params["charset"])
	if err != nil {
		return nil
	}
	return declared
}

// decodeText returns a body of that encoding in UTF-8, with bytes that are not valid replaced by U+FFFD. A body that is
// said to be in GB18030 is read as UTF-8 if its bytes are UTF-8: a text in GB18030 is hardly ever valid UTF-8, so the
// bytes are the better witness.
func decodeText(body io.Reader, declared encoding.Encoding) io.Reader {
	if declared != simplifiedchinese.GB18030 {
		return declared.NewDecoder().Reader(body)
	}
	return &chineseText{body: bufio.NewReaderSize(body, sampleSize)}
}

// chineseText reads a text that is in UTF-8 or in GB18030. Both have ASCII in common, so the first byte beyond ASCII
// and those that follow it decide.
type chineseText struct {
	body *bufio.Reader
	rest io.Reader // in UTF-8, from the first byte beyond ASCII on; nil before it
}

func (c *chineseText) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.rest != nil {
		return c.rest.Read(p)
	}
	if _, err := c.body.Peek(1); err != nil { // this waits until some bytes are buffered
		return 0, err
	}
	buffered, _ := c.body.Peek(min(c.body.Buffered(), len(p)))
	if n := countASCII(buffered); n > 0 {
		return c.body.Read(p[:n])
	}
	c.rest = c.findDecoder().Reader(c.body)
	return c.rest.Read(p)
}

// findDecoder returns the decoder of the text whose first byte beyond ASCII is the next one.
func (c *chineseText) findDecoder() *encoding.Decoder {
	sample, err := c.body.Peek(sampleSize)
	if err == nil {
		sample = cutPartialRune(sample)
	}
	if utf8.Valid(sample) {
		return unicode.UTF8.NewDecoder()
	}
	return simplifiedchinese.GB18030.NewDecoder()
}

// countASCII returns how many bytes of ASCII s begins with.
func countASCII(s []byte) int {
	for i, c := range s {
		if c >= utf8.RuneSelf {
			return i
		}
	}
	return len(s)
}

// cutPartialRune returns s without the character in UTF-8 at its end that lacks some of its bytes.
func cutPartialRune(s []byte) []byte {
	for i := len(s) - 1; i >= 0 && i > len(s)-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			if !utf8.FullRune(s[i:]) {
				return s[:i]
			}
			break
		}
	}
	return s
}
