package ledger

import (
	"slices"
	"time"

	"ksyun_bill_exporter/billclient"
)

// LineSums is what the lines of one month add up to, folded. Immutable.
type LineSums struct {
	ReadFor *Summary  // the summary that stood when the lines were read
	ReadAt  time.Time // when the last read began, which may have been of some products
	Count   int
	Newest  time.Time // end of the newest line; zero if none tells
	Summed  bool      // the sums follow; else only what the lines say as a whole
	// Beyond is what the sum of ReadFor has more than the lines; 0 if that is rounding. Rows have it under None, so
	// that they come to that sum.
	Beyond billclient.Amount

	CustomerID                 billclient.CustomerID
	Rows                       map[string][]Row // by name of the view; those of instances share the keys of Instances
	Instances                  []Instance       // those of the described view's rows, in the same order
	ProductNames, ProjectNames map[string]string
	Tallies                    map[string]Tally // by product

	// parts has what the lines of each product come to, in the order of their codes, so that some of them can be read
	// anew without the others (see Ledger.KeepProducts). It is not kept over a restart.
	parts []*part
}

// Instance is a key of the instance family with its attributes.
type Instance struct {
	Key   Key
	Facts []string // values of InstanceFacts, then of the configured tags
}

// Tally counts the instances of a product.
type Tally struct{ All, Folded int }

// count counts an instance, which is none if it has no name.
func (t *Tally) count(isNamed, isKept bool) {
	if isNamed {
		t.All++
	}
	if !isKept {
		t.fold(isNamed)
	}
}

// fold counts an instance that was counted as one more that is not shown.
func (t *Tally) fold(isNamed bool) {
	if isNamed {
		t.Folded++
	}
}

// withoutRows returns what remains of lines that are to be read anew: how many there were, and whose. They are due at
// once because they have no time of reading, and are not shown.
func (s *LineSums) withoutRows() *LineSums {
	if s == nil {
		return nil
	}
	return &LineSums{ReadFor: s.ReadFor, Count: s.Count, CustomerID: s.CustomerID, Newest: s.Newest}
}

// valid reports whether the rows have the labels of their views. It does not look at what depends on the configuration
// of instances (see Snapshot.Matches).
func (s *LineSums) valid(views []View) bool {
	for name, rows := range s.Rows {
		i := slices.IndexFunc(views, func(v View) bool { return v.Name == name })
		if i < 0 || !views[i].Described && !haveLabels(rows, len(views[i].Labels)) {
			return false
		}
	}
	return true
}

// matches reports whether the instances are described as the options say.
func (s *LineSums) matches(o Instances, views []View) bool {
	width, facts := len(Key{}), len(o.Facts())
	for _, i := range s.Instances {
		if len(i.Facts) != facts {
			return false
		}
	}
	for _, v := range views {
		if v.Described && !haveLabels(s.Rows[v.Name], width) {
			return false
		}
	}
	return true
}

// partOf returns what is known of the lines of a product, nil if there are none.
func (s *LineSums) partOf(product string) *part {
	for _, p := range s.parts {
		if p.product == product {
			return p
		}
	}
	return nil
}
