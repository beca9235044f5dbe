package billsim

import "strconv"

// Amount is an exact sum of money in units of 1e-8 yuan. It holds up to 92 billion yuan.
type Amount int64

// Fen and Yuan are units to write an amount with: 55*Yuan, 7333*Fen.
const (
	Fen  Amount = 1_000_000
	Yuan Amount = 100 * Fen
)

// String returns the amount as a plain decimal with two digits after the point, or with as many more as it needs:
// "55.00", "0.00000001".
func (a Amount) String() string { return a.format(2) }

// format returns the amount with at least the given number of decimals and without further trailing zeros.
func (a Amount) format(decimals int) string {
	sign, units := "", uint64(a)
	if a < 0 {
		sign, units = "-", -units
	}
	text := sign + strconv.FormatUint(units/uint64(Yuan), 10)
	digits := strconv.FormatUint(uint64(Yuan)+units%uint64(Yuan), 10)[1:] // a leading 1 keeps the zeros after the point
	n := len(digits)
	for n > decimals && digits[n-1] == '0' {
		n--
	}
	if n == 0 {
		return text
	}
	return text + "." + digits[:n]
}

// discount returns percent of a, rounded to the fen, halves away from zero.
func (a Amount) discount(percent int64) Amount {
	product, half := int64(a)*percent, int64(Yuan)/2
	if product < 0 {
		half = -half
	}
	return Amount((product+half)/int64(Yuan)) * Fen
}
