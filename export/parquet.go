package export

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// groupRows is how many rows a row group has at most: what an engine reads at once.
	groupRows = 128 << 10
	// maxDictionary is how many bytes of different texts a column of a row group has before it is written without a
	// dictionary, as ids of instances are.
	maxDictionary = 256 << 10

	// pageBytes is how much of a column is compressed at once. With less, the file grows; with more, memory does.
	pageBytes = 64 << 10

	// All amounts are DECIMAL(38,10): as many digits as engines have in common.
	decimalDigits = 38
	decimalScale  = 10
	decimalBytes  = 16
)

// parquetFile writes rows as Parquet. A row group is held back until it is full or the bill is whole, because what is
// in such a file cannot be taken back, unless all is. Of a bill that breaks off later, the file keeps bytes that no
// reader sees.
type parquetFile struct {
	columns []column
	target  *bufio.Writer
	file    *parquet.GenericWriter[any]
	group   *parquet.ConcurrentRowGroupWriter // that is held back
	rows    int                               // in it
	limit   int                               // of rows in a group
	written bool                              // row groups of the bill are in the file
	row     parquet.Row

	sink    *sink
	keep    func() error // has what is in the file stay there; nil: that cannot be
	isFirst bool         // whether the bill is the first one
	groups  int          // that are in the file
	before  int          // how many of them are not of this bill
	dropped []int        // those of bills that broke off
}

// sink is what a file is written to.
type sink struct{ io.Writer }

var errHalfBill = fmt.Errorf("the answer broke off with %d of its lines or more in the file, which cannot take them"+
	" back: export this account and month alone", groupRows)

// newParquetFile returns a file that is written to w. Statistics of amounts are left out, because those of the library
// take negative amounts for the largest.
func newParquetFile(w *bufio.Writer, columns []column) *parquetFile {
	options := []parquet.WriterOption{
		parquet.NewSchema("bill", schemaOf(columns)), parquet.WriteBufferSize(0), parquet.PageBufferSize(pageBytes),
		parquet.Compression(&zstd.Codec{}), // one of its own, whose buffers are gone with the file
		parquet.DictionaryMaxBytes(maxDictionary), parquet.MaxRowsPerRowGroup(groupRows),
		parquet.CreatedBy("ksyun_bill_exporter", "", ""),
	}
	for _, c := range columns {
		if c.kind == amounts {
			options = append(options, parquet.SkipPageBounds(c.name), parquet.SkipPageStatistics(c.name))
		}
	}
	f := &parquetFile{columns: columns, target: w, limit: groupRows, sink: &sink{w}}
	f.file = parquet.NewGenericWriter[any](f.sink, options...)
	return f
}

func (f *parquetFile) begin(isFirst bool) error {
	switch {
	case f.written && isFirst:
		f.file.Reset(f.sink)
		f.groups = 0
	case f.written && f.keep == nil:
		return errHalfBill
	case f.written:
		for ; f.before < f.groups; f.before++ {
			f.dropped = append(f.dropped, f.before)
		}
	}
	f.group, f.rows, f.written, f.isFirst, f.before = f.file.BeginRowGroup(), 0, false, isFirst, f.groups
	return nil
}

func (f *parquetFile) write(r *row) error {
	f.row = f.row[:0]
	leaf := 0
	for _, c := range f.columns {
		if c.kind == tagMap {
			f.addTags(r, leaf)
			leaf += 2
			continue
		}
		value, err := c.parquetValue(c.text(r))
		if err != nil {
			return fmt.Errorf("line %s: %s: %w", r.DetailBillNo, c.name, err)
		}
		level := 1
		if value.IsNull() {
			level = 0
		}
		f.row = append(f.row, value.Level(0, level, leaf))
		leaf++
	}
	return f.writeRow(f.row)
}

