package billclient

import (
	"bufio"
	"bytes"
	"errors"
	"hash/maphash"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestPatterns tests that lines read one after the other, most of which have the pattern of an earlier one, are those
// that are read each alone, however their bytes arrive.
func TestPatterns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOfN(rapid.Custom(drawLine), 1, 3).Draw(t, "kinds")
		lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			line := rapid.SampledFrom(kinds).Draw(t, "kind")
			for range rapid.IntRange(0, 3).Draw(t, "edits") {
				line = editLine(t, line)
			}
			return "{" + strings.Join(line, ",") + "}"
		}), 1, 40).Draw(t, "lines")
		query := rapid.SampledFrom([]DetailQuery{
			{From: october, To: october}, {From: october, To: october, Tags: true}, octoberLines,
		}).Draw(t, "query")
		checkPatterns(t, lines, query, rapid.SampledFrom([]int{1, 7, 300, 1 << 20}).Draw(t, "size"))
	})
}

// TestPatternsOfSets tests lines between which only a set differs.
func TestPatternsOfSets(t *testing.T) {
	for _, sets := range [][]string{
		{`{"a":{"Key":"k"}}`, `{"a":{"Key":"l"}}`},
		{`""`, `"key: value"`}, {`" "`, `"x"`}, {`[""]`, `["x"]`},
		{`[{"Key":"a","Value":"v"},["x"]]`, `[{"Key":"a","Value":"v"},["y"]]`},
		{`[{"Key":"k","Key":"l"}]`, `[{"Key":"m","Key":"l"}]`},
		{`[{"Key":"k"}]`, `[{"Key":"l"}]`, `[{"Key":"k"}]`},
		{`[{"Key":"k","Value":"v"}]`, `[{"Key":"\u006b"},{}]`, `[{"Key":"k","Value":"v"}]`},
	} {
		var lines []string
		for _, set := range sets {
			lines = append(lines, goodLine(`,"TagSet":`+set))
		}
		checkPatterns(t, lines, octoberLines, 1<<20)
	}
}

// FuzzPatterns does what TestPatterns does, for any lines.
func FuzzPatterns(f *testing.F) {
	f.Add(goodLine(`,"TagSet":[{"Key":"k","Value":"v"}]`), goodLine(`,"TagSet":[{"Key":"k","Value":"\u0076"}]`), 7)
	f.Add(goodLine(`,"New":1`), goodLine(`,"New":"x"`), 1)
	f.Add(goodLine(`,"InstanceName":"云"`), goodLine(`,"InstanceName":"`+"\xe4\xba\x92"+`x"`), 300)
	f.Add(goodLine(`,"ConfigSet":[{"Key":[1]},{}]`), goodLine(`,"ConfigSet":[{"Key":"k"},{"Value":-0.5}]`), 5000)
	f.Fuzz(func(t *testing.T, first, second string, size int) {
		for _, line := range []string{first, second} {
			if !jsontext.Value(line).IsValid(asLenient...) {
				return
			}
		}
		for _, query := range []DetailQuery{{From: october, To: october}, octoberLines} {
			checkPatterns(t, []string{first, second, first, second}, query, max(size, 1))
		}
	})
}

// failer is a test.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkPatterns reads lines together, in pieces of a size, and each alone.
func checkPatterns(t failer, lines []string, query DetailQuery, size int) {
	t.Helper()
	seed := maphash.MakeSeed()
	got, gotDigests, err := readTogether(lines, query, size, seed)
	for i, line := range lines {
		alone, digests, aloneErr := readTogether([]string{line}, query, 1<<20, seed)
		if aloneErr != nil {
			if i != len(got) || withoutPlace(aloneErr) != withoutPlace(err) {
				t.Fatalf("line %d of %q: error %v after %d lines, alone %v", i+1, lines, err, len(got), aloneErr)
			}
			return
		}
		if i >= len(got) {
			t.Fatalf("line %d of %q: error %v, alone none", i+1, lines, err)
		}
		if diff := cmp.Diff(alone[0], got[i], equalAmounts); diff != "" || digests[0] != gotDigests[i] {
			t.Fatalf("line %d of %q, digests %x and %x (-alone +together):\n%s",
				i+1, lines, digests[0], gotDigests[i], diff)
		}
	}
	if err != nil || len(got) != len(lines) {
		t.Fatalf("%q: %d lines, error %v", lines, len(got), err)
	}
}

