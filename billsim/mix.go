package billsim

import "encoding/hex"

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

// appendUUID writes 128 bits in the shape of a uuid.
func appendUUID(dst []byte, high, low uint64) []byte {
	var bits [16]byte
	for i := range 8 {
		bits[i], bits[8+i] = byte(high>>(56-8*i)), byte(low>>(56-8*i))
	}
	dst = append(hex.AppendEncode(dst, bits[:4]), '-')
	dst = append(hex.AppendEncode(dst, bits[4:6]), '-')
	dst = append(hex.AppendEncode(dst, bits[6:8]), '-')
	dst = append(hex.AppendEncode(dst, bits[8:10]), '-')
	return hex.AppendEncode(dst, bits[10:])
}
