package collector

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
)

// record writes the elements of lists, or reads them: the fields one after the other, so that one function says for
// both which fields there are. Its first error is the last thing that it does.
type record interface {
	length(n int) int // how many elements follow, as it was written; -1 of a list that is not there
	next() bool       // begins an element of a list, unless something failed
	text(*string)
	number(*int)
	amount(*billclient.Amount)
}

// encodeList has a record write or read a list.
func encodeList[E any](r record, list *[]E, fields func(record, *E)) {
	n := r.length(lengthOf(*list))
	if n >= 0 && len(*list) == 0 { // an empty one, or one that is read
		*list = make([]E, 0, min(n, mostAtOnce))
	}
	for i := 0; i < n && r.next(); i++ {
		if i == len(*list) {
			*list = append(*list, *new(E))
		}
		fields(r, &(*list)[i])
	}
}

// encodeTexts has a record write or read the texts of an element.
func encodeTexts(r record, list *[]string) {
	n := r.length(lengthOf(*list))
	if n >= 0 && len(*list) == 0 {
		*list = make([]string, min(n, mostTexts))
	}
	for i := range *list {
		r.text(&(*list)[i])
	}
}

// lengthOf returns how many elements a list has, -1 if it is not there.
func lengthOf[E any](list []E) int {
	if list == nil {
		return -1
	}
	return len(list)
}

// For how many elements or bytes room is made before they are there, and how many texts an element has at most: a
// length may be wrong.
const (
	mostAtOnce = 1 << 18
	mostTexts  = 1 << 10
)

func encodeRow(r record, e *ledger.Row) {
	encodeTexts(r, &e.Labels)
	r.amount(&e.Amount)
}

func encodeKey(r record, k *ledger.Key) {
	for i := range k {
		r.text(&k[i])
	}
}

func encodeInstance(r record, e *ledger.Instance) {
	encodeKey(r, &e.Key)
	encodeTexts(r, &e.Facts)
}

func encodeInstanceCost(r record, e *ledger.InstanceCost) {
	if e.Key == nil {
		e.Key = new(ledger.Key)
	}
	encodeKey(r, e.Key)
	r.amount(&e.Cost)
}

func encodeModeInstance(r record, e *ledger.ModeInstance) {
	for _, text := range []*string{
		&e.PayMode, &e.Group, &e.Project, &e.Instance, &e.Region, &e.BillingMode,
		&e.GroupName, &e.ProjectName, &e.Name, &e.Subtype, &e.Zone, &e.End,
	} {
		r.text(text)
	}
	encodeTexts(r, &e.Tags)
	r.amount(&e.Cost)
}

func encodeDayCost(r record, e *ledger.DayCost) {
	r.number(&e.Instance)
	r.amount(&e.Cost)
}

func encodePurchase(r record, e *ledger.Purchase) {
	for _, text := range []*string{&e.Group, &e.Project, &e.Instance, &e.Name} {
		r.text(text)
	}
	for _, day := range []*billclient.Day{&e.Day, &e.First, &e.Last} {
		r.number((*int)(day))
	}
	r.amount(&e.Cost)
	r.amount(&e.Daily)
}

func encodeTerm(r record, e *ledger.Term) {
	for _, text := range []*string{&e.Group, &e.ProjectID, &e.Instance, &e.Renewal} {
		r.text(text)
	}
	end := e.End.Format(time.RFC3339Nano)
	r.text(&end)
	e.End, _ = time.Parse(time.RFC3339Nano, end)
}

// columns has the texts of the element before, by their places in it: most texts are as there.
type columns struct {
	before []string
	at     int
}

// column returns the text at the next place of the element before.
func (c *columns) column() *string {
	if c.at == len(c.before) {
		c.before = append(c.before, "")
	}
	c.at++
	return &c.before[c.at-1]
}

// recordWriter is a record that writes.
type recordWriter struct {
	columns
	*bufio.Writer
	scratch []byte
}

func newRecordWriter(w io.Writer) *recordWriter {
	return &recordWriter{Writer: bufio.NewWriterSize(w, 64<<10)}
}

func (w *recordWriter) next() bool {
	w.at = 0
	return true
}

func (w *recordWriter) length(n int) int {
	w.number(&n)
	return n
}

func (w *recordWriter) number(n *int) {
	w.scratch = binary.AppendVarint(w.scratch[:0], int64(*n))
	_, _ = w.Write(w.scratch) // the error comes from Flush
}

func (w *recordWriter) text(text *string) {
	before := w.column()
	n := len(*text)
	if *before == *text {
		n = -1
	}
	w.number(&n)
	if n > 0 {
		_, _ = w.WriteString(*text)
	}
	*before = *text
}

func (w *recordWriter) amount(a *billclient.Amount) {
	text := a.String()
	w.text(&text)
}

// recordReader is a record that reads.
type recordReader struct {
	columns
	*bufio.Reader
	err error
}

func newRecordReader(r io.Reader) *recordReader {
	return &recordReader{Reader: bufio.NewReaderSize(r, 64<<10)}
}

func (r *recordReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *recordReader) next() bool {
	r.at = 0
	return r.err == nil
}

// length is 0 once something failed.
func (r *recordReader) length(int) (n int) {
	r.number(&n)
	if n < -1 {
		r.fail(fmt.Errorf("a list has %d elements", n))
	}
	if r.err != nil {
		return 0
	}
	return n
}

func (r *recordReader) number(n *int) {
	if r.err != nil {
		return
	}
	value, err := binary.ReadVarint(r)
	if *n = int(value); err != nil {
		r.fail(err)
	}
}

func (r *recordReader) text(text *string) {
	before := r.column()
	var n int
	r.number(&n)
	if r.err != nil {
		return
	}
	if n >= 0 {
		*before = r.bytes(n)
	}
	*text = *before
}

// bytes returns the next n bytes.
func (r *recordReader) bytes(n int) string {
	if n <= r.Size() {
		text, err := r.Peek(n)
		if err != nil {
			r.fail(err)
		}
		defer func() { _, _ = r.Discard(len(text)) }() // they are there
		return string(text)
	}
	var b strings.Builder
	if _, err := io.CopyN(&b, r.Reader, int64(n)); err != nil {
		r.fail(err)
	}
	return b.String()
}

func (r *recordReader) amount(a *billclient.Amount) {
	var text string
	r.text(&text)
	if r.err != nil {
		return
	}
	if err := a.UnmarshalText([]byte(text)); err != nil {
		r.fail(err)
	}
}

// end returns what failed, or an error if anything follows.
func (r *recordReader) end() error {
	if r.err != nil {
		return r.err
	}
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("more follows")
	}
	return nil
}