func readTogether(
	lines []string, q DetailQuery, size int, seed maphash.Seed,
) (read []Line, digests []uint64, err error) {
	r := responseOf("application/json", nil)
	body := &pieceReader{strings.NewReader(jsonAnswer(lines...)), size}
	r.body = bufio.NewReaderSize(body, bufferSize)
	l := newLineReader(newRecord(q, false), nil)
	l.emit = func(line *Line) error {
		read, digests = append(read, *line), append(digests, l.digest(seed))
		return nil
	}
	return read, digests, readItems(r, lineSet, l.readItem)
}

// withoutPlace returns the text of an error without the number of the line and the offset in the answer.
func withoutPlace(err error) string {
	if err == nil {
		return ""
	}
	return regexp.MustCompile(`line \d+|offset \d+|"/.*"`).ReplaceAllString(err.Error(), "")
}

// textsOfLines are texts in JSON, of which some stand otherwise than they are.
var textsOfLines = []string{
	`""`, `"a"`, `"ab"`, `"云服务器"`, `"云主机"`, `"0"`, `"1.50"`, `"2026-10"`,
	`"a long text that differs in the e"`,
	`"a long text that differs in the end"`, `"\"quoted\""`, `"\u4e91"`, "\"\xe4\xba\"", "\"\xe4\xba\xe4\xba\x91\"",
	`0`, `12`, `-1.5`, `1e3`, `null`, `true`, `{"a":"b"}`, `[]`, ` "b"`, "\"\x01\"",
}

// setsOfLines are sets in JSON, of which the first ones are good.
var setsOfLines = []string{
	`[]`, `[{"Key":"k","Value":"v"}]`, `[{"Key":"k","Value":"w"}]`, `[{"Key":"云","Value":""}]`,
	`[{"Key":"k","Key":"l"}]`, `[{"Key":"m","Key":"l"}]`, `{"a":{"Key":"k"}}`, `{"a":{"Key":"l"}}`,
	`[{}]`, `[{"Key":"k","Value":"w"},{"Key":"l","Value":"v"}]`, `[{"Value":"v"}]`, `[{"Key":"k","key":"m"}]`,
	`[{"Key":1,"New":"x","Value":null}]`, `[{"Key":"k","Value":[]}]`, `[ {"Key":"k"} ]`, `null`, `"text"`, `[1]`,
	`""`, `[""]`, `[{"Key":"k"},["x"]]`, `[{"Key":"k"},["y"]]`,
	`[{"Key":"\u006b","Value":"v"}]`,
}

// drawLine draws the members of a line.
func drawLine(t *rapid.T) []string {
	line := []string{`"BillMonth":"2026-10"`, `"Cost":"1.50"`, `"MeasureAmount":"2"`}
	for range rapid.IntRange(0, 6).Draw(t, "members") {
		line = editLine(t, line)
	}
	return line
}

// editLine gives a member of a line another value, perhaps a member that it did not have. Most lines stay good.
func editLine(t *rapid.T, line []string) []string {
	name := rapid.SampledFrom([]string{
		"DetailBillNo", "CustomerId", "ProductCode", "InstanceId", "InstanceName", "Cost", "MeasureAmount", "ProjectId",
		"New", "TagSet", "TagSet", "TagSet", "ConfigSet", "BillMonth",
	}).Draw(t, "name")
	all, good := textsOfLines, textsOfLines[:10]
	switch name {
	case "TagSet", "ConfigSet":
		all, good = setsOfLines, setsOfLines[:8]
	case "Cost", "MeasureAmount":
		good = []string{`"3"`, `"3.25"`, `0.5`}
	case "BillMonth":
		good = []string{`"2026-10"`}
	}
	if rapid.IntRange(0, 49).Draw(t, "bad") > 0 {
		all = good
	}
	member := `"` + name + `":` + rapid.SampledFrom(all).Draw(t, "value")
	line = slices.Clone(line)
	for i, old := range line {
		if strings.HasPrefix(old, `"`+name+`":`) {
			line[i] = member
			return line
		}
	}
	return append(line, member)
}

