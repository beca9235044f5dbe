package billclient

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The texts of a row are good after the next one was read, and those that are the same are held once.
func TestRowsShareTheirTexts(t *testing.T) {
	row := func(instance, cost string) string {
		return fmt.Sprintf(`{"Region":"华北1(北京)","InstanceId":%q,"Tags":[{"Key":"部门","Value":"广告"},{}],"Cost":%s}`,
			instance, cost)
	}
	var rows nodeBuilder
	read := func(text string) map[string]string {
		n, err := rows.read(newJSON(strings.NewReader(text)))
		x := nodeReader{node: n, err: err}
		tags := readElements(&x, "Tags", func(x *nodeReader) string { return x.text("Key") + "=" + x.text("Value") })
		got := map[string]string{"Tags": strings.Join(tags, ",")}
		for _, name := range []string{"Region", "InstanceId", "Cost"} {
			got[name] = x.text(name)
		}
		if x.err != nil {
			t.Fatal(x.err)
		}
		return got
	}
	first, second, third := read(row("kec-1", "1.5")), read(row("kec-2", "1.5")), read(`{"Cost":2}`)
	want := func(instance, cost string) map[string]string {
		return map[string]string{"Region": "华北1(北京)", "InstanceId": instance, "Tags": "部门=广告,=", "Cost": cost}
	}
	for _, diff := range []string{
		cmp.Diff(want("kec-1", "1.5"), first), cmp.Diff(want("kec-2", "1.5"), second),
		cmp.Diff(map[string]string{"Region": "", "InstanceId": "", "Tags": "", "Cost": "2"}, third),
	} {
		if diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	texts := []byte("华北1(北京)")
	rows.read(newJSON(strings.NewReader(row("kec-1", "1"))))
	kept := testing.AllocsPerRun(100, func() {
		rows.count = 0
		rows.keepText(texts)
	})
	if kept > 0 {
		t.Errorf("the same text again: %v allocations", kept)
	}
}

// Names are the same wherever strings.EqualFold has them the same.
func TestSameName(t *testing.T) {
	names := []string{
		"", "K", "k", "\u212a", "kind", "KIND", "\u212aind", "kin", "s", "\u017f", "pas\u017f", "pass", "@", "`", "价", "价格",
	}
	for _, a := range names {
		for _, b := range names {
			if got, want := isSameName(a, b), strings.EqualFold(a, b); got != want {
				t.Errorf("%q, %q: %v", a, b, got)
			}
		}
	}
}

// BenchmarkRows reads rows as wide as those of bill-union.
func BenchmarkRows(b *testing.B) {
	var text strings.Builder
	text.WriteString("{")
	for i := range 60 {
		fmt.Fprintf(&text, `"Field%d":"what it says","Other%d":%d,`, i, i, i)
	}
	text.WriteString(`"ConfigSet":[{"Key":"a","Value":"b"},{"Key":"c","Value":"d"}],"InstanceId":"kec-`)
	var rows nodeBuilder
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		if _, err := rows.read(newJSON(strings.NewReader(fmt.Sprint(text.String(), n, `"}`)))); err != nil {
			b.Fatal(err)
		}
	}
}
