package billclient

import (
	"fmt"
	"hash/maphash"
	"reflect"
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
	n, err := rows.read(newJSON(strings.NewReader(row("kec-1", "1"))))
	x := nodeReader{node: n, err: err}
	kept := testing.AllocsPerRun(100, func() {
		x.text("Region")
		x.text("InstanceId")
	})
	if kept > 0 {
		t.Errorf("the same text again: %v allocations", kept)
	}
}

// What a row says does not depend on the names and the texts of the rows before it.
func TestRowsOfChangingShape(t *testing.T) {
	const (
		twice    = "Cost: twice in one object"
		keyTwice = "Key: twice in one object"
		notText  = "Key: an object or a list in place of a text"
	)
	var inJSON, inXML nodeBuilder
	for _, row := range []struct{ json, xml, want string }{
		{`{"Key":"a","Cost":1}`, "<Key>a</Key><Cost>1</Cost>", "a 1"},
		{`{"Key":"b","Cost":2}`, "<Key>b</Key><Cost>2</Cost>", "b 2"},
		{`{"Cost":3,"Key":"c"}`, "<Cost>3</Cost><Key>c</Key>", "c 3"},
		{`{"Cost":4}`, "<Cost>4</Cost>", " 4"},
		{`{"Key":"e"}`, "<Key>e</Key>", "Cost: missing"},
		{`{"KEY":"f","COST":6,"New":[{},{"x":[7]}]}`, "<KEY>f</KEY><COST>6</COST><New><y/><y><x>7</x></y></New>", "f 6"},
		{`{"Key":"g","Cost":7,"Cost":7}`, "<Key>g</Key><Cost>7</Cost><Cost>7</Cost>", twice},
		{`{"Key":"h","Cost":8,"cost":8}`, "<Key>h</Key><Cost>8</Cost><cost>8</cost>", twice},
		{`{"key":"i","Cost":9,"\u212aey":"i"}`, "<key>i</key><Cost>9</Cost><\u212aey>i</\u212aey>", keyTwice},
		{`{"Key":"j","Cost":10,"x":{"Cost":1}}`, "<Key>j</Key><Cost>10</Cost><x><Cost>1</Cost></x>", "j 10"},
		{`{"Key":{"Cost":1},"Cost":11}`, "<Key><Cost>1</Cost></Key><Cost>11</Cost>", notText},
		{`{"Key":"l","Cost":"x"}`, "<Key>l</Key><Cost>x</Cost>", `Cost: amount "x": not a decimal number`},
		{`{"Key":"m","Cost":13}`, "<Key>m</Key><Cost>13</Cost>", "m 13"},
		{`{}`, "", "Cost: missing"},
		{`{"Key":"o","Cost":15}`, "<Key>o</Key><Cost>15</Cost>", "o 15"},
	} {
		for text, got := range map[string]string{
			row.json: describeRow(&inJSON, "application/json", row.json),
			row.xml:  describeRow(&inXML, "text/xml", "<r>"+row.xml+"</r>"),
		} {
			if got != row.want {
				t.Errorf("%s: %s, want %s", text, got, row.want)
			}
		}
	}
}

// describeRow returns what is found in a row, or the error, after a read of the row that broke off.
func describeRow(rows *nodeBuilder, contentType, row string) string {
	read := func(row string) (node, error) {
		a, err := openAnswer(responseOf(contentType, []byte(row)))
		if err != nil {
			return node{}, err
		}
		return rows.read(a)
	}
	if _, err := read(row[:len(row)-1]); err == nil {
		return "no error of a row that broke off"
	}
	n, err := read(row)
	x := nodeReader{node: n, err: err}
	if got := fmt.Sprint(x.text("Key"), " ", x.amount("Cost")); x.err == nil {
		return got
	}
	return x.err.Error()
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

// FuzzRows compares the elements of a list, read as rows, with what a reader finds that knows no rows before. Rows have
// the same digest if they say the same, and only then.
func FuzzRows(f *testing.F) {
	f.Add(`[{"Key":"a","Cost":1},{"Key":"b","Cost":1},{"Cost":2},{"cost":3,"KEY":"c","Cost":4},{"Key":["d"]}]`)
	f.Add(`[{"Tags":[{"Key":"a"},{"Key":"b","Value":""}]},{"Tags":[{"Key":"b"}]},["Key",null,{}],"Key",{"":{"":1}}]`)
	f.Add(`[{"a":{"b":{"c":{}}}},{"a":{"b":{"c":"d"}}},{"a":[{"b":"c"}]},{"Co\u017ft":1,"\u212aey":2},{"cost":1}]`)
	f.Add(`[{"a":"b","c":""},{"a":{"b":"c"}},{"a":"b","d":""}]`) // rows that say the same but for their structure and names
	f.Fuzz(func(t *testing.T, text string) {
		whole, err := readTree(strings.NewReader(text))
		if err != nil || len(whole.children) > 50 {
			return
		}
		var rows nodeBuilder
		var digests []uint64
		d, seed := newJSON(strings.NewReader(text)), maphash.MakeSeed()
		_, err = d.readValue(nil, func([]byte) error {
			n, err := rows.read(d)
			if err != nil {
				return err
			}
			place, digest := len(digests), rows.digest(seed)
			want := &whole.children[place]
			want.name = "" // a row has none
			compareNode(t, n, *want)
			for at, other := range digests {
				if (other == digest) != reflect.DeepEqual(whole.children[at], *want) {
					t.Errorf("digests %x and %x of %v and %v", other, digest, whole.children[at], *want)
				}
			}
			digests = append(digests, digest)
			return nil
		})
		if err != nil && !strings.Contains(err.Error(), "nested more than") {
			t.Error(err)
		}
	})
}

// compareNode compares a node with what it should be.
func compareNode(t *testing.T, n node, want jsonTree) {
	t.Helper()
	children, _ := n.children()
	if text := n.keepText(); text != want.text || len(children) != len(want.children) {
		t.Fatalf("text %q, %d children, want %v", text, len(children), want)
	}
	for i, child := range want.children {
		compareNode(t, children[i], child)
		if i > 10 {
			continue // comparing all names of a large object with each other would take long
		}
		last, count := 0, 0
		for at, other := range want.children {
			if strings.EqualFold(other.name, child.name) {
				last, count = at, count+1
			}
		}
		x := nodeReader{node: n}
		if found := x.findChild(child.name); found != children[last] || (x.err != nil) != (count > 1) {
			t.Errorf("%q of %v: not child %d, or %d times with error %v", child.name, want, last, count, x.err)
		}
	}
}
