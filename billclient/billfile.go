package billclient

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
)

// BillFile is a file with what GetPostpayDetailBillCSV answers with, as it is kept or downloaded from the vendor's
// console: in GBK or UTF-8, with Chinese or English headers in any order, perhaps packed with gzip, of one or several
// months. It is not safe for concurrent use.
type BillFile struct {
	csv  *csvReader
	tail *lastByte
}

// OpenBillFile reads the header of a file. Like those of Lines, its error has a text on one line that is fit for a
// log. It names the line of the file and, if a cell is wrong, its column.
func OpenBillFile(file io.Reader) (*BillFile, error) {
	f, err := openBillFile(file)
	return f, fileError(err)
}

func openBillFile(file io.Reader) (*BillFile, error) {
	body := bufio.NewReaderSize(file, bufferSize)
	if magic, _ := body.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) { // of gzip, RFC 1952
		body = bufio.NewReaderSize(&gzipBody{packed: body}, bufferSize)
	}
	r := &response{body: body}
	switch first, err := r.firstByte(); {
	case reasonOfCause(err) == Incomplete && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, classify(Incomplete, "file is empty")
	case err != nil:
		return nil, err
	case first == '{', first == '<':
		return nil, classify(Decode, "no CSV file: %s", r.excerpt())
	}
	record := newRecord(DetailQuery{Sets: true}, false)
	record.anyMonth = true
	f := &BillFile{csv: newCSVReader(r, record)}
	f.tail = &lastByte{Reader: f.csv.window.body}
	f.csv.window.body = f.tail
	return f, f.csv.readHeader()
}

// fileError returns an error of a file with a text that is fit for a log, nil for nil and for errEnough.
func fileError(err error) error {
	if err == nil || errors.Is(err, errEnough) {
		return nil
	}
	return &scrubbedError{scrub(err.Error(), Credentials{}, maxErrorText), err}
}

// UnknownColumns returns the headers of the columns whose cells are not read, because no page of the vendor has them.
func (f *BillFile) UnknownColumns() (headers []string) {
	for i, member := range f.csv.columns {
		if name := strings.TrimSpace(f.csv.header[i]); member < 0 && name != "" {
			headers = append(headers, name)
		}
	}
	return headers
}

// MissingColumns returns the members of a line, as the API spells them, that the vendor's own file has and this one has
// not: they are empty in all of its lines.
func (f *BillFile) MissingColumns() (members []string) {
	for _, member := range csvColumns {
		if !slices.Contains(f.csv.columns, memberPlaces[strings.ToLower(member)]) {
			members = append(members, member)
		}
	}
	slices.Sort(members)
	return slices.Compact(members)
}

// Lines returns a stream of the lines, under the rules of GetPostpayDetailBillCSV, but of whatever months. It can be
// used once, and ends after the first error.
func (f *BillFile) Lines() iter.Seq2[Line, error] {
	return lineStream(func(emit func(*Line) error) error { return fileError(f.csv.readRows(emit)) })
}

// LineNumber returns which line of the file was read last, from 1.
func (f *BillFile) LineNumber() int { return f.csv.fileLine }

// EndsInLine reports whether the file, which was read to its end, ends without the end of a line, so that its last line
// may be cut.
func (f *BillFile) EndsInLine() bool { return f.tail.value != '\n' }

// lastByte knows the last byte that was read.
type lastByte struct {
	io.Reader
	value byte
}

func (l *lastByte) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if n > 0 {
		l.value = p[n-1]
	}
	return n, err
}
