package billsim

import (
	"bytes"
	"encoding/xml"
	"strconv"
)

// xmlWriter is a writer of XML. It uses the names of the Chinese pages (Code, Details). The English pages show code and
// details, which is probably a mistake of theirs.
type xmlWriter struct {
	forms map[string]Form
	buf   bytes.Buffer
}

func (w *xmlWriter) openObject(name string)  { w.buf.WriteString("<" + name + ">") }
func (w *xmlWriter) closeObject(name string) { w.buf.WriteString("</" + name + ">") }

func (w *xmlWriter) openMember(name string) bool { return w.openField(name) }

func (w *xmlWriter) openList(name string) bool { return w.openField(name) }

// closeList writes an empty list as one tag, as the pages do.
func (w *xmlWriter) closeList(name string) {
	if bytes.HasSuffix(w.buf.Bytes(), []byte("<"+name+">")) {
		w.buf.Truncate(w.buf.Len() - 1)
		w.buf.WriteString("/>")
		return
	}
	w.closeObject(name)
}

func (w *xmlWriter) writeText(name, value string) {
	if w.openField(name) {
		_ = xml.EscapeText(&w.buf, []byte(value)) // a buffer cannot fail
		w.closeObject(name)
	}
}

// writeMoney writes at least one digit after the point: 66.0.
func (w *xmlWriter) writeMoney(name string, value Amount) {
	w.writeText(name, value.format(1))
}

func (w *xmlWriter) writeCount(name string, n int) { w.writeText(name, strconv.Itoa(n)) }

func (w *xmlWriter) writeID(name, value string) { w.writeText(name, value) }

// writeLiteral writes null as an empty element.
func (w *xmlWriter) writeLiteral(name, value string) {
	if value == "null" {
		value = ""
	}
	w.writeText(name, value)
}

func (w *xmlWriter) writeItem(item, value string) {
	w.openObject(item)
	_ = xml.EscapeText(&w.buf, []byte(value)) // a buffer cannot fail
	w.closeObject(item)
}

// openField opens an element and returns true, unless the fault leaves it out or makes it empty.
func (w *xmlWriter) openField(name string) bool {
	switch w.forms[name] {
	case Missing:
		return false
	case Null:
		w.buf.WriteString("<" + name + "/>")
		return false
	}
	w.openObject(name)
	return true
}

// take returns bytes that are valid until the next write.
func (w *xmlWriter) take() []byte {
	written := w.buf.Bytes()
	w.buf.Reset()
	return written
}

// escapeText returns s as the text of an XML element.
func escapeText(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer cannot fail
	return b.String()
}
