package export

import (
	"errors"
	"strings"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/lake"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"
	"ksyun_bill_exporter/output"
)

// batch writes the lines of a read to a file, and gives it to its keeper. Its first error ends it: the rest of the
// lines is passed over, because the numbers that are made of them do not depend on it.
type batch struct {
	keeper   *Keeper
	lake     *lake.Lake // nil: none is in use any more
	projects map[projectKey]metrics.Project
	names    *names // nil: the lines are postpaid
	read     collector.LineRead
	payer

	target *output.Target // nil before Restart, and once the batch has ended
	file   *monthFile
	err    error
}

// Restart implements collector.LineBatch.
func (b *batch) Restart() {
	b.Discard()
	if b.lake == nil {
		return
	}
	if b.target, b.err = b.lake.Stage(); b.err == nil {
		b.file = newMonthFile(b.target.Writer, Focus13, b.read.ReadAt.UTC())
		b.err = b.file.begin(true)
	}
}

// Add implements collector.LineBatch.
func (b *batch) Add(line *billclient.Line) {
	b.write(&row{Line: *line, payMode: billclient.Postpaid, basis: b.read.Basis, until: line.EndTime})
}

// AddUnion implements collector.LineBatch. Postpaid lines are those of the bill, and those of no known pay mode cost
// nothing; they say whose the bill is, too.
func (b *batch) AddUnion(line *billclient.UnionLine) {
	b.learnCustomer(line.CustomerID)
	if allModes.others().has(line.PayMode) {
		b.write(b.names.rowOf(line))
	}
}

func (b *batch) write(r *row) {
	if b.err != nil || b.lake == nil {
		return
	}
	r.belongTo(b.read.Account, b.projects)
	if b.err = b.charge(r); b.err == nil {
		b.err = b.file.write(r)
	}
}

// Keep implements collector.LineBatch.
func (b *batch) Keep(expected collector.Expected) {
	if b.lake == nil {
		return
	}
	if b.err == nil && b.customer == "" {
		b.err = errNoCustomer
	}
	if b.err == nil {
		b.err = errors.Join(b.file.end(), b.file.close())
	}
	if b.err != nil {
		b.Refuse(b.err)
		return
	}
	b.keeper.keep(b.lake, billclient.CustomerID(strings.Clone(string(b.customer))), b.part(), expected)
	b.target = nil // it is the keeper's now
}

// part returns what the file has, also if it has no line.
func (b *batch) part() *readPart {
	p := &readPart{target: b.target, read: b.read}
	p.Name, p.Basis, p.ReadAt = othersPart, string(ledger.Billed), b.read.ReadAt.UTC()
	if b.names == nil {
		p.Name, p.Basis = postpaidPart, string(b.read.Basis)
	}
	if len(b.file.parts) > 0 {
		p.Part = b.file.parts[0]
	}
	if b.read.To != 0 {
		p.Through = b.read.To.String()
	}
	return p
}

// Refuse implements collector.LineBatch.
func (b *batch) Refuse(err error) {
	b.Discard()
	b.keeper.fail(err, "account", b.read.Account, "month", b.read.Month)
}

// Discard implements collector.LineBatch.
func (b *batch) Discard() {
	if b.target != nil {
		b.target.Discard()
		b.target = nil
	}
}
