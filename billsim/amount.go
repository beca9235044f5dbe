package billsim

import "strconv"

// Amount is an exact sum of money in units of 1e-8 yuan; it holds up to 92 billion yuan.
type Amount int64

// The units to write an amount with: 55*Yuan, 7333*Fen.
const (
	Fen  Amount = 1_000_000
	Yuan Amount = 100 * Fen
)

// String is the plain decimal, with two digits after the point or as many more as it needs: "55.00", "0.00000001".
func (a Amount) String() string {
	var room [24]byte
	return string(a.append(room[:0], 2))
}

// append writes a with at least the given decimals and without further trailing zeros.
func (a Amount) append(dst []byte, decimals int) []byte {
	units := uint64(a)
	if a < 0 {
		dst = append(dst, '-')
		units = -units
	}
	dst = strconv.AppendUint(dst, units/uint64(Yuan), 10)
	var room [9]byte // a leading 1 keeps the zeros after the point
	digits := strconv.AppendUint(room[:0], uint64(Yuan)+units%uint64(Yuan), 10)[1:]
	n := len(digits)
	for n > decimals && digits[n-1] == '0' {
		n--
	}
	if n == 0 {
		return dst
	}
	dst = append(dst, '.')
	return append(dst, digits[:n]...)
}

// discounted is percent of a, rounded to the fen, halves away from zero.
func (a Amount) discounted(percent int64) Amount {
	product, half := int64(a)*percent, int64(Yuan)/2
	if product < 0 {
		half = -half
	}
	return Amount((product+half)/int64(Yuan)) * Fen
}
