package billclient

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/govalues/decimal"
)

// maxExponent bounds the exponent of an amount, so that no text of a few bytes can ask for gigabytes of zeros, and
// maxDigits its digits, so that no sum takes longer than a sum may.
const (
	maxExponent = 100
	maxDigits   = 100
	maxPlain    = 18 // digits that fit into an int64 whatever they are
)

// Amount is an exact decimal number of yuan (CNY). Whatever the API writes is kept to the last digit, and so are sums.
// The zero Amount is 0. An Amount is a value and safe for concurrent use.
type Amount struct {
	// short holds the amount wherever its 19 digits are enough, which is all but always.
	short decimal.Decimal
	// long, if set, holds the amount instead: the API calls some amounts Double, and sums of those can have digits
	// on both sides of the point that together are more than 19.
	long *big.Rat
}

// ParseAmount reads a decimal number as JSON writes one (66, 55.00, -0.5, 1e2), exactly. A leading plus sign, leading
// zeros and blanks around the number are taken too: the API documents amounts as free text.
func ParseAmount(s string) (Amount, error) {
	if short, ok := parsePlain(s); ok {
		return Amount{short: short}, nil
	}
	s = strings.TrimSpace(s)
	digits, exponent, err := scanAmount(s)
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

// parsePlain reads what nearly every amount is, digits with perhaps a sign before and a point among them, in one go.
func parsePlain(s string) (decimal.Decimal, bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || digits == "." || len(digits) > maxPlain {
		return decimal.Decimal{}, false
	}
	value, point := int64(0), len(digits)-1 // no point is as good as one at the end
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

// scanAmount makes sure that s has nothing in it but what a decimal number is made of, and returns how many digits it
// has and its exponent. In what order those come is left to who reads them.
func scanAmount(s string) (digits, exponent int, err error) {
	mantissa, exponentText := s, "0"
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponentText = s[:i], s[i+1:]
	}
	if digits, err = countDigits(mantissa); err != nil {
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

func countDigits(mantissa string) (digits int, err error) {
	for _, c := range []byte(mantissa) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c != '.' && c != '-' && c != '+':
			return 0, errNotNumber
		}
	}
	if digits > maxDigits {
		return 0, fmt.Errorf("it has more than %d digits", maxDigits)
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

// Neg returns a with its sign turned.
func (a Amount) Neg() Amount {
	if a.long != nil {
		return Amount{long: new(big.Rat).Neg(a.long)}
	}
	return Amount{short: a.short.Neg()}
}

// Abs returns a without its sign.
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
	// The second result is false only for numbers that float64 cannot hold, and 19 digits always fit.
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
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what ParseAmount reads.
func (a *Amount) UnmarshalText(text []byte) error {
	amount, err := ParseAmount(string(text))
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
