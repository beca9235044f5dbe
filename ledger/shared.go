package ledger

import (
	"strings"
	"sync"
)

// sharedTexts are the texts that what is known of accounts has in common: names of products and projects, codes, pay
// modes. With many accounts, a copy for each of their answers would be most of what is kept.
var sharedTexts textTable

// Limits of what is shared, so that no answer fills the memory with it. Hundreds of accounts have fewer texts, and shorter
// ones.
const (
	mostShared    = 1 << 14
	longestShared = 256
)

// textTable has texts that are kept, each once. It is safe for concurrent use. The zero textTable is empty.
type textTable struct {
	mu    sync.Mutex
	texts map[string]string
}

// keep returns a text that is equal to a given one, but shares no memory with the answer that has it.
func (t *textTable) keep(text string) string {
	if len(text) > longestShared {
		return strings.Clone(text)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if kept, ok := t.texts[text]; ok {
		return kept
	}
	if t.texts == nil || len(t.texts) == mostShared { // what is in use stays so, only a copy of it may come
		t.texts = map[string]string{}
	}
	kept := strings.Clone(text)
	t.texts[kept] = kept
	return kept
}

// keepLabel returns the label value of a code or an id of an answer, as KeyLabel does, for good.
func keepLabel(value string) string { return sharedTexts.keep(KeyLabel(value)) }

// keepText returns a text of an answer, for good.
func keepText(text string) string { return sharedTexts.keep(text) }
