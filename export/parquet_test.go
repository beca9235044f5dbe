package export

import (
	"bufio"
	"bytes"
	stdcmp "cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/output"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

// readParquet returns the cells of a file as text, below the names of the columns, and how many rows each row group
// has. A map has the form of the plain CSV.
func readParquet(t *testing.T, text string) (cells [][]string, groups []int64) {
	t.Helper()
	file, err := parquet.OpenFile(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	checkIndexes(t, file)
	for _, g := range file.RowGroups() {
		groups = append(groups, g.NumRows())
	}
	names := []string{}
	for _, f := range file.Schema().Fields() {
		names = append(names, f.Name())
	}
	cells = append(cells, names)
	reader := parquet.NewGenericReader[any](file)
	defer reader.Close()
	buffer := make([]parquet.Row, 100)
	for {
		n, err := reader.ReadRows(buffer)
		for _, row := range buffer[:n] {
			cells = append(cells, cellsOf(file.Schema(), row))
		}
		if errors.Is(err, io.EOF) {
			return cells, groups
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// checkIndexes checks that each page of each column has bounds. An engine that looks for pages that it can leave out
// takes the file for corrupt otherwise.
func checkIndexes(t *testing.T, file *parquet.File) {
	t.Helper()
	indexes, offsets := file.ColumnIndexes(), file.OffsetIndexes()
	for i, index := range indexes {
		pages := len(offsets[i].PageLocations)
		if len(index.MinValues) != pages || len(index.MaxValues) != pages || len(index.NullPages) != pages {
			t.Errorf("column index %d has bounds of %d pages of %d", i, len(index.MinValues), pages)
		}
	}
}

func cellsOf(schema *parquet.Schema, row parquet.Row) (cells []string) {
	leaf := 0
	for _, f := range schema.Fields() {
		if !f.Leaf() {
			cells = append(cells, mapOf(row, leaf))
			leaf += 2
			continue
		}
		for _, v := range row {
			if v.Column() == leaf {
				cells = append(cells, cellOf(f.Type().String(), v))
			}
		}
		leaf++
	}
	return cells
}

func cellOf(typ string, v parquet.Value) string {
	switch {
	case v.IsNull():
		return ""
	case typ == "DECIMAL(38,10)":
		units := new(big.Int).SetBytes(v.ByteArray())
		if v.ByteArray()[0] >= 0x80 {
			units.Sub(units, new(big.Int).Lsh(big.NewInt(1), 128))
		}
		return new(big.Rat).SetFrac(units, big.NewInt(1e10)).FloatString(10)
	case v.Kind() == parquet.Int64:
		return time.UnixMilli(v.Int64()).UTC().Format(time.RFC3339)
	default:
		return string(v.ByteArray())
	}
}

func mapOf(row parquet.Row, leaf int) string {
	var keys, pairs []string
	for _, v := range row {
		switch {
		case v.IsNull():
		case v.Column() == leaf:
			keys = append(keys, string(v.ByteArray()))
		case v.Column() == leaf+1:
			pairs = append(pairs, keys[len(pairs)]+": "+string(v.ByteArray()))
		}
	}
	return strings.Join(pairs, "|")
}

// padAmounts gives the amounts of a CSV file as many decimals as those of Parquet have.
func padAmounts(t *testing.T, header, row []string) {
	t.Helper()
	mayBeNull := []string{"ConsumedQuantity", "x_ItemPrice"}
	for i, name := range header {
		isAmount := strings.HasSuffix(name, "Cost") || strings.HasSuffix(name, "cost_cny") || name == "PricingQuantity"
		if isAmount || slices.Contains(mayBeNull, name) && row[i] != "" {
			value, ok := new(big.Rat).SetString(row[i])
			if !ok {
				t.Fatalf("%s: %q", name, row[i])
			}
			row[i] = value.FloatString(10)
		}
	}
}

// Parquet has the cells of the CSV of the same lines, and the tags once more as a map.
func TestParquet(t *testing.T) {
	bills := billOf(october()...)
	bills["2026-11"] = bills["2026-10"]
	for format, csvFormat := range map[string]string{FormatParquet: FormatCSV, FormatFocusParquet: FormatFocusCSV} {
		for _, at := range []string{"2026-10", "2026-11"} {
			t.Run(format+at, func(t *testing.T) {
				var text, written string
				synctest.Test(t, func(t *testing.T) {
					o := Options{Format: csvFormat, Month: month(t, at)}
					text = runModes(t, noon, newModesAPI(bills), o).out
					o.Format, o.Output = format, "DIR/bill"
					written = runModes(t, noon, newModesAPI(bills), o).files["bill"]
				})
				want := readCells(t, text)
				got, groups := readParquet(t, written)
				addTags(t, want, got)
				if diff := cmp.Diff(want, got); diff != "" || !slices.Equal(groups, []int64{int64(len(want) - 1)}) {
					t.Errorf("row groups %v (-csv +parquet):\n%s", groups, diff)
				}
			})
		}
	}
}

// readCells returns the cells of a CSV file.
func readCells(t *testing.T, text string) [][]string {
	t.Helper()
	cells, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, byteOrderMark))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return cells
}

// addTags adds the column of tags as a map to the cells of a CSV file, and makes both alike where they may differ: in
// the decimals of amounts and the marks of formulas, which only the CSV for spreadsheets has.
func addTags(t *testing.T, want, got [][]string) {
	t.Helper()
	header := slices.Clone(want[0])
	tags := slices.IndexFunc(header, func(name string) bool { return strings.EqualFold(name, "tags") })
	want[0] = append(want[0], got[0][len(header)])
	for n, row := range want[1:] {
		padAmounts(t, header, row)
		for i := range row {
			if rest, ok := strings.CutPrefix(row[i], "'"); ok && escapeFormula(rest) == row[i] {
				row[i] = rest
			}
		}
		pairs := row[tags]
		if header[tags] == "Tags" {
			object := map[string]any{}
			if row[tags] != "" && json.Unmarshal([]byte(row[tags]), &object) != nil {
				t.Errorf("row %d: no object: %s", n, row[tags])
			}
			pairs = ""
			for key, value := range object { // no line has more than one
				pairs = fmt.Sprintf("%s: %v", key, value)
			}
		}
		want[n+1] = append(row, pairs)
	}
}

// Months of accounts are row groups of one file. An answer that breaks off leaves no row in it, and an amount that is
// too exact leaves no file.
func TestParquetIsWholeOrNotAtAll(t *testing.T) {
	var first, again, failed outcome
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api := manyBills()
		export := func() outcome {
			return runExport(t.Context(), t, api, t.TempDir(), manyConfig, Options{
				Account: "all", From: month(t, "2026-09"), Format: FormatFocusParquet, Output: "DIR/bill",
			})
		}
		first = export()
		broken := billsim.Break(billsim.Drop, 2)
		broken.Action, broken.Times = "GetPostpayDetailBill", 2
		api.Fault(broken)
		again = export()
		exact := billsim.BadAmount(2, "0.00000000001")
		exact.Action, exact.AccessKeyID = "GetPostpayDetailBill", "AKLTSHOP"
		api.Fault(exact)
		failed = export()
	})
	cells, groups := readParquet(t, first.files["bill"])
	if len(cells) != 10 || !slices.Equal(groups, []int64{3, 3, 3}) {
		t.Errorf("%d rows, row groups %v", len(cells)-1, groups)
	}
	retried, _ := readParquet(t, again.files["bill"])
	if diff := cmp.Diff(cells, retried); diff != "" || strings.Count(again.log, "trying again") != 2 {
		t.Errorf("after two broken answers (-want +got):\n%s%s", diff, again)
	}
	const want = "error: export: 商城, 2026-10: line 000000017299676: BilledCost: amount 0.00000000001: Parquet has" +
		" room for 38 digits, 10 of them behind the point; the CSV formats have it whole"
	if !strings.HasPrefix(failed.failure(), want) || len(failed.files) != 0 {
		t.Errorf("%d files, %v", len(failed.files), failed)
	}
}

// A row group that is full is written before the bill is whole. What is written of the first bill is taken back when it
// is read again. That of a later one stays in the file, but no reader sees it.
func TestParquetOfHalfBills(t *testing.T) {
	for name, file := range map[string]string{"file": filepath.Join(t.TempDir(), "bill"), "standard output": ""} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			target, err := output.Open(file, &out)
			if err != nil {
				t.Fatal(err)
			}
			defer target.Discard()
			b := book{Options: Options{Format: FormatParquet}, target: target}
			f := b.newParquetFile(typed(columnsWith(nil), "tags_map"))
			f.limit = 2
			bill := func(isFirst bool, name string, rows int) error {
				err := f.begin(isFirst)
				for range rows {
					err = stdcmp.Or(err, f.write(&row{Line: billclient.Line{ProductName: name}}))
				}
				return err
			}
			first := func() error { // which can be taken back from a file only
				if file == "" {
					return nil
				}
				return stdcmp.Or(bill(true, "broken", 5), target.Rewind())
			}
			err = stdcmp.Or(first(), bill(true, "first", 3), f.end(), target.Keep(),
				bill(false, "broken", 5), target.Rewind(), bill(false, "broken", 3), target.Rewind(),
				bill(false, "second", 3), f.end(), target.Keep(),
				bill(false, "third", 1), f.end(), f.close(), target.Commit(""))
			if err != nil {
				t.Fatal(err)
			}
			text := out.String()
			if file != "" {
				text = filesIn(t, filepath.Dir(file))["bill"]
			}
			cells, groups := readParquet(t, text)
			var names []string
			for _, row := range cells[1:] {
				names = append(names, row[3])
			}
			want := []string{"first", "first", "first", "second", "second", "second", "third"}
			if !slices.Equal(groups, []int64{2, 1, 2, 1, 1}) || !slices.Equal(names, want) {
				t.Errorf("row groups %v: %q", groups, names)
			}
		})
	}
}