// TestPatternsAreUsed tests that lines as the API sends them have few patterns, and so have those with numbers and with
// empty sets.
func TestPatternsAreUsed(t *testing.T) {
	numbers := jsonAnswer(goodLine(`,"ProjectId":1,"TagSet":[]`), goodLine(`,"ProjectId":12,"TagSet":[]`),
		goodLine(`,"ProjectId":0,"TagSet":[]`))
	for _, query := range []DetailQuery{{From: october, To: october}, octoberLines} {
		for want, answer := range map[int][]byte{999: benchAnswer(0, 1000), 2: []byte(numbers)} {
			l := newLineReader(newRecord(query, false), func(*Line) error { return nil })
			if err := readItems(responseOf("application/json", answer), lineSet, l.readItem); err != nil {
				t.Fatal(err)
			}
			if l.earlier.learned != 1 || l.earlier.matched != want {
				t.Errorf("%d patterns were learned, %d lines had one", l.earlier.learned, l.earlier.matched)
			}
		}
	}
}

// TestPlainNumbers tests which numbers have a place in a pattern.
func TestPlainNumbers(t *testing.T) {
	for text, want := range map[string]int{
		"0": 1, "12": 2, "-3.5": 4, "0.10": 4, "-": 0, "01": 0, "1.": 0, ".5": 0, "1e3": 0, "1.5E3": 0, "x": 0, "-0": 2,
	} {
		if got := skipPlainNumber(append([]byte(text), endMark...), 0); got != want {
			t.Errorf("%s ends at %d, want %d", text, got, want)
		}
	}
}

// TestLongPatterns tests that no pattern is learned of an object that is very long.
func TestLongPatterns(t *testing.T) {
	object := []byte(goodLine(`,"New":"` + strings.Repeat("n", maxPattern) + `"`))
	if _, ok := learnPattern(object, func(string) bool { return true }); ok {
		t.Error("a pattern was learned")
	}
	if _, ok := learnPattern(bytes.ReplaceAll(object, []byte("nn"), nil), func(string) bool { return true }); !ok {
		t.Error("no pattern was learned")
	}
}

// TestLongTextsAreNotKnown tests that no text is known that is very long.
func TestLongTextsAreNotKnown(t *testing.T) {
	var lines []string
	for _, length := range []int{maxKnown, maxKnown + 1} {
		lines = append(lines, goodLine(`,"RuleRemark":"`+strings.Repeat("n", length)+`"`))
	}
	l := newLineReader(newRecord(octoberLines, false), func(*Line) error { return nil })
	if err := readItems(responseOf("application/json", []byte(jsonAnswer(lines...))), lineSet, l.readItem); err != nil {
		t.Fatal(err)
	}
	longest := 0
	for _, text := range l.known.texts {
		longest = max(longest, len(text))
	}
	if longest != maxKnown {
		t.Errorf("a text of %d bytes is known", longest)
	}
}

// TestMalformedBeforeBreak tests that a line that is malformed in memory is found before more of the body is read,
// which breaks off.
func TestMalformedBeforeBreak(t *testing.T) {
	r := responseOf("application/json", nil)
	malformed := strings.Replace(goodLine(""), `"Cost":`, `"Cost"{`, 1)
	body := strings.TrimSuffix(jsonAnswer(goodLine(""), malformed), "]}")
	r.body = bufio.NewReader(io.MultiReader(strings.NewReader(body), iotest.ErrReader(errors.New("broken wire"))))
	err := r.asError(readLines(r, octoberLines, func(*Line) error { return nil }))
	checkError(t, err, Decode,
		`line 2 (01): character '{' after a name within "/PostpayDetailBillSet/1" after offset 150`)
}
