package ledger

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"
)

// A text that is kept is there once, holds no answer, and the table does not grow without end.
func TestTextTable(t *testing.T) {
	var table textTable
	answer := strings.Repeat("云服务器", 2)
	first, second := table.keep(answer[:12]), table.keep(answer[12:])
	if first != "云服务器" || unsafe.StringData(first) != unsafe.StringData(second) {
		t.Errorf("%q and %q are two texts", first, second)
	}
	if unsafe.StringData(first) == unsafe.StringData(answer) {
		t.Error("the text is that of the answer")
	}
	for i := range 2*mostShared + 10 {
		if text := fmt.Sprint(i); table.keep(text) != text {
			t.Fatalf("%q is kept as another text", text)
		}
	}
	if n := len(table.texts); n > mostShared {
		t.Errorf("%d texts are kept", n)
	}
}