// Without a place that keeps what is written, a bill that is not the first one cannot be read again.
func TestParquetCannotTakeBack(t *testing.T) {
	f := newParquetFile(bufio.NewWriter(io.Discard), typed(columnsWith(nil), "tags_map"))
	f.limit = 1
	err := stdcmp.Or(f.begin(false), f.write(&row{}), f.write(&row{}))
	if again := f.begin(false); err != nil || !errors.Is(again, errHalfBill) {
		t.Errorf("%v, %v", err, again)
	}
}

// A million rows for those who measure: KSYUN_EXPORT_ROWS=1000000.
func TestParquetOfManyRows(t *testing.T) {
	rows := 300
	if text := os.Getenv("KSYUN_EXPORT_ROWS"); text != "" {
		if _, err := fmt.Sscan(text, &rows); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		api := billsim.New([]billsim.Account{{
			AccessKeyID: "AKLTMAIN", SecretAccessKey: "s3cret-main", CustomerID: "73400575",
			Bills: billsim.Generated("73400575", rows, rows/5+1, 1),
		}})
		dir := t.TempDir()
		got := runExport(t.Context(), t, api, dir, oneAccount+"api: {union_endpoint: ''}\n",
			Options{Format: FormatFocusParquet, Output: "DIR/bill"})
		if got.err != nil || !strings.Contains(got.written, fmt.Sprintf("lines=%d ", rows)) {
			t.Error(got, got.written)
		}
	})
}
