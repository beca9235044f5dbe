package export

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/big"
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/lake"
	"ksyun_bill_exporter/ledger"

	"github.com/parquet-go/parquet-go"
)

// source is a part of a month in a file that is written already.
type source struct {
	lake.Part
	groups []parquet.RowGroup
	before billclient.Day // rows of this day and of later ones are left out; 0: all rows stay
}

// partNames are the names of the parts of a month, in the order of its file.
var partNames = []string{postpaidPart, othersPart}

// join puts the file of a month into a lake: what was read of it, and of the file that is there what was not read. It
// returns false if the month lacks lines that are expected.
func join(ctx context.Context, l *lake.Lake, at lake.Partition, m readMonth, program string) (written bool, err error) {
	current, done, err := openCurrent(ctx, l, at, m.version)
	if err != nil && !(m.replacesForeign && errors.Is(err, errForeign)) {
		return false, errors.Join(err, done())
	}
	defer func() { err = errors.Join(err, done()) }()
	sources, err := m.choose(current)
	if err != nil || sources == nil {
		return false, err
	}
	target, err := l.Stage()
	if err != nil {
		return false, err
	}
	defer target.Discard()
	f := newJoinedFile(target.Writer, m.version)
	for _, parts := range sources {
		if err := f.add(ctx, parts); err != nil {
			return false, err
		}
	}
	about := newManifest(at, m.account, m.version, program, f.parts)
	if err := f.finish(about); err != nil {
		return false, err
	}
	return true, l.Publish(ctx, at, target, about)
}

// choose returns what the file of the month consists of: for each name the parts of it. It returns nil if something is
// expected that is not there.
func (m readMonth) choose(current []source) (chosen [][]source, err error) {
	for _, name := range partNames {
		parts, err := m.sourcesOf(name, current)
		if err != nil {
			return nil, err
		}
		isExpected := name == postpaidPart && m.expected.Postpaid || name == othersPart && m.expected.Others
		switch {
		case len(parts) > 0:
			chosen = append(chosen, parts)
		case isExpected:
			return nil, nil
		}
	}
	return chosen, nil
}

// sourcesOf returns the parts of one name: the one that is in the lake, unless what was read is in its place, and those
// that were read. The lines of later days are in the place of those that earlier parts have of these days.
func (m readMonth) sourcesOf(name string, current []source) (parts []source, err error) {
	i := slices.IndexFunc(current, func(s source) bool { return s.Name == name })
	read := m.parts[name]
	isRest := len(read) > 0 && read[0].isRest()
	switch {
	case isRest && (i < 0 || !current[i].reaches(read[0].read.From)):
		return nil, fmt.Errorf("%w %v", errGap, read[0].read.From)
	case i >= 0 && (isRest || len(read) == 0 || current[i].outranks(read[0])):
		parts = append(parts, current[i])
	}
	if len(parts) > 0 && !isRest {
		return parts, nil
	}
	for _, p := range read {
		s, err := openPart(p)
		if err != nil {
			return nil, err
		}
		for n := range parts {
			if parts[n].before == 0 || p.read.From < parts[n].before {
				parts[n].before = p.read.From
			}
		}
		parts = append(parts, s)
	}
	return parts, nil
}

// errGap is that the lines of later days were read, and the lake lacks those of the days before. It had them when the
// read began.
var errGap = errors.New("the lake no longer has the days before")

// reaches reports whether the part has all days before one. A part of a month as a whole tells no days apart.
func (s source) reaches(day billclient.Day) bool {
	through, err := billclient.ParseDay(s.Through)
	return err == nil && through.Add(1) >= day
}

// outranks reports whether the part is a bill that was made after its month had ended, and what was read is an
// estimate, which is what is left to a program that cannot read the bill at the moment. A bill that is more than 1%
// below the estimate is not whole yet.
func (s source) outranks(p *readPart) bool {
	isFinal := s.Basis == string(ledger.Billed) && !s.ReadAt.Before(p.read.Month.End())
	bill, estimate := costOf(s.Part), costOf(p.Part)
	return isFinal && p.Basis == string(ledger.Estimated) && bill >= estimate-0.01*max(estimate, -estimate)
}

// costOf returns what the lines of a part come to.
func costOf(p lake.Part) (cost float64) {
	for _, sum := range p.PayModes {
		cost += sum.Cost.Float64()
	}
	return cost
}

// errForeign is that the parts of a file cannot be told apart.
var errForeign = errors.New("the file in the lake has other columns, or is not one of this program")

// openCurrent returns the parts of a month that are in a lake, none if there is no file. The error is errForeign if
// there is one with other columns than those of a version of FOCUS today. The caller has to call done in any case.
func openCurrent(ctx context.Context, l *lake.Lake, p lake.Partition, version string) (
	parts []source, done func() error, err error,
) {
	done = func() error { return nil }
	r, err := l.Read(ctx, p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, done, nil
	}
	if err != nil {
		return nil, done, err
	}
	bytes := &checkedReader{ReaderAt: r}
	file, err := parquet.OpenFile(bytes, r.Size)
	if bytes.err != nil { // it says nothing about the file
		return nil, r.Close, fmt.Errorf("%v: %w", p, bytes.err)
	}
	if err != nil {
		return nil, r.Close, fmt.Errorf("%v: %w: %w", p, errForeign, err)
	}
	var about lake.Manifest
	text, _ := file.Lookup(manifestKey)
	isOurs := json.Unmarshal([]byte(text), &about) == nil
	isOurs = isOurs && file.Schema().String() == schemaText(lakeColumns(version))
	if isOurs {
		parts, isOurs = sourcesOf(file, about.Parts)
	}
	if !isOurs {
		return nil, r.Close, fmt.Errorf("%v: %w", p, errForeign)
	}
	return parts, r.Close, nil
}

