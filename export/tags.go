package export

import (
	"bytes"
	"encoding/json"
	"slices"

	"ksyun_bill_exporter/billclient"
)

// tagsObject returns tags as the text of a JSON object, and nothing where there are none. Of two values of a key, which
// an object cannot have, the first one counts, as in the columns of instances.tags. A key without a value has true, as
// FOCUS wants it.
func tagsObject(tags []billclient.KeyValue) string {
	if len(tags) == 0 {
		return ""
	}
	b := bytes.NewBufferString("{")
	for i, tag := range uniqueTags(tags) {
		if i > 0 {
			b.WriteByte(',')
		}
		writeJSON(b, tag.Key)
		b.WriteByte(':')
		if tag.Value == "" {
			b.WriteString("true")
			continue
		}
		writeJSON(b, tag.Value)
	}
	b.WriteByte('}')
	return b.String()
}

// uniqueTags returns the first tag of each key.
func uniqueTags(tags []billclient.KeyValue) []billclient.KeyValue {
	for i, tag := range tags {
		if hasKey(tags[:i], tag.Key) {
			return uniqueTags(slices.Concat(tags[:i], tags[i+1:]))
		}
	}
	return tags
}

func hasKey(tags []billclient.KeyValue, key string) bool {
	return slices.ContainsFunc(tags, func(tag billclient.KeyValue) bool { return tag.Key == key })
}

// writeJSON writes a text as JSON, with characters such as < as they are.
func writeJSON(b *bytes.Buffer, text string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text)      // a buffer takes all
	b.Truncate(b.Len() - 1) // Encode ends with a line break
}