// writeRow adds a row to the row group, or to the next one if that is full.
func (f *parquetFile) writeRow(row parquet.Row) error {
	if f.rows == f.limit {
		if err := f.commitPart(); err != nil {
			return err
		}
	}
	if _, err := f.group.WriteRows([]parquet.Row{row}); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	f.rows++
	return nil
}

// addTags adds the keys of a map, and then their values.
func (f *parquetFile) addTags(r *row, leaf int) {
	tags := uniqueTags(r.Tags)
	if len(tags) == 0 {
		f.row = append(f.row, parquet.NullValue().Level(0, 0, leaf), parquet.NullValue().Level(0, 0, leaf+1))
		return
	}
	for i, tag := range tags {
		f.row = append(f.row, parquet.ByteArrayValue([]byte(tag.Key)).Level(min(i, 1), 1, leaf))
	}
	for i, tag := range tags {
		f.row = append(f.row, parquet.ByteArrayValue([]byte(tag.Value)).Level(min(i, 1), 1, leaf+1))
	}
}

// commitPart writes the row group before the bill is whole. Where the file has other bills, it stays there: the writer
// would not know if it was gone.
func (f *parquetFile) commitPart() error {
	f.written = true
	if err := f.commit(); err != nil || f.isFirst || f.keep == nil {
		return err
	}
	return f.keep()
}

// commit writes the row group, if it has rows.
func (f *parquetFile) commit() error {
	if f.rows == 0 {
		return nil
	}
	if _, err := f.group.Commit(); err != nil {
		return outputError(err)
	}
	f.groups, f.rows = f.groups+1, 0
	return nil
}

func (f *parquetFile) end() error {
	f.written = false
	return f.commit()
}

func (f *parquetFile) close() error {
	if len(f.dropped) > 0 {
		return f.closeWithout(f.dropped)
	}
	if err := f.file.Close(); err != nil {
		return outputError(err)
	}
	return nil
}

// closeWithout ends the file without some of its row groups. Their bytes stay in it, but the footer, which tells where
// everything is, does not name them, so that no reader sees them. Such a file has no index of its pages: the library
// would write one for all row groups, and readers expect one without gaps, or none.
// Source: https://parquet.apache.org/docs/file-format/.
func (f *parquetFile) closeWithout(dropped []int) error {
	f.sink.Writer = io.Discard
	if err := f.file.Close(); err != nil {
		return outputError(err)
	}
	footer := *f.file.File().Metadata()
	groups := footer.RowGroups
	footer.RowGroups, footer.NumRows = nil, 0
	for i, g := range groups {
		if slices.Contains(dropped, i) {
			continue
		}
		for j := range g.Columns {
			c := &g.Columns[j]
			c.ColumnIndexOffset, c.ColumnIndexLength, c.OffsetIndexOffset, c.OffsetIndexLength = 0, 0, 0, 0
		}
		g.Ordinal = int16(len(footer.RowGroups))
		footer.RowGroups, footer.NumRows = append(footer.RowGroups, g), footer.NumRows+g.NumRows
	}
	text, err := thrift.Marshal(new(thrift.CompactProtocol), &footer)
	if err == nil {
		text = binary.LittleEndian.AppendUint32(text, uint32(len(text)))
		_, err = f.target.Write(append(text, "PAR1"...))
	}
	return outputError(err)
}

// outputError returns an error of writing, without the part of the file that could not be written.
func outputError(err error) error {
	if err == nil {
		return nil
	}
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed
	}
	return fmt.Errorf("output: %w", err)
}

// parquetValue returns a text of a CSV file as Parquet has it: an empty one is null.
func (c column) parquetValue(text string) (parquet.Value, error) {
	switch {
	case text == "":
		return parquet.NullValue(), nil
	case c.kind == amounts:
		decimal, err := decimalOf(text)
		return parquet.FixedLenByteArrayValue(decimal), err
	case c.kind == instants:
		t, err := time.Parse(time.RFC3339, text)
		return parquet.Int64Value(t.UnixMilli()), err
	default:
		return parquet.ByteArrayValue([]byte(text)), nil
	}
}