// checkedReader keeps the error that a read has failed with, which tells a store that fails from a file that is none.
type checkedReader struct {
	io.ReaderAt
	err error
}

// ReadAt implements io.ReaderAt.
func (c *checkedReader) ReadAt(p []byte, offset int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// schemaText returns the schema of a file with these columns as text.
func schemaText(columns []column) string {
	return parquet.NewSchema("bill", schemaOf(columns)).String()
}

// sourcesOf returns the parts of a file. ok is false if its row groups are not those of the parts.
func sourcesOf(file *parquet.File, parts []lake.Part) (sources []source, ok bool) {
	groups := file.RowGroups()
	for _, p := range parts {
		if p.RowGroups > len(groups) {
			return nil, false
		}
		sources = append(sources, source{Part: p, groups: groups[:p.RowGroups]})
		groups = groups[p.RowGroups:]
	}
	return sources, len(groups) == 0
}

// openPart returns a part that was read.
func openPart(p *readPart) (source, error) {
	content, err := p.target.Content()
	if err != nil {
		return source{}, err
	}
	file, err := parquet.OpenFile(content, p.target.Bytes())
	if err != nil {
		return source{}, fmt.Errorf("the lines that were read: %w", err)
	}
	return source{Part: p.Part, groups: file.RowGroups()}, nil
}

// joinedFile is the file of a month, made of parts of others.
type joinedFile struct {
	*parquetFile
	parts []lake.Part
}

func newJoinedFile(w *bufio.Writer, version string) *joinedFile {
	return &joinedFile{parquetFile: newParquetFile(w, lakeColumns(version))}
}

// add adds parts of one name, one after the other in time, as one part. It breaks off once ctx has ended.
func (f *joinedFile) add(ctx context.Context, sources []source) error {
	joined := sources[len(sources)-1].Part // the newest says when it was read
	joined.RowGroups, joined.PayModes = 0, nil
	for _, s := range sources {
		var err error
		if s.before == 0 {
			err = f.addGroups(ctx, s.groups)
		} else {
			s.Part, err = f.addRowsBefore(ctx, s)
		}
		if err != nil {
			return err
		}
		joined.RowGroups += s.RowGroups
		joined.PayModes = addSums(joined.PayModes, s.PayModes)
	}
	f.parts = append(f.parts, joined)
	return nil
}

// addGroups copies row groups as they are.
func (f *joinedFile) addGroups(ctx context.Context, groups []parquet.RowGroup) error {
	for _, g := range groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := f.file.WriteRowGroup(g); err != nil {
			return fmt.Errorf("output: %w", err)
		}
	}
	return nil
}

// addSums returns sums to which others are added, in a slice of its own.
func addSums(sums, others []lake.Sum) []lake.Sum {
	sums = append([]lake.Sum{}, sums...) // not null
	for _, o := range others {
		i := slices.IndexFunc(sums, func(s lake.Sum) bool { return s.PayMode == o.PayMode })
		if i < 0 {
			sums = append(sums, o)
			continue
		}
		sums[i].Lines += o.Lines
		sums[i].Cost, sums[i].ListCost = sums[i].Cost.Add(o.Cost), sums[i].ListCost.Add(o.ListCost)
	}
	return sums
}

// addRowsBefore copies the rows of earlier days, and returns what they come to.
func (f *joinedFile) addRowsBefore(ctx context.Context, s source) (kept lake.Part, err error) {
	day, mode := f.indexOf("x_BillDay"), f.indexOf("x_PayMode")
	cost, list := f.indexOf("BilledCost"), f.indexOf("ListCost")
	before, groups := s.before.String(), f.groups
	if err := f.begin(true); err != nil {
		return kept, err
	}
	for row, err := range rowsOf(ctx, s.groups) {
		if err != nil {
			return kept, err
		}
		if string(row[day].ByteArray()) >= before {
			continue
		}
		addToSums(&kept, string(row[mode].ByteArray()), amountOf(row[cost]), amountOf(row[list]))
		if err := f.writeRow(row); err != nil {
			return kept, err
		}
	}
	err = f.end()
	kept.RowGroups = f.groups - groups
	return kept, err
}

// indexOf returns the place of a column in rows. No column before it has more than one value in a row.
func (f *joinedFile) indexOf(name string) int {
	return slices.IndexFunc(f.columns, func(c column) bool { return c.name == name })
}

// rowsOf returns the rows of row groups. A row is valid until the next one. The error may be
// that ctx has ended.
func rowsOf(ctx context.Context, groups []parquet.RowGroup) iter.Seq2[parquet.Row, error] {
	return func(yield func(parquet.Row, error) bool) {
		rows := parquet.MultiRowGroup(groups...).Rows()
		defer rows.Close()
		buffer := make([]parquet.Row, 256)
		for {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			n, err := rows.ReadRows(buffer)
			for _, row := range buffer[:n] {
				if !yield(row, nil) {
					return
				}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("the file in the lake: %w", err))
				return
			}
		}
	}
}

// amountOf returns an amount of a file, 0 of none.
func amountOf(v parquet.Value) billclient.Amount {
	if v.IsNull() {
		return billclient.Amount{}
	}
	units := new(big.Int).SetBytes(v.ByteArray())
	if v.ByteArray()[0] >= 0x80 {
		units.Sub(units, new(big.Int).Lsh(big.NewInt(1), 8*decimalBytes))
	}
	text := new(big.Rat).SetFrac(units, new(big.Int).Exp(big.NewInt(10), big.NewInt(decimalScale), nil))
	amount, _ := billclient.ParseAmount(text.FloatString(decimalScale)) // digits and a point
	return amount
}
