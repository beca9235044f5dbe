package billclient

import (
	"bufio"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func goodLineValue(change func(*Line)) Line {
	line := Line{DetailBillNo: "01", Month: october, Cost: mustAmount("1.5"), ListCost: mustAmount("2")}
	change(&line)
	return line
}

// TestLines tests lines that are unusual and valid.
func TestLines(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want []Line
	}{
		"none":             {`{"PostpayDetailBillSet":[]}`, nil},
		"null":             {`{"PostpayDetailBillSet":null}`, nil},
		"no element":       {"<R>\n<PostpayDetailBillSet>\n</PostpayDetailBillSet></R>", nil},
		"an empty element": {"<R><PostpayDetailBillSet/></R>", nil},
		"request id at last": {
			`{"PostpayDetailBillSet":[` + goodLine("") + `],"RequestId":"r"}`,
			[]Line{goodLineValue(func(*Line) {})},
		},
		"numbers for texts": {
			jsonAnswer(goodLine(`,"CustomerId":73400575,"ProjectId":0,"BillDays":2.50,"RuleRemark":true`)),
			[]Line{goodLineValue(func(l *Line) {
				l.CustomerID, l.ProjectID, l.BillDays, l.RuleRemark = "73400575", "0", "2.50", "true"
			})},
		},
		"null for a text": {
			jsonAnswer(goodLine(`,"InstanceId":null,"TagSet":null`)),
			[]Line{goodLineValue(func(*Line) {})},
		},
		"names in other case": {jsonAnswer(strings.ToUpper(goodLine(``))), []Line{goodLineValue(func(*Line) {})}},
		"unknown members": {
			jsonAnswer(goodLine(`,"New":{"Cost":"9","a":[[{}]]},"Newer":[1,"2"],"n\u00e9":null`)),
			[]Line{goodLineValue(func(*Line) {})},
		},
		"unknown elements": {
			xmlAnswer(goodItem("<New><Cost>9</Cost></New><Newer/>")),
			[]Line{goodLineValue(func(*Line) {})},
		},
		"hostile texts": {
			jsonAnswer(goodLine(`,"InstanceName":"a\"b\\c\nd\u0000e\ud83d\ude00,\ud800` + "\xff" + `"`)),
			[]Line{goodLineValue(func(l *Line) { l.InstanceName = "a\"b\\c\nd\x00e😀,\uFFFD\uFFFD" })},
		},
		"invalid UTF-8": {
			jsonAnswer(goodLine(`,"InstanceName":"中` + "\xff" + `"`)),
			[]Line{goodLineValue(func(l *Line) { l.InstanceName = "中\uFFFD" })},
		},
		"hostile texts in XML": {
			xmlAnswer(goodItem("<InstanceName>&lt;a&#10;<![CDATA[<b>]]> </InstanceName>")),
			[]Line{goodLineValue(func(l *Line) { l.InstanceName = "<a\n<b> " })},
		},
		"GBK": {
			`<?xml version="1.0" encoding="GBK"?>` +
				xmlAnswer(goodItem("<ProductName>\xd4\xc6\xd6\xf7\xbb\xfa</ProductName>")),
			[]Line{goodLineValue(func(l *Line) { l.ProductName = "云主机" })},
		},
		"sets": {
			jsonAnswer(goodLine(`,"TagSet":[{"Value":"v","Key":"k"},{"Key":"only"},{}],` +
				`"ExtraSet":[{"Key":1,"Value":null,"x":[]}]`)),
			[]Line{goodLineValue(func(l *Line) {
				l.Tags, l.Extras = []KeyValue{{"k", "v"}, {"only", ""}, {}}, []KeyValue{{"1", ""}}
			})},
		},
		"sets in XML": {
			xmlAnswer(goodItem("<tagset><TagItem><key>k</key><Value> v </Value></TagItem>\n<TagSet/></tagset>")),
			[]Line{goodLineValue(func(l *Line) { l.Tags = []KeyValue{{"k", " v "}, {}} })},
		},
		"escapes": {
			jsonAnswer(goodLine(`,"Instance\u004eame":"\\","InstanceId":"\\\"","RuleRemark":"\\\\","ZoneName":"z"`)),
			[]Line{goodLineValue(func(l *Line) {
				l.InstanceName, l.InstanceID, l.RuleRemark, l.ZoneName = `\`, `\"`, `\\`, "z"
			})},
		},
		"brackets in texts": {
			jsonAnswer(goodLine(`,"InstanceName":"中[","A":["]"],"B":["[",{"]":[]}],"C":[[",]"],{}],"ZoneName":"}"`)),
			[]Line{goodLineValue(func(l *Line) { l.InstanceName, l.ZoneName = "中[", "}" })},
		},
		"escapes in what is not read": {
			jsonAnswer(goodLine(`,"New":{"\"}":"\\","a":["\"]",[{}],1e2,null]},"B":["\"]"],"ZoneName":"z"`)),
			[]Line{goodLineValue(func(l *Line) { l.ZoneName = "z" })},
		},
		"nested deep": {
			jsonAnswer(goodLine(`,"New":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `,"ZoneName":"z"`)),
			[]Line{goodLineValue(func(l *Line) { l.ZoneName = "z" })},
		},
		"invalid UTF-8 after a set": {
			jsonAnswer(goodLine(`,"TagSet":[{"Key":"` + "\xff" + `","Value":"中"}],"ZoneName":"` + "\xff" + `"`)),
			[]Line{goodLineValue(func(l *Line) { l.Tags, l.ZoneName = []KeyValue{{"\uFFFD", "中"}}, "\uFFFD" })},
		},
		"white space": {
			jsonAnswer(goodLine(""), strings.NewReplacer(":", " :\n", ",", "\t,\r ", "}", " }").Replace(
				goodLine(`,"TagSet":[{"Key":"k"}],"New":{},"BillDays":31`))),
			[]Line{goodLineValue(func(*Line) {}), goodLineValue(func(l *Line) {
				l.Tags, l.BillDays = []KeyValue{{Key: "k"}}, "31"
			})},
		},
		"a day in a bill": {
			jsonAnswer(goodLine(`,"DetailBillStatDate":"whatever"`)),
			[]Line{goodLineValue(func(*Line) {})},
		},
		"two lines": {
			xmlAnswer(goodItem(""), goodItem("<ProjectId>7</ProjectId>")),
			[]Line{goodLineValue(func(*Line) {}), goodLineValue(func(l *Line) { l.ProjectID = "7" })},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(tt.body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, equalAmounts); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBadLines tests answers that are malformed, or in which a value has the wrong type.
func TestBadLines(t *testing.T) {
	lines := func(s string) string { return jsonAnswer(goodLine(""), s) }
	cost := func(s string) string { return lines(strings.Replace(goodLine(""), `"1.50"`, s, 1)) }
	checkBadLines(t, []badAnswer{
		{
			"object for an amount", cost(`{"Value":"1.50"}`), Decode,
			`line 2 (01): Cost: an object or a list in place of a text`,
		},
		{
			"list for a text", lines(goodLine(`,"ProductCode":["KEC"]`)), Decode,
			`line 2 (01): ProductCode: an object or a list in place of a text`,
		},
		{
			"elements for a text", xmlAnswer(goodItem("<ProductCode><a/></ProductCode>")), Decode,
			`line 1 (01): ProductCode: an object or a list in place of a text`,
		},
		{"text for a set", lines(goodLine(`,"TagSet":"x"`)), Decode, `line 2 (01): TagSet: a text in place of a list`},
		{
			"text for an entry", lines(goodLine(`,"TagSet":["x"]`)), Decode,
			`line 2 (01): TagSet: a text in place of a list`,
		},
		{
			"object for a key", lines(goodLine(`,"TagSet":[{"Key":{}}]`)), Decode,
			`line 2 (01): TagSet: an object or a list in place of a text`,
		},
		{"text for a line", lines(`"x"`), Decode, `line 2: a text in place of a list`},
		{"no set", `{"RequestId":"r"}`, Incomplete, `answer has no PostpayDetailBillSet`},
		{
			"truncated", jsonAnswer(goodLine(""))[:80], Incomplete,
			`line 1 (01): Cost: unexpected EOF within "/PostpayDetailBillSet/0/Cost" after offset 80`,
		},
		{
			"truncated between lines", strings.TrimSuffix(lines(goodLine("")), "]}"), Incomplete,
			`line 3: unexpected EOF within "/PostpayDetailBillSet" after offset 176`,
		},
		{
			"truncated XML", xmlAnswer(goodItem(""))[:70], Incomplete,
			`line 1 (01): BillMonth: unexpected EOF after offset 70`,
		},
		{
			"control character", lines(goodLine(`,"InstanceName":"` + "\x01" + `"`)), Decode,
			`line 2 (01): InstanceName: character '\x01' in a string within ` +
				`"/PostpayDetailBillSet/1/InstanceName" after offset 192`,
		},
		{
			"control character in XML", xmlAnswer(goodItem("<InstanceName>\x01</InstanceName>")), Decode,
			`line 1 (01): InstanceName: XML syntax error on line 1: illegal character code U+0001`,
		},
	})
}

// TestLargeAnswers tests answers that are large, with values that are small.
func TestLargeAnswers(t *testing.T) {
	const n = 20000
	row := "2026-10,01,1.50,2," + strings.Repeat("x", 60) + "\n"
	for contentType, body := range map[string]string{
		"application/json": jsonAnswer(slices.Repeat([]string{goodLine("")}, n)...),
		"text/xml":         xmlAnswer(slices.Repeat([]string{goodItem("")}, n)...),
		"text/csv":         "账单月,账单ID,成交价(元),原价(元),说明\n" + strings.Repeat(row, n),
	} {
		lines, err := readAny(contentType, []byte(body))
		if err != nil || len(lines) != n {
			t.Errorf("%s of %d bytes: %d lines, error %v", contentType, len(body), len(lines), err)
		}
	}
}

// TestLongLines tests lines around the length that a text may have, and longer ones.
func TestLongLines(t *testing.T) {
	const limit = int(maxText)
	member := `,"New":"` + strings.Repeat("x", 1000) + `"`
	for _, size := range []int{limit - 2, limit - 1, limit, limit + 1, 3 * limit} {
		more := strings.Repeat(member, size/len(member)-1) + `,"ZoneName":"z"`
		line := goodLine(more + strings.Repeat(" ", size-len(goodLine(more))))
		got, err := readAll(jsonAnswer(line, goodLine("")))
		if err != nil {
			t.Errorf("a line of %d bytes: %v", len(line), err)
		}
		want := []Line{goodLineValue(func(l *Line) { l.ZoneName = "z" }), goodLineValue(func(*Line) {})}
		if diff := cmp.Diff(want, got, equalAmounts); diff != "" {
			t.Errorf("a line of %d bytes (-want +got):\n%s", len(line), diff)
		}
	}
}

// TestLongAnswerBesideLines tests that the limit of a line ends with it.
func TestLongAnswerBesideLines(t *testing.T) {
	member := `,"New":"` + strings.Repeat("x", 1000) + `"`
	body := strings.TrimSuffix(jsonAnswer(goodLine("")), "}") + strings.Repeat(member, int(maxItem)/1000+1)
	if got, err := readAll(body + "}"); err != nil || len(got) != 1 {
		t.Errorf("%d lines, error %v", len(got), err)
	}
	if _, err := readAll(body + `,"Error":{"Code":"Throttling"}}`); ReasonOf(err) != Throttled {
		t.Errorf("error %v, want one of the API", err)
	}
}

// TestLongTexts tests the longest text that is read, and one that is longer.
func TestLongTexts(t *testing.T) {
	const most = int(maxText) - len(`:""`)
	for _, more := range []string{"", `,"ZoneName":"z"`} {
		name := strings.Repeat("x", most)
		got, err := readAll(jsonAnswer(goodLine(`,"InstanceName":"` + name + `"` + more)))
		if err != nil || len(got) != 1 || got[0].InstanceName != name {
			t.Errorf("%d bytes: %d lines, error %v", most, len(got), err)
		}
		_, err = readAll(jsonAnswer(goodLine(`,"InstanceName":"x` + name + `"` + more)))
		checkError(t, err, Decode, "line 1 (01): InstanceName: a value is longer than 1MiB")
	}
}

// TestBrokenLine tests a body that fails once in the middle of a line: what comes after that must not be read.
func TestBrokenLine(t *testing.T) {
	for _, body := range []string{
		jsonAnswer(goodLine(`,"InstanceName":"` + strings.Repeat("x", bufferSize) + `"`)),
		xmlAnswer(goodItem("<InstanceName>" + strings.Repeat("x", bufferSize) + "</InstanceName>")),
	} {
		r := responseOf("", nil)
		r.body = bufio.NewReaderSize(iotest.TimeoutReader(strings.NewReader(body)), bufferSize)
		err := r.asError(readLines(r, octoberLines, func(*Line) error { return nil }))
		checkError(t, err, Decode, "line 1 (01): InstanceName: timeout")
	}
}

// endless is a body that begins with some text and then repeats another one for ever.
type endless struct {
	rest   []byte
	repeat string
	read   int
}

func (e *endless) Read(p []byte) (int, error) {
	for len(e.rest) < len(p) {
		e.rest = append(e.rest, e.repeat...)
	}
	n := copy(p, e.rest)
	e.rest = append(e.rest[:0], e.rest[n:]...)
	e.read += n
	return n, nil
}

// TestEndlessValues tests answers that would fill the memory.
func TestEndlessValues(t *testing.T) {
	line := `{"PostpayDetailBillSet":[{"DetailBillNo":"01",`
	item := "<R><PostpayDetailBillSet><i><DetailBillNo>01</DetailBillNo>"
	long := strings.Repeat("x", 1000)
	for name, tt := range map[string]struct {
		begin, repeat, text string
		most                int // how many bytes may be read: the limit of a line, and a text
	}{
		"text":         {line + `"InstanceName":"`, "x", "InstanceName: a value is longer than 1MiB", 1 << 20},
		"name":         {line + `"`, "x", "a value is longer than 1MiB", 1 << 20},
		"white space":  {line, " ", "a value is longer than 1MiB", 1 << 20},
		"unknown text": {line + `"New":"`, "x", "a value is longer than 1MiB", 1 << 20},
		"members":      {line + `"New":1`, `,"New":"` + long + `"`, "larger than 16MiB", 17 << 20},
		"entries":      {line + `"TagSet":[{}`, `,{"Key":"` + long + `"}`, "TagSet: larger than 16MiB", 17 << 20},
		"one entry": {
			line + `"TagSet":[{"Key":""`, `,"Value":"` + long + `"`, "TagSet: larger than 16MiB",
			17 << 20,
		},
		"XML text": {item + "<InstanceName>", "x", "InstanceName: a value is longer than 1MiB", 1 << 20},
		"XML text, CDATA": {
			item + "<InstanceName>", "<![CDATA[" + long + "]]>", "InstanceName: a value is longer than 1MiB",
			2 << 20,
		},
		"XML comment": {item + "<!--", "x", "a value is longer than 1MiB", 1 << 20},
		"XML depth":   {item, "<a>", "nested more than 10000 deep", 1 << 20},
		"XML set":     {item + "<TagSet>", "<a><b>" + long + "</b></a>", "TagSet: larger than 16MiB", 16 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			body := &endless{rest: []byte(tt.begin), repeat: tt.repeat}
			r := responseOf("", nil)
			r.body = bufio.NewReaderSize(body, bufferSize)
			err := r.asError(readLines(r, octoberLines, func(*Line) error { return nil }))
			checkError(t, err, Decode, "line 1 (01): "+tt.text)
			if body.read > tt.most+2*bufferSize {
				t.Errorf("%d bytes were read", body.read)
			}
		})
	}
}

// BenchmarkLines reads lines from memory. For comparison, it also measures a loop over every byte.
func BenchmarkLines(b *testing.B) {
	answer := benchAnswer(0, benchLines)
	for _, q := range []struct {
		name  string
		query DetailQuery
	}{
		{"no sets", DetailQuery{}}, {"tags", DetailQuery{Tags: true}}, {"all sets", DetailQuery{Sets: true}},
	} {
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			q.query.From, q.query.To = october, october
			for b.Loop() {
				n, err := countLines(answer, q.query)
				if err != nil || n != benchLines {
					b.Fatal(n, err)
				}
			}
			reportPerLine(b, len(answer))
		})
	}
	b.Run("loop over every byte", func(b *testing.B) {
		sum := 0
		for b.Loop() {
			for _, c := range answer {
				if c == '"' {
					sum++
				}
			}
		}
		if sum == 0 {
			b.Fatal("no quote")
		}
		reportPerLine(b, len(answer))
	})
}

func countLines(answer []byte, q DetailQuery) (n int, err error) {
	r := responseOf("application/json", answer)
	err = readLines(r, q, func(*Line) error {
		n++
		return nil
	})
	return n, err
}