// decimalOf returns an amount as the two's complement of its units of 10 to the power of -decimalScale.
func decimalOf(text string) ([]byte, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	fraction = strings.TrimRight(fraction, "0")
	digits := whole + fraction + strings.Repeat("0", max(0, decimalScale-len(fraction)))
	units, ok := new(big.Int).SetString(digits, 10)
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(decimalDigits), nil)
	if !ok || len(fraction) > decimalScale || units.CmpAbs(limit) >= 0 {
		return nil, fmt.Errorf("amount %.120s: Parquet has room for %d digits, %d of them behind the point; the CSV"+
			" formats have it whole", text, decimalDigits, decimalScale)
	}
	if units.Sign() < 0 {
		units.Add(units, new(big.Int).Lsh(big.NewInt(1), 8*decimalBytes))
	}
	return units.FillBytes(make([]byte, decimalBytes)), nil
}

var nines = strings.Repeat("9", decimalDigits-decimalScale) + "." + strings.Repeat("9", decimalScale)

// The bounds of all amounts, in the form of decimalOf.
var (
	leastAmount = mustDecimal("-" + nines)
	mostAmount  = mustDecimal(nines)
)

func mustDecimal(text string) []byte {
	units, err := decimalOf(text)
	if err != nil {
		panic(err)
	}
	return units
}

// orderedGroup is a group whose fields stay in the order of the columns: parquet.Group sorts them.
type orderedGroup struct {
	parquet.Group
	names []string
}

// Fields returns the fields in their order.
func (g orderedGroup) Fields() []parquet.Field {
	fields := g.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(g.names, a.Name()) - slices.Index(g.names, b.Name())
	})
	return fields
}

func schemaOf(columns []column) parquet.Node {
	g := orderedGroup{Group: parquet.Group{}}
	for _, c := range columns {
		g.names, g.Group[c.name] = append(g.names, c.name), c.node()
	}
	return g
}

// node returns the type of the column.
func (c column) node() parquet.Node {
	text := parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	switch c.kind {
	case amounts:
		number := parquet.FixedLenByteArrayType(decimalBytes)
		return parquet.Optional(parquet.Leaf(amountType{parquet.Decimal(decimalScale, decimalDigits, number).Type()}))
	case instants:
		return parquet.Optional(parquet.Encoded(parquet.Timestamp(parquet.Millisecond), &parquet.RLEDictionary))
	case tagMap:
		return parquet.Map(text, text)
	default:
		return parquet.Optional(text)
	}
}

// amountType is the type of amounts, with another column index than the library's: that one lacks the bounds of pages
// that it was not told, so that an engine that looks for them, as ClickHouse does, calls the file corrupt.
type amountType struct{ parquet.Type }

// NewColumnIndexer returns an index that says which pages have only nulls.
func (amountType) NewColumnIndexer(int) parquet.ColumnIndexer { return &amountIndexer{} }

// amountIndexer has the bounds of the type as those of each page.
// Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift, ColumnIndex.
type amountIndexer struct{ index format.ColumnIndex }

// Reset forgets all pages.
func (i *amountIndexer) Reset() { i.index = format.ColumnIndex{} }

// IndexPage adds a page.
func (i *amountIndexer) IndexPage(values, nulls int64, _, _ parquet.Value) {
	least, most := leastAmount, mostAmount
	if values == nulls {
		least, most = []byte{}, []byte{} // of a page without values
	}
	i.index.NullPages = append(i.index.NullPages, values == nulls)
	i.index.NullCounts = append(i.index.NullCounts, nulls)
	i.index.MinValues, i.index.MaxValues = append(i.index.MinValues, least), append(i.index.MaxValues, most)
}

// ColumnIndex returns the index of the pages.
func (i *amountIndexer) ColumnIndex() format.ColumnIndex { return i.index }
