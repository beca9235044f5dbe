package billclient

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/units"
	"golang.org/x/text/encoding/simplifiedchinese"
)

const (
	maxError    = 64 * units.KiB // how much of an error body is read
	maxCodeText = 60             // how long a text can be that is taken for a code
)

// openAnswer returns the answer in its notation: the one that its Content-Type names, else the one that its first byte
// shows.
func openAnswer(r *response) (answer, error) {
	first, err := r.firstByte()
	if err != nil {
		return nil, err
	}
	declared := strings.ToLower(r.header.Get("Content-Type"))
	switch {
	case first == '<' && (strings.Contains(declared, "html") || looksLikeHTML(r)):
		return nil, classify(Decode, "HTML in place of an answer: %s", r.excerpt())
	case first == '{' && !strings.Contains(declared, "xml"):
		r.json = newJSON(decodeBody(r))
		return r.json, nil
	case first == '<' && !strings.Contains(declared, "json"):
		return newXML(r)
	case declared == "":
		return nil, classify(Decode, "neither JSON nor XML: %s", r.excerpt())
	default:
		return nil, classify(Decode, "not what its type %q says: %s", shorten(declared, 60), r.excerpt())
	}
}

// decodeBody returns the body in UTF-8 if its Content-Type names GBK or a relative of it, and else as it is: servers
// add the names of western encodings to answers that are in UTF-8.
func decodeBody(r *response) io.Reader {
	if r.hasMark || declaredEncoding(r.header) != simplifiedchinese.GB18030 {
		return r.body
	}
	return decodeText(r.body, simplifiedchinese.GB18030)
}

