package ledger

import "strings"

// Sentinels in key labels. A real value that looks like one gets one more leading underscore (see KeyLabel).
const (
	None  = "__none__"  // a line names no instance, region, tag, product or project
	Other = "__other__" // what was folded
)

// KeyLabel returns the label value of a code or an id. It is never empty and never equal to a sentinel, whatever
// somebody names a resource. Values that already look like an escaped sentinel are escaped too, so that no two values
// become one.
func KeyLabel(value string) string {
	if value == "" {
		return None
	}
	rest := strings.TrimLeft(value, "_")
	if (rest == "none__" || rest == "other__") && len(value)-len(rest) >= 2 {
		return "_" + value
	}
	return value
}

// labelKey returns the key with the label values of its first n parts.
func labelKey(k Key, n int) Key {
	for i := range n {
		k[i] = KeyLabel(k[i])
	}
	return k
}
