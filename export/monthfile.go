package export

import (
	"bufio"
	"encoding/json"
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/lake"
)

// Names of the parts of a month's file. Each is read by an action of its own, at another time.
const (
	postpaidPart = "postpaid"
	othersPart   = "others"
)

// manifestKey is the key under which the manifest stands in the file itself.
const manifestKey = "ksyun_bill_exporter.manifest"

// monthFile writes the bill of a month for a lake: the columns of FOCUS, as Parquet, with row groups of its own for
// each part, so that one part can be replaced without reading the lines of the other.
type monthFile struct {
	*parquetFile
	readAt time.Time
	parts  []lake.Part
}

func newMonthFile(w *bufio.Writer, version string, readAt time.Time) *monthFile {
	return &monthFile{parquetFile: newParquetFile(w, lakeColumns(version)), readAt: readAt}
}

// lakeColumns returns the columns of all files of a lake.
func lakeColumns(version string) []column { return typed(focusColumns(version), "x_Tags") }

func (m *monthFile) begin(bool) error {
	m.parts = nil
	return m.parquetFile.begin(true)
}

func (m *monthFile) write(r *row) error {
	name := othersPart
	if r.payMode == billclient.Postpaid {
		name = postpaidPart
	}
	if n := len(m.parts); n == 0 || m.parts[n-1].Name != name {
		if err := m.endPart(); err != nil {
			return err
		}
		m.parts = append(m.parts, lake.Part{Name: name, Basis: string(r.basis), ReadAt: m.readAt})
	}
	addToSums(&m.parts[len(m.parts)-1], r.payMode, r.Cost, r.ListCost)
	return m.parquetFile.write(r)
}

// endPart ends the row group, and counts those of the part.
func (m *monthFile) endPart() error {
	if err := m.commit(); err != nil || len(m.parts) == 0 {
		return err
	}
	m.written = true
	before := 0
	for _, p := range m.parts[:len(m.parts)-1] {
		before += p.RowGroups
	}
	m.parts[len(m.parts)-1].RowGroups = m.groups - before
	return nil
}

func (m *monthFile) end() error { return m.endPart() }

// finish ends the file, with what is said of it.
func (f *parquetFile) finish(about lake.Manifest) error {
	text, err := json.Marshal(about)
	if err != nil {
		return err
	}
	f.file.SetKeyValueMetadata(manifestKey, string(text))
	return f.close()
}

// newManifest returns what is said of the file of a month.
func newManifest(at lake.Partition, account, version, program string, parts []lake.Part) lake.Manifest {
	return lake.Manifest{
		File: lake.FileName, Customer: at.Customer, Month: at.Month.String(), Account: account, FocusVersion: version,
		Program: program, WrittenAt: rightNow(), Parts: parts,
	}
}

// addToSums adds a line to those of its pay mode.
func addToSums(p *lake.Part, payMode string, cost, listCost billclient.Amount) {
	i := slices.IndexFunc(p.PayModes, func(s lake.Sum) bool { return s.PayMode == payMode })
	if i < 0 {
		i, p.PayModes = len(p.PayModes), append(p.PayModes, lake.Sum{PayMode: payMode})
	}
	s := &p.PayModes[i]
	s.Lines++
	s.Cost, s.ListCost = s.Cost.Add(cost), s.ListCost.Add(listCost)
}
