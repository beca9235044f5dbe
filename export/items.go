package export

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"math/big"
	"slices"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"

	"github.com/go-kit/log/level"
)

// itemTable has the billing items of a month by the lines that they belong to: in about 30 bytes for each, because an
// account can have hundreds of thousands. The methods of a nil table do nothing.
type itemTable struct {
	month    billclient.Month
	seed     maphash.Seed
	added    [][]itemEntry // in pieces; none once the table is complete
	entries  []itemEntry   // all, in the order of their keys
	numbers  [][]byte      // in pieces: the price and the quantity of each entry, each of them after its length
	buffer   []byte        // of the numbers that were added last
	texts    []itemTexts
	textsIDs map[itemTexts]uint32
	taken    []bool // the entries whose line was read
}

// itemEntry is an item.
type itemEntry struct {
	key     uint64 // a hash of what it has in common with its line
	numbers uint32 // where its numbers begin, in bytes, as if each piece before had its full size
	texts   uint32 // the place of its texts
}

// itemTexts are the texts of an item, which are those of many others.
type itemTexts struct{ name, priceUnit, priceNote, unit string }

// item is a billing item of a line.
type item struct {
	itemTexts
	price, quantity string
}

func newItemTable(month billclient.Month) *itemTable {
	return &itemTable{month: month, seed: maphash.MakeSeed(), textsIDs: map[itemTexts]uint32{}}
}

// add adds an item. One of no instance cannot be found again.
func (t *itemTable) add(i *billclient.ItemBill) {
	if i.InstanceID == "" {
		return
	}
	first, last, ok := i.Term()
	if !ok {
		first, last = billclient.DayOf(t.month.Start()), billclient.DayOf(t.month.End())-1
	}
	kind := cmp.Or(i.ProductTypeName, i.ProductGroupName)
	key := t.key(i.InstanceID, kind, i.PayMode, first, last)
	t.added = appendToPieces(t.added, pieceSize/16, itemEntry{key, t.keepNumbers(i.Price, i.Quantity), t.share(i)})
}

// pieceSize is how many bytes a piece has of what is kept in pieces. One slice of all would be copied again and again
// as it grows.
const pieceSize = 1 << 18

// appendToPieces appends elements to the last of some pieces, or to a new one if it has no room for them.
func appendToPieces[T any](pieces [][]T, size int, elements ...T) [][]T {
	if last := len(pieces) - 1; last < 0 || len(pieces[last])+len(elements) > size {
		pieces = append(pieces, make([]T, 0, size))
	}
	last := len(pieces) - 1
	pieces[last] = append(pieces[last], elements...)
	return pieces
}

// keepNumbers keeps the numbers of an entry, and returns where they begin.
func (t *itemTable) keepNumbers(numbers ...string) uint32 {
	t.buffer = t.buffer[:0]
	for _, number := range numbers {
		t.buffer = append(binary.AppendUvarint(t.buffer, uint64(len(number))), number...)
	}
	t.numbers = appendToPieces(t.numbers, pieceSize, t.buffer...)
	last := len(t.numbers) - 1
	return uint32(last*pieceSize + len(t.numbers[last]) - len(t.buffer))
}

// share returns the place of the texts of an item.
func (t *itemTable) share(i *billclient.ItemBill) uint32 {
	texts := itemTexts{i.Name, i.PriceUnit, i.PriceNote, i.Unit}
	id, ok := t.textsIDs[texts]
	if !ok {
		id = uint32(len(t.texts))
		t.textsIDs[texts], t.texts = id, append(t.texts, texts)
	}
	return id
}

// key returns a hash of what an item and its line have in common: the action has no number of the line.
func (t *itemTable) key(instance, kind, payMode string, first, last billclient.Day) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, text := range [...]string{instance, kind, payMode} {
		_, _ = h.WriteString(text)
		_ = h.WriteByte(0xff) // no text has it
	}
	maphash.WriteComparable(&h, [2]billclient.Day{first, last})
	return h.Sum64()
}

// complete ends the table, which can be searched then.
func (t *itemTable) complete() {
	t.entries = slices.Concat(t.added...)
	t.added, t.textsIDs = nil, nil
	slices.SortFunc(t.entries, func(a, b itemEntry) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.numbers, b.numbers))
	})
}

// begin begins the lines of the month, be it once more.
func (t *itemTable) begin() {
	if t != nil {
		t.taken = make([]bool, len(t.entries))
	}
}

// describe adds to a row the items of its line. Of several lines that have the same instance, type, pay mode and term,
// the first one has them: they must not count twice.
func (t *itemTable) describe(r *row) {
	if t == nil || r.InstanceID == "" {
		return
	}
	from, to := r.chargePeriod()
	kind := cmp.Or(r.ProductSubTypeName, r.ProductName)
	key := t.key(r.InstanceID, kind, r.payMode, billclient.DayOf(from), billclient.DayOf(to.Add(-1)))
	place, ok := slices.BinarySearchFunc(t.entries, key, func(e itemEntry, key uint64) int {
		return cmp.Compare(e.key, key)
	})
	if !ok || t.taken[place] {
		return
	}
	t.taken[place] = true
	var all []item
	for ; place < len(t.entries) && t.entries[place].key == key; place++ {
		all = append(all, t.itemOf(t.entries[place]))
	}
	addItems(r, all)
}

