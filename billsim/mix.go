package billsim

import "fmt"

// mix makes well-spread bits of its numbers, the same in every run: the finalizer of splitmix64 (Steele, Lea and Flood,
// Fast Splittable Pseudorandom Number Generators, 2014) over each in turn.
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
