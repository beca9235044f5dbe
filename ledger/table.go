package ledger

import (
	"strings"

	"ksyun_bill_exporter/billclient"
)

// chunkSize is how many rows of a table are allocated at once.
const chunkSize = 1024

// chunks is a table of any number of rows. It grows without being copied, as a slice or a map would be: the copy of a
// large table is as large as the table.
type chunks[T any] struct {
	all  [][]T
	rows int // those that were ever asked for
}

// at returns a row, which is zero at first. The pointer is valid until at is called with a row that is new.
func (c *chunks[T]) at(row int) *T {
	for len(c.all) <= row/chunkSize {
		c.all = append(c.all, nil)
	}
	chunk := &c.all[row/chunkSize]
	if missing := row%chunkSize + 1 - len(*chunk); missing > 0 {
		if row >= chunkSize && *chunk == nil { // a small table grows little by little
			*chunk = make([]T, 0, chunkSize)
		}
		*chunk = append(*chunk, make([]T, missing)...)
	}
	c.rows = max(c.rows, row+1)
	return &(*chunk)[row%chunkSize]
}

// get returns a row, which is zero if it was never asked for by at.
func (c *chunks[T]) get(row int) (value T) {
	if at := row / chunkSize; at < len(c.all) && row%chunkSize < len(c.all[at]) {
		return c.all[at][row%chunkSize]
	}
	return value
}

// column has the exact sum of each of many rows, in eight bytes where an amount has at most eight decimals.
type column struct {
	units chunks[int64]
	rest  map[int]billclient.Amount // what does not fit into units
}

// add adds an amount to the sum of a row.
func (c *column) add(row int, amount billclient.Amount) {
	units := c.units.at(row)
	n, ok := amount.Units()
	if sum := *units + n; ok && (sum > *units) == (n > 0) {
		*units = sum
		return
	}
	if c.rest == nil {
		c.rest = map[int]billclient.Amount{}
	}
	c.rest[row] = c.rest[row].Add(amount)
}

// sum returns the sum of a row.
func (c *column) sum(row int) billclient.Amount {
	units := billclient.AmountOfUnits(c.units.get(row))
	if rest, ok := c.rest[row]; ok {
		return units.Add(rest)
	}
	return units
}

// sumOf returns the sum of several rows.
func (c *column) sumOf(rows []uint32) (sum billclient.Amount) {
	for _, row := range rows {
		sum = sum.Add(c.sum(int(row)))
	}
	return sum
}

// count returns how many rows can have a sum other than 0.
func (c *column) count() (n int) {
	for _, chunk := range c.units.all {
		for _, units := range chunk {
			if units != 0 {
				n++
			}
		}
	}
	return n + len(c.rest)
}

// symbol stands for a text that many lines share. The zero symbol is the empty text.
type symbol uint32

// symbols gives each text a symbol.
type symbols struct {
	byText map[string]symbol
	texts  []string
}

func newSymbols() symbols { return symbols{byText: map[string]symbol{"": 0}, texts: []string{""}} }

func (s *symbols) symbolOf(text string) symbol {
	if symbol, ok := s.byText[text]; ok {
		return symbol
	}
	text = keepText(text)
	next := symbol(len(s.texts))
	s.texts = append(s.texts, text)
	s.byText[text] = next
	return next
}

func (s *symbols) text(of symbol) string { return s.texts[of] }

// pieceSize is how much memory the texts of a table get at once.
const pieceSize = 16 << 10

// textPool keeps texts that come once each. Many of them share a piece of memory.
type textPool struct{ piece strings.Builder }

// keep returns a copy of a text.
func (p *textPool) keep(text string) string {
	if p.piece.Cap()-p.piece.Len() < len(text) {
		size := min(pieceSize, max(2*p.piece.Cap(), 256)) // a small table has few texts
		p.piece.Reset()
		p.piece.Grow(max(size, len(text)))
	}
	from := p.piece.Len()
	p.piece.WriteString(text)
	return p.piece.String()[from:]
}

// texts keeps texts that are replaced now and then, of which only the last counts.
type texts struct{ blocks [][]byte }

// textSpan is where a text is kept. The zero span is that of the empty text.
type textSpan struct{ block, from, length uint32 }

// replace keeps a text in place of the one at a span if it is not longer, else elsewhere, and returns where.
func (t *texts) replace(at textSpan, text string) textSpan {
	if uint32(len(text)) > at.length {
		at = t.reserve(len(text))
	}
	at.length = uint32(len(text))
	if len(text) > 0 {
		copy(t.blocks[at.block][at.from:], text)
	}
	return at
}

func (t *texts) reserve(length int) textSpan {
	last := len(t.blocks) - 1
	if last < 0 || len(t.blocks[last])+length > pieceSize {
		t.blocks = append(t.blocks, nil)
		last++
	}
	block := &t.blocks[last]
	from := len(*block)
	*block = append(*block, make([]byte, length)...)
	return textSpan{block: uint32(last), from: uint32(from)}
}

// text returns the text at a span, which is valid until it is replaced.
func (t *texts) text(at textSpan) []byte {
	if at.length == 0 {
		return nil
	}
	return t.blocks[at.block][at.from : at.from+at.length]
}
