package billsim

import (
	"bytes"
	"fmt"
	"slices"
)

// pieces is the JSON of a line, cut where the lines of one kind differ: joining it takes half the time of writing
// the line anew, so that a benchmark measures its client and not the simulator.
type pieces [10][]byte

// differing is what a line with pieces has of its own, in the order of the fields. None of it needs an escape.
func (l *Line) differing() [9]string {
	return [9]string{
		l.DetailBillNo, l.StatDate, l.StartTime, l.EndTime, l.InstanceID, l.InstanceName,
		l.costText(), l.measureText(), l.Extras[0].Value,
	}
}

// newPieces cuts the JSON of a line of the kind.
func newPieces(kind Line) *pieces {
	const cut = "@"
	kind.DetailBillNo, kind.InstanceID, kind.InstanceName = cut, cut, cut
	kind.StatDate, kind.StartTime, kind.EndTime = cut, cut, cut
	kind.CostText, kind.MeasureText = cut, cut
	kind.Extras = []KeyValue{{kind.Extras[0].Key, cut}, kind.Extras[1]}
	var w jsonWriter
	writeLine(&w, &kind)
	cuts := bytes.Split(w.take(), []byte(cut))
	if !kind.daily { // no StatDate is written: it is empty and stands behind DetailBillNo
		cuts = slices.Insert(cuts, 1, nil)
	}
	if len(cuts) != len(pieces{}) {
		panic(fmt.Sprintf("billsim: %q stands in a line's kind", cut))
	}
	return (*pieces)(cuts)
}

// join appends the line's JSON.
func (p *pieces) join(dst []byte, l *Line) []byte {
	for i, own := range l.differing() {
		dst = append(append(dst, p[i]...), own...)
	}
	return append(dst, p[len(p)-1]...)
}
