package ledger

import "ksyun_bill_exporter/billclient"

// View is one way to add up the lines of a month.
type View struct {
	Name      string
	Labels    []string // names of the key's parts; the rows have as many label values
	Amount    func(*Cell) billclient.Amount
	Keys      func(d Dimensions, tags []Tag, add func(Key)) // keys that lines of these dimensions count for
	Fold      func(Key) Key                                 // key of the row that a small sum is folded into; nil: none is
	Listed    bool                                          // the amounts are list prices, which come to no summary
	Described bool                                          // each row is an instance and is described by its attributes
	Summary   func(*Summary) []Row                          // rows of the month's summary, which are preferred; may be nil
}
