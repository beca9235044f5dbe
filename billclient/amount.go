package billclient

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/govalues/decimal"
)

const (
	// maxExponent limits the exponent of an amount, so that a text of a few bytes cannot ask for gigabytes of zeros.
	maxExponent = 100
	// maxDigits limits the digits of an amount that the API writes, so that a sum stays fast.
	maxDigits = 100
	// maxKeptDigits limits the digits of an amount that UnmarshalText reads. It has room for every amount that String
	// returns: without its exponent, an amount that was parsed has at most 200 digits on each side of the point, and a
	// sum of as many of them as there can be has a few more. Otherwise one long amount would make all that was kept
	// with it unreadable.
	maxKeptDigits = 500
	// maxPlainDigits is how many digits always fit into an int64.
	maxPlainDigits = 18
)

// Amount is an exact decimal number of yuan (CNY). Every digit that the API writes is kept, and sums are exact as
// well. The zero Amount is 0. An Amount is a value and safe for concurrent use.
type Amount struct {
	// short holds the amount if its 19 digits are enough, as they nearly always are.
	short decimal.Decimal
	// long, if set, holds the amount instead: the API calls some amounts Double, and a sum of those can have more than
	// 19 digits on both sides of the point together.
	long *big.Rat
}

// ParseAmount reads a decimal number as JSON writes one (66, 55.00, -0.5, 1e2), exactly. It also accepts a leading
// plus sign, leading zeros and blanks around the number, because the API documents amounts as free text.
// An amount of more than 100 digits, or with an exponent beyond 100, is an error.
func ParseAmount(s string) (Amount, error) { return parseAmount(s, maxDigits) }

// parseAmount reads an amount of at most limit digits.
func parseAmount(s string, limit int) (Amount, error) {
	if short, ok := parsePlain(s); ok {
		return Amount{short: short}, nil
	}
	s = strings.TrimSpace(s)
	digits, exponent, err := scanAmount(s, limit)
	if err != nil {
		return Amount{}, fmt.Errorf("amount %q: %w", shorten(s, 60), err)
	}
	if digits <= decimal.MaxPrec && exponent == 0 {
		short, err := decimal.Parse(s)
		if err == nil {
			return Amount{short: short}, nil
		}
	}
	long, ok := new(big.Rat).SetString(s)
	if !ok {
		return Amount{}, fmt.Errorf("amount %q: %w", shorten(s, 60), errNotNumber)
	}
	return Amount{long: long}, nil
}

// parsePlain reads an amount of the usual form: digits, perhaps with a minus sign before them and a point among them.
// It is much faster than decimal.Parse. It returns false for any other form.
func parsePlain(s string) (decimal.Decimal, bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || digits == "." || len(digits) > maxPlainDigits {
		return decimal.Decimal{}, false
	}
	value, point := int64(0), len(digits)-1 // a number without a point is read as if its point were at the end
	for i, c := range []byte(digits) {
		switch {
		case c >= '0' && c <= '9':
			value = value*10 + int64(c-'0')
		case c == '.' && point == len(digits)-1:
			point = i
		default:
			return decimal.Decimal{}, false
		}
	}
	if len(digits) < len(s) {
		value = -value
	}
	short, err := decimal.New(value, len(digits)-1-point)
	return short, err == nil
}

var errNotNumber = errors.New("not a decimal number")

// scanAmount fails if s contains anything that no decimal number contains. It returns the number of digits and the
// exponent. It does not check the order of digits, signs and points, which the parser that follows does.
func scanAmount(s string, limit int) (digits, exponent int, err error) {
	mantissa, exponentText := s, "0"
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponentText = s[:i], s[i+1:]
	}
	if digits, err = countDigits(mantissa, limit); err != nil {
		return 0, 0, err
	}
	if exponent, err = strconv.Atoi(exponentText); err != nil {
		return 0, 0, errNotNumber
	}
	if exponent > maxExponent || exponent < -maxExponent {
		return 0, 0, fmt.Errorf("its exponent is beyond %d", maxExponent)
	}
	return digits, exponent, nil
}

func countDigits(mantissa string, limit int) (digits int, err error) {
	for _, c := range []byte(mantissa) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c != '.' && c != '-' && c != '+':
			return 0, errNotNumber
		}
	}
	if digits > limit {
		return 0, fmt.Errorf("it has more than %d digits", limit)
	}
	return digits, nil
}

// Add returns the exact sum of a and b.
func (a Amount) Add(b Amount) Amount {
	if a.long == nil && b.long == nil {
		sum, err := a.short.AddExact(b.short, max(a.short.Scale(), b.short.Scale()))
		if err == nil {
			return Amount{short: sum}
		}
	}
	return Amount{long: new(big.Rat).Add(a.rat(), b.rat())}
}

