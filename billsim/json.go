package billsim

import (
	"strconv"
	"strings"
)

// jsonWriter is a writer of JSON.
type jsonWriter struct {
	forms map[string]Form
	buf   []byte
	comma bool // whether the next value needs a comma before it
}

func (w *jsonWriter) separate() {
	if w.comma {
		w.buf = append(w.buf, ',')
	}
	w.comma = true
}

func (w *jsonWriter) writeName(name string) {
	w.separate()
	w.buf = append(append(append(w.buf, '"'), name...), `":`...)
}

func (w *jsonWriter) writeRaw(name, value string) {
	w.writeName(name)
	w.buf = append(w.buf, value...)
}

func (w *jsonWriter) openObject(string) {
	w.separate()
	w.buf = append(w.buf, '{')
	w.comma = false
}

func (w *jsonWriter) closeObject(string) {
	w.buf = append(w.buf, '}')
	w.comma = true
}

func (w *jsonWriter) openMember(name string) bool { return w.open(name, "{") }

func (w *jsonWriter) openList(name string) bool { return w.open(name, "[") }

// open begins an object or a list with a name and returns true, unless the fault leaves it out.
func (w *jsonWriter) open(name, bracket string) bool {
	switch w.forms[name] {
	case Missing:
		return false
	case Null:
		w.writeRaw(name, "null")
		return false
	}
	w.writeRaw(name, bracket)
	w.comma = false
	return true
}

func (w *jsonWriter) closeList(string) {
	w.buf = append(w.buf, ']')
	w.comma = true
}

func (w *jsonWriter) writeText(name, value string) { w.writeValue(name, value, AsString) }

func (w *jsonWriter) writeMoney(name string, value Amount) {
	w.writeValue(name, value.format(0), AsNumber)
}

func (w *jsonWriter) writeCount(name string, n int) { w.writeValue(name, strconv.Itoa(n), AsNumber) }

func (w *jsonWriter) writeID(name, value string) {
	if isNumber(value) {
		w.writeValue(name, value, AsNumber)
	} else {
		w.writeText(name, value)
	}
}

func (w *jsonWriter) writeLiteral(name, value string) { w.writeValue(name, value, AsNumber) }

func (w *jsonWriter) writeItem(_, value string) {
	w.separate()
	w.buf = appendQuoted(w.buf, value)
}

// writeValue writes a field in the form that the fault wants, or in the documented one.
func (w *jsonWriter) writeValue(name, value string, documented Form) {
	form := documented
	if wanted := w.forms[name]; wanted != AsDocumented {
		form = wanted
	}
	switch form {
	case Missing:
	case Null:
		w.writeRaw(name, "null")
	case AsNumber:
		w.writeRaw(name, value)
	default:
		w.writeName(name)
		w.buf = appendQuoted(w.buf, value)
	}
}

func (w *jsonWriter) take() []byte {
	written := w.buf
	w.buf = w.buf[:0]
	return written
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s == "0" || s != "" && s[0] != '0'
}

// isDecimal reports whether s is a JSON number without an exponent.
func isDecimal(s string) bool {
	whole, fraction, hasPoint := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return isNumber(whole) && (!hasPoint || fraction != "" && strings.Trim(fraction, "0123456789") == "")
}

// quote returns s as a JSON string. Bytes that are not UTF-8 are kept.
func quote(s string) string { return string(appendQuoted(nil, s)) }

func appendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
