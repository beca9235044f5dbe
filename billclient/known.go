package billclient

import "hash/maphash"

// knownTexts are texts that come again and again, each of which is kept once: members such as the name of a product
// have few texts in a whole bill.
type knownTexts struct {
	seed  maphash.Seed
	texts [512]string // at places that depend on their hashes. Of two that have one place, only the last one is known
}

func newKnownTexts() *knownTexts { return &knownTexts{seed: maphash.MakeSeed()} }

// place returns where the text is if it is known, and where it belongs.
func (k *knownTexts) place(text []byte) *string {
	return &k.texts[maphash.Bytes(k.seed, text)%uint64(len(k.texts))]
}

// maxKnown is how long a text may be that is known, so that an answer full of long texts does not fill the memory.
const maxKnown = 512
