package billsim

import (
	"bytes"
	"encoding/xml"
	"strconv"
)

// xmlWriter spells answers in XML. The names are the Chinese pages' (Code, Details); the English pages show code and
// details, which looks like damage by the page.
type xmlWriter struct {
	forms map[string]Form
	buf   bytes.Buffer
}

func (w *xmlWriter) open(name string)  { w.buf.WriteString("<" + name + ">") }
func (w *xmlWriter) close(name string) { w.buf.WriteString("</" + name + ">") }

func (w *xmlWriter) list(name string) bool { return w.begin(name) }

// endList makes an empty list one tag, as the pages have it.
func (w *xmlWriter) endList(name string) {
	if bytes.HasSuffix(w.buf.Bytes(), []byte("<"+name+">")) {
		w.buf.Truncate(w.buf.Len() - 1)
		w.buf.WriteString("/>")
		return
	}
	w.close(name)
}

func (w *xmlWriter) text(name, value string) {
	if w.begin(name) {
		_ = xml.EscapeText(&w.buf, []byte(value)) // a buffer takes everything
		w.close(name)
	}
}

// money has a digit after the point: 66.0.
func (w *xmlWriter) money(name string, value Amount) { w.text(name, string(value.append(nil, 1))) }

func (w *xmlWriter) count(name string, n int) { w.text(name, strconv.Itoa(n)) }

func (w *xmlWriter) id(name, value string) { w.text(name, value) }

// begin opens the element, unless the fault wants none or an empty one.
func (w *xmlWriter) begin(name string) bool {
	switch w.forms[name] {
	case Missing:
		return false
	case Null:
		w.buf.WriteString("<" + name + "/>")
		return false
	}
	w.open(name)
	return true
}

// take leaves the bytes where they are until the next write.
func (w *xmlWriter) take() []byte {
	written := w.buf.Bytes()
	w.buf.Reset()
	return written
}

// markup is s as the text of an XML element.
func markup(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes everything
	return b.String()
}
