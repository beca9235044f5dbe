package billsim

import "strconv"

// jsonWriter spells answers in JSON.
type jsonWriter struct {
	forms map[string]Form
	buf   []byte
	comma bool // something stands before in the same object or array
}

func (w *jsonWriter) separate() {
	if w.comma {
		w.buf = append(w.buf, ',')
	}
	w.comma = true
}

func (w *jsonWriter) name(name string) {
	w.separate()
	w.buf = append(append(append(w.buf, '"'), name...), `":`...)
}

func (w *jsonWriter) raw(name, value string) {
	w.name(name)
	w.buf = append(w.buf, value...)
}

func (w *jsonWriter) open(string) {
	w.separate()
	w.buf = append(w.buf, '{')
	w.comma = false
}

func (w *jsonWriter) close(string) {
	w.buf = append(w.buf, '}')
	w.comma = true
}

func (w *jsonWriter) list(name string) bool {
	switch w.forms[name] {
	case Missing:
		return false
	case Null:
		w.raw(name, "null")
		return false
	}
	w.raw(name, "[")
	w.comma = false
	return true
}

func (w *jsonWriter) endList(string) {
	w.buf = append(w.buf, ']')
	w.comma = true
}

func (w *jsonWriter) text(name, value string) { w.value(name, value, AsString) }

func (w *jsonWriter) money(name string, value Amount) {
	w.value(name, string(value.append(nil, 0)), AsNumber)
}

func (w *jsonWriter) count(name string, n int) { w.value(name, strconv.Itoa(n), AsNumber) }

func (w *jsonWriter) id(name, value string) {
	if isNumber(value) {
		w.value(name, value, AsNumber)
	} else {
		w.text(name, value)
	}
}

// value spells a field in the form that the fault wants, or as documented.
func (w *jsonWriter) value(name, value string, documented Form) {
	form := documented
	if wanted := w.forms[name]; wanted != AsDocumented {
		form = wanted
	}
	switch form {
	case Missing:
	case Null:
		w.raw(name, "null")
	case AsNumber:
		w.raw(name, value)
	default:
		w.name(name)
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

// quote is s as a JSON string. Bytes that are not UTF-8 stay what they are.
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