// Sub returns the exact difference of a and b.
func (a Amount) Sub(b Amount) Amount { return a.Add(b.Neg()) }

// Times returns n times a, exactly.
func (a Amount) Times(n int) Amount {
	factor, err := decimal.New(int64(n), 0)
	if err == nil && a.long == nil {
		product, err := a.short.MulExact(factor, a.short.Scale())
		if err == nil {
			return Amount{short: product}
		}
	}
	return Amount{long: new(big.Rat).Mul(a.rat(), new(big.Rat).SetInt64(int64(n)))}
}

// unitScale is how many decimals of yuan a unit has: those of the most exact amounts that the API is known to write.
const unitScale = 8

// unitFactors has what an amount is multiplied by to get units, by its scale.
var unitFactors = [unitScale + 1]uint64{1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1}

// Units returns a in units of 1e-8 yuan, which take less memory and are added faster. It returns false if a has more
// decimals than that, or more digits than an int64.
func (a Amount) Units() (units int64, ok bool) {
	scale, digits := a.short.Scale(), a.short.Coef()
	if a.long != nil || scale > unitScale || digits > math.MaxInt64/unitFactors[scale] {
		return 0, false
	}
	units = int64(digits * unitFactors[scale])
	if a.short.IsNeg() {
		units = -units
	}
	return units, true
}

// AmountOfUnits returns the amount of so many units of 1e-8 yuan.
func AmountOfUnits(units int64) Amount {
	short, err := decimal.New(units, unitScale)
	if err != nil { // an int64 has at most 19 digits, which is what a short amount has room for
		return Amount{long: big.NewRat(units, 1e8)}
	}
	return Amount{short: short.Trim(0)}
}

// Share returns the n-th part of a, n being above 0, with eight decimals: those behind them are cut. What n shares lack
// of a is left to the caller.
func (a Amount) Share(n int) Amount {
	if units, ok := a.Units(); ok {
		return AmountOfUnits(units / int64(n))
	}
	scaled := new(big.Rat).Mul(a.rat(), big.NewRat(1e8, int64(n)))
	units := new(big.Int).Quo(scaled.Num(), scaled.Denom())
	if units.IsInt64() {
		return AmountOfUnits(units.Int64())
	}
	return Amount{long: new(big.Rat).SetFrac(units, big.NewInt(1e8))}
}

// Neg returns a with its sign inverted.
func (a Amount) Neg() Amount {
	if a.long != nil {
		return Amount{long: new(big.Rat).Neg(a.long)}
	}
	return Amount{short: a.short.Neg()}
}

// Abs returns the absolute value of a.
func (a Amount) Abs() Amount {
	if a.Sign() < 0 {
		return a.Neg()
	}
	return a
}

// Cmp returns -1, 0 or 1 as a is less than, equal to or greater than b.
func (a Amount) Cmp(b Amount) int {
	if a.long == nil && b.long == nil {
		return a.short.Cmp(b.short)
	}
	return a.rat().Cmp(b.rat())
}

// Sign returns -1, 0 or 1 as a is negative, zero or positive.
func (a Amount) Sign() int {
	if a.long != nil {
		return a.long.Sign()
	}
	return a.short.Sign()
}

// Float64 returns the float64 nearest to a.
func (a Amount) Float64() float64 {
	if a.long != nil {
		f, _ := a.long.Float64()
		return f
	}
	// The second result is false only for numbers beyond the range of float64, and 19 digits are within it.
	f, _ := a.short.Float64()
	return f
}

// String returns a in plain decimal notation with all its digits.
func (a Amount) String() string {
	if a.long != nil {
		digits, _ := a.long.FloatPrec()
		return a.long.FloatString(digits)
	}
	return a.short.String()
}

// MarshalText returns what String returns.
func (a Amount) MarshalText() ([]byte, error) {
	if a.long != nil {
		return []byte(a.String()), nil
	}
	return a.short.AppendText(make([]byte, 0, 24))
}

// UnmarshalText reads what ParseAmount reads, and every text that MarshalText returns for an amount that was parsed or
// for a sum of such amounts. It leaves a as it is if that fails.
func (a *Amount) UnmarshalText(text []byte) error {
	amount, err := parseAmount(string(text), maxKeptDigits)
	if err != nil {
		return err
	}
	*a = amount
	return nil
}

func (a Amount) rat() *big.Rat {
	if a.long != nil {
		return a.long
	}
	rat, _ := new(big.Rat).SetString(a.short.String())
	return rat
}