func (t *itemTable) itemOf(e itemEntry) item {
	i, rest := item{itemTexts: t.texts[e.texts]}, t.numbers[e.numbers/pieceSize][e.numbers%pieceSize:]
	for _, number := range [...]*string{&i.price, &i.quantity} {
		length, size := binary.Uvarint(rest)
		*number, rest = string(rest[size:][:length]), rest[size:][length:]
	}
	return i
}

// addItems adds the items of the row's line. A single one is in columns of its own as far as its price and its
// quantity are numbers, and the quantity has a unit; what columns cannot say is in the text of all.
func addItems(r *row, all []item) {
	if len(all) > 1 {
		r.charge.items = itemsArray(all)
		return
	}
	i := all[0]
	price, isPrice := exactNumber(i.price)
	quantity, isQuantity := exactNumber(i.quantity)
	isQuantity = isQuantity && i.unit != ""
	if !isPrice || !isQuantity || i.priceNote != "" {
		r.charge.items = itemsArray(all)
	}
	if isQuantity && quantity.Sign()*cmp.Or(r.ListCost.Sign(), r.Cost.Sign()) < 0 {
		r.charge.items = itemsArray(all) // something was used, and the line gives money back
		return
	}
	r.charge.item.name = i.name
	if isPrice {
		r.charge.item.price, r.charge.item.priceUnit = price.String(), i.priceUnit
	}
	if !isQuantity {
		return
	}
	r.charge.item.quantity, r.charge.item.unit = quantity.String(), i.unit
	if isPrice && isProduct(r, price, quantity) {
		r.charge.quantity, r.charge.unit = quantity.String(), i.unit
	}
}

// exactNumber reads a decimal number. It is not ok for one that a column of Parquet has no room for.
func exactNumber(text string) (number billclient.Amount, ok bool) {
	number, err := billclient.ParseAmount(text)
	if err != nil {
		return number, false
	}
	_, err = decimalOf(number.String())
	return number, err == nil
}

// isProduct reports whether price and quantity come to what the line costs before or after the discount, but for the
// rounding of a line to the fen. The API does not say of which of the two its price is a part. If they come to neither,
// as where the price is one for a month, the quantity is not what is paid for.
func isProduct(r *row, price, quantity billclient.Amount) bool {
	p, _ := new(big.Rat).SetString(price.String())
	q, _ := new(big.Rat).SetString(quantity.String())
	p.Mul(p, q)
	digits, _ := p.FloatPrec()
	product, err := billclient.ParseAmount(p.FloatString(digits))
	return err == nil && (ledger.IsRounding(product.Sub(r.ListCost), 1) || ledger.IsRounding(product.Sub(r.Cost), 1))
}

// itemsArray returns items as the text of a JSON array, with the names and the texts of the API.
func itemsArray(all []item) string {
	var b bytes.Buffer
	for n, i := range all {
		b.WriteString([]string{"[{", ",{"}[min(n, 1)])
		separator := ""
		for _, f := range [...][2]string{
			{"ItemName", i.name}, {"ItemPrice", i.price}, {"ItemPriceUnit", i.priceUnit},
			{"ItemPriceDesc", i.priceNote}, {"BillItemValue", i.quantity}, {"BillItemUnit", i.unit},
		} {
			if f[1] != "" {
				b.WriteString(separator)
				writeJSON(&b, f[0])
				b.WriteByte(':')
				writeJSON(&b, f[1])
				separator = ","
			}
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
	return b.String()
}

// consumed returns how much was used, and in which unit: what its item says, else the time. FOCUS wants it of all usage
// and of nothing else.
func consumed(r *row) (quantity, unit string) {
	switch {
	case r.charge.category != usage:
		return "", ""
	case r.charge.item.quantity != "":
		return r.charge.item.quantity, r.charge.item.unit
	default:
		return r.pricingQuantity()
	}
}

func consumedQuantity(r *row) string {
	quantity, _ := consumed(r)
	return quantity
}

func consumedUnit(r *row) string {
	_, unit := consumed(r)
	return unit
}

var errManyItems = errors.New("there are more items than half of the calls bring that are left of api.daily_calls")

// readItems returns the billing items of the month, nil where they are not wanted or not to be had. They are an extra:
// no export fails for them, and an account for which they failed is not asked for them again.
func readItems(ctx context.Context, j *job) *itemTable {
	isAsked := j.isFocus() && j.account.API.UnionEndpoint != "" && j.month >= billclient.FirstItemMonth
	if !isAsked || j.withoutItems[j.account.Name] {
		return nil
	}
	j.progress.begin()
	defer j.progress.end()
	var table *itemTable
	usedBefore, limit := j.client.Calls()
	err := j.client.Retry(ctx, billclient.QueryItemBills, func() error {
		table = newItemTable(j.month)
		for item, err := range j.client.QueryItemBills(ctx, j.month) {
			if err != nil {
				return err
			}
			// Without calls for the lines, the export would fail.
			if used, _ := j.client.Calls(); limit > 0 && used-usedBefore > (limit-usedBefore)/2 {
				return errManyItems
			}
			table.add(&item)
		}
		return nil
	})
	switch {
	case err == nil:
		table.complete()
		return table
	case ctx.Err() == nil: // else the next call says why the export ends
		j.withoutItems[j.account.Name] = true
		level.Warn(j.Logger).Log("msg", "the file goes without unit prices and usage", "account", j.account.Name,
			"from_month", j.month, "err", err)
	}
	return nil
}
