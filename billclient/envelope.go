package billclient

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// envelope is what an answer says of itself beside its data. The actions of bill-union since 2022, and those of its
// neighbours, have one of three forms, in which the vendor's SDKs disagree (https://github.com/kingsoftcloud/sdk-go,
// https://github.com/kingsoftcloud/sdk-java, bill_union): everything at the top as in the service bill; status, ok,
// error and data; Success and Data. All of them are read for each of these actions, whatever the case of the names.
type envelope struct {
	items   int    // elements of the set
	stated  bool   // the answer says whether it is a success
	code    string // a status that is not one of success
	failure string // what else says that the call failed
	form    EnvelopeForm
	inData  bool // there is a data beside a set of another name
}

// EnvelopeForm is the form of an envelope. Its text is for people.
type EnvelopeForm string

// The forms of an envelope.
const (
	TopEnvelope     EnvelopeForm = "everything at the top"
	StatusEnvelope  EnvelopeForm = "status, ok, error and data"
	SuccessEnvelope EnvelopeForm = "Success and Data"
	OtherEnvelope   EnvelopeForm = "another envelope"
)

// The names of the number of rows of all pages.
const (
	rowTotal = "Total"
	rowCount = "TotalCount" // of DescribeInstanceSummaryBills
)

// readEnvelope does what readItems does, for an answer with an envelope: the set and the texts are at the top or in
// data. Without a set, it reads the texts only. An answer that fails by any of its parts is an error. The set may be
// missing where Total, one of the texts, is 0, because the API leaves out lists that are empty.
func readEnvelope(
	r *response, set string, read func(d document, number int) error, texts ...*topLevelText,
) error {
	return readAnyEnvelope(&topLevelReader{response: r, set: set, texts: texts}, read)
}

// readAnyEnvelope does what readEnvelope does for a reader that knows the response, the set and the texts.
func readAnyEnvelope(reader *topLevelReader, read func(d document, number int) error) error {
	a, err := openAnswer(reader.response)
	if err != nil {
		return err
	}
	e := &envelope{}
	reader.answer, reader.envelope = a, e
	reader.readItem = func([]byte) error {
		e.items++
		return read(a.readItem(), e.items)
	}
	err = reader.readAnswer()
	reader.response.envelope = e.formOf(err == nil)
	if err != nil {
		return err
	}
	if reader.set != "" && !reader.setFound && !slices.ContainsFunc(reader.texts, isZeroTotal) {
		return classify(Incomplete, "answer has no %s", reader.set)
	}
	return nil
}

func isZeroTotal(t *topLevelText) bool { return t.name == rowTotal && canonicalNumberID(t.text) == "0" }

// readEnvelopeMember reads a member at the top that is neither the set nor an error body.
func (t *topLevelReader) readEnvelopeMember(name string) error {
	switch name {
	case "data":
		t.envelope.inData = true
		return t.readData()
	case "status", "ok", "success":
		text, err := t.answer.readValue(nil, nil)
		t.envelope.addVerdict(name, string(text))
		return locate(name, err)
	default:
		return t.readText(name)
	}
}

// readData reads the members of data as if they were at the top. If data has none, the set is missing, which is
// noticed later.
func (t *topLevelReader) readData() error {
	isEmpty := true
	text, err := t.answer.readValue(nil, func(name []byte) error {
		isEmpty = false
		switch {
		case t.isSet(name):
			return t.readSet()
		case t.mayBeData && isElement(name):
			t.setFound = true
			return t.readItem(name)
		default:
			return t.readText(string(name))
		}
	})
	t.setFound = t.setFound || t.mayBeData && isEmpty && requireNoText(text) == nil
	return err
}

// isElement reports whether a name is one of the elements of a list: they have none in JSON, and such a one in XML.
func isElement(name []byte) bool { return len(name) == 0 || string(name) == "item" }

// addVerdict adds one of the members that say whether the call succeeded.
func (e *envelope) addVerdict(name, text string) {
	e.learnForm(name)
	text = canonicalNumberID(text)
	e.stated = e.stated || text != ""
	switch {
	case name == "status" && text != "" && !isSuccess(text):
		e.code = text
	case name != "status" && (text == "0" || strings.EqualFold(text, "false")):
		e.failure = fmt.Sprintf("%s is %s", name, text)
	}
}

// learnForm learns the form from the name of one of the members that say whether the call succeeded.
func (e *envelope) learnForm(name string) {
	form := StatusEnvelope
	if name == "success" {
		form = SuccessEnvelope
	}
	if e.form != "" && e.form != form {
		form = OtherEnvelope
	}
	e.form = form
}

// formOf returns the form, empty if it is not known: what an answer lacks is known only where it was read whole.
func (e *envelope) formOf(isWhole bool) EnvelopeForm {
	switch {
	case e.form != "" || !isWhole:
		return e.form
	case e.inData:
		return OtherEnvelope
	default:
		return TopEnvelope
	}
}

func (e *envelope) fails() bool { return e.code != "" || e.failure != "" }

// complete returns the error body with what the envelope knows of the failure where the body does not say it.
func (e *envelope) complete(body errorBody) errorBody {
	if body.description == "" {
		body.code = cmp.Or(body.code, e.code)
	}
	if body == (errorBody{}) {
		body.message = e.failure
	}
	return body
}

// isSuccess reports whether a status or a code is one of success.
func isSuccess(code string) bool {
	switch strings.ToLower(canonicalNumberID(code)) {
	case "0", "200", "ok", "success", "true":
		return true
	default:
		return false
	}
}

// flatCounts reports whether an error body in the old form is the answer's. Its code counts only where the answer has
// nothing else, and only if it is no code of success. Its message, without a code, counts only where nothing says that
// the call succeeded.
func (t *topLevelReader) flatCounts() bool {
	e, code := t.envelope, cmp.Or(t.flat.code, t.flat.description)
	switch {
	case e == nil:
		return !t.setFound && t.flat.code != "0" && t.flat.code != "200"
	case e.fails():
		return true
	case code != "":
		return !isSuccess(code) && !t.hasData()
	default:
		return !e.stated && !t.setFound && !t.hasData()
	}
}

// hasData reports whether an answer with an envelope has something that was asked for: an element of the set, or one
// of the texts if there is no set.
func (t *topLevelReader) hasData() bool {
	if t.set != "" {
		return t.envelope.items > 0
	}
	return slices.ContainsFunc(t.texts, func(text *topLevelText) bool { return text.text != "" })
}
