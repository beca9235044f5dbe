package billsim

import (
	"fmt"
	"strconv"
)

// mix returns bits that look random and depend on the numbers alone. It applies the finalizer of splitmix64 to each in
// turn (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014).
func mix(numbers ...uint64) uint64 {
	h := uint64(0)
	for _, n := range numbers {
		h += n + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// newUUID returns 128 bits in the shape of a uuid.
func newUUID(high, low uint64) string {
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", high>>32, high>>16&0xffff, high&0xffff, low>>48, low&(1<<48-1))
}

// hash returns bits that look random and depend on the text alone.
func hash(text string) uint64 {
	h := uint64(len(text))
	for i := range len(text) {
		h = mix(h, uint64(text[i]))
	}
	return h
}

// fifteenDigits returns the number of a line, which is not above 1e11, as bills write it.
func fifteenDigits(bits uint64) string { return strconv.FormatUint(1e15+bits%1e11, 10)[1:] }