// looksLikeHTML reports whether the body begins as a page does.
func looksLikeHTML(r *response) bool {
	head, _ := r.body.Peek(len("<!doctype html"))
	head = bytes.ToLower(head)
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// readItems reads the whole answer and hands each element of the set, with its number from 1, to read while it
// arrives. It also reads the texts beside the set. It fails if the answer has an error body, and if it lacks the set:
// an answer without bills has an empty set.
func readItems(r *response, set string, read func(d document, number int) error, texts ...*topLevelText) error {
	a, err := openAnswer(r)
	if err != nil {
		return err
	}
	number := 0
	reader := topLevelReader{response: r, answer: a, set: set, texts: texts, readItem: func([]byte) error {
		number++
		return read(a.readItem(), number)
	}}
	if err := reader.readAnswer(); err != nil {
		return err
	}
	if !reader.setFound {
		return classify(Incomplete, "answer has no %s", set)
	}
	return nil
}

// topLevelReader reads the top level of an answer: the set with the data, the texts beside it, and error bodies.
type topLevelReader struct {
	response *response
	answer   answer
	set      string   // the name of the set; empty where only an error body is expected
	aliases  []string // other names that the set may have
	texts    []*topLevelText
	readItem func(name []byte) error
	setFound bool
	envelope *envelope // nil for actions that have none

	mayBeData bool // the data of the envelope may be the set itself, and is an empty set where nothing is in it

	nested errorBody // in an error element
	flat   errorBody // in the old form, which has no such element
}

// topLevelText is a text beside the set.
type topLevelText struct {
	name    string // as the API spells it
	text    string // without blanks around it; empty where the answer lacks it
	lenient bool   // nothing fails for it, be it no text or there twice
}

// parseDay returns the day that the text states, the zero Day if the answer lacks it.
func (t *topLevelText) parseDay() (Day, error) {
	if t.text == "" {
		return 0, nil
	}
	day, err := ParseDay(t.text)
	return day, locate(t.name, err)
}

// readAnswer reads the whole answer. It fails if the API reports an error in it. If the envelope reports one, what the
// data looks like does not matter.
func (t *topLevelReader) readAnswer() error {
	err := t.read()
	if err == nil || t.envelope != nil && t.envelope.fails() {
		err = cmp.Or(t.apiError(), err)
	}
	return err
}

// read reads the whole answer.
func (t *topLevelReader) read() error {
	if err := readChildren(t.answer, t.readMember); err != nil {
		return err
	}
	return t.answer.checkEnd()
}

func (t *topLevelReader) isSet(name []byte) bool {
	isName := func(set string) bool { return strings.EqualFold(string(name), set) }
	return t.set != "" && (isName(t.set) || slices.ContainsFunc(t.aliases, isName))
}

func (t *topLevelReader) readMember(name []byte) error {
	if t.isSet(name) {
		return t.readSet()
	}
	switch string(name) {
	case "requestid", "request_id":
		text, err := t.answer.readValue(nil, nil)
		t.response.requestID = string(text)
		return locate("RequestId", err)
	case "error":
		return t.readError()
	case "code", "codedesc", "message":
		return t.flat.readMember(t.answer, string(name))
	default:
		if t.envelope != nil {
			return t.readEnvelopeMember(string(name))
		}
		return t.readText(string(name))
	}
}

// readText reads the text of that name, or skips it if it is not wanted. A text that comes twice is an error: neither
// of two values can be trusted.
func (t *topLevelReader) readText(name string) error {
	for _, wanted := range t.texts {
		if !strings.EqualFold(wanted.name, name) {
			continue
		}
		if wanted.lenient {
			return wanted.readLeniently(t.answer)
		}
		text, err := t.answer.readValue(nil, nil)
		if err == nil && wanted.text != "" {
			err = classify(Decode, "twice in one answer")
		}
		wanted.text = string(bytes.TrimSpace(text))
		return locate(wanted.name, err)
	}
	return t.answer.skipValue()
}

// readLeniently reads the text, or skips what is in its place.
func (t *topLevelText) readLeniently(d document) error {
	text, err := d.readValue(nil, func([]byte) error { return d.skipValue() })
	t.text = cmp.Or(t.text, string(bytes.TrimSpace(text)))
	return err
}

func (t *topLevelReader) readSet() error {
	if t.setFound {
		return classify(Decode, "%s: twice in one answer", t.set)
	}
	t.setFound = true
	text, err := t.answer.readValue(nil, t.readItem)
	if err != nil {
		return err
	}
	return locate(t.set, requireNoText(text))
}

// readError reads an error element. Some services answer with a text in its place.
func (t *topLevelReader) readError() error {
	text, err := t.answer.readValue(nil, func(name []byte) error { return t.nested.readMember(t.answer, string(name)) })
	if text = bytes.TrimSpace(text); len(text) > 0 {
		t.nested = errorOfText(string(text))
	}
	return locate("Error", err)
}

// errorOfText returns the error body that a text stands for. It is a code if it reads like one that is known.
func errorOfText(text string) errorBody {
	if _, isCode := reasonOfCode(text); isCode && len(text) <= maxCodeText {
		return errorBody{code: text}
	}
	return errorBody{message: text}
}

// apiError returns the error that the API reports, nil if it reports none.
func (t *topLevelReader) apiError() error {
	body := t.nested
	if body == (errorBody{}) && t.flatCounts() {
		body = t.flat
	}
	if t.envelope != nil {
		body = t.envelope.complete(body)
	}
	if body == (errorBody{}) {
		return nil
	}
	reason := reasonOfAnswer(t.response.status, body.description, body.code)
	return &Error{Reason: reason, Code: cmp.Or(body.description, body.code), Message: body.message}
}

// errorBody is the API's report of a failure, in one of its forms.
type errorBody struct {
	code, message, description string
}

// readMember reads the member of that name, or skips it if it is none of an error body.
func (e *errorBody) readMember(d document, name string) error {
	field := map[string]*string{"code": &e.code, "codedesc": &e.description, "message": &e.message}[name]
	if field == nil {
		return d.skipValue()
	}
	text, err := d.readValue(nil, nil)
	*field = string(text)
	return locate(name, err)
}

// readRefusal returns the error of an answer whose status is not one of success. If the body is no error body, the
// status says enough.
func readRefusal(r *response) error {
	if r.status/100 == 3 {
		target := shorten(r.header.Get("Location"), maxExcerpt)
		return classify(Decode, "a redirect to %q, which is not followed", target)
	}
	excerpt, isExpired := r.excerpt(), saysExpiredToken(r)
	refusal := &Error{Reason: reasonOfStatus(r.status), Message: excerpt}
	if e, ok := errors.AsType[*Error](readErrorBody(r)); ok {
		refusal = e
	}
	if isExpired && refusal.Reason == Invalid {
		refusal.Reason, refusal.Code = Auth, expiredToken
	}
	return refusal
}

// saysExpiredToken reports whether the body, in whatever form it is, says that the key's token has expired: the
// vendor's own client looks for that word anywhere in the body.
func saysExpiredToken(r *response) bool {
	head, _ := r.body.Peek(sampleSize)
	return bytes.Contains(bytes.ToLower(head), []byte(strings.ToLower(expiredToken)))
}

// readErrorBody returns the error that the API reports in the body, nil if the body is no error body.
func readErrorBody(r *response) error {
	r.body = bufio.NewReader(io.LimitReader(r.body, int64(maxError)))
	a, err := openAnswer(r)
	if err != nil {
		return nil
	}
	reader := topLevelReader{response: r, answer: a}
	// An error body that ends early may have its code before its end.
	_ = reader.read()
	return reader.apiError()
}
