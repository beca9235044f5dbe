package billclient

import "strings"

// textPieces keeps texts for good. Several of them share a piece of memory, which is small: a text that is held holds
// its piece.
type textPieces struct{ piece strings.Builder }

// smallPieceSize has room for the texts of a few rows.
const smallPieceSize = 1 << 10

// keep returns a copy of a text.
func (p *textPieces) keep(text []byte) string {
	if len(text) > smallPieceSize/4 {
		return string(text)
	}
	if p.piece.Cap()-p.piece.Len() < len(text) {
		p.piece.Reset()
		p.piece.Grow(smallPieceSize)
	}
	from := p.piece.Len()
	p.piece.Write(text)
	return p.piece.String()[from:]
}
