package billclient

import (
	"hash/maphash"
	"slices"
	"strings"
	"testing"
)

// TestBadRecords tests lines with a member that is wrong or missing.
func TestBadRecords(t *testing.T) {
	lines := func(s string) string { return jsonAnswer(goodLine(""), s) }
	cost := func(s string) string { return lines(strings.Replace(goodLine(""), `"1.50"`, s, 1)) }
	month := func(s string) string { return lines(strings.Replace(goodLine(""), `"2026-10"`, s, 1)) }
	checkBadLines(t, []badAnswer{
		{"word", cost(`"free"`), Decode, `line 2 (01): Cost: amount "free": not a decimal number`},
		{"empty amount", cost(`""`), Decode, `line 2 (01): Cost: amount "": not a decimal number`},
		{"null amount", cost(`null`), Decode, `line 2 (01): Cost: amount "": not a decimal number`},
		{
			"no amount", lines(strings.Replace(goodLine(""), `"Cost"`, `"Price"`, 1)), Decode,
			`line 2 (01): Cost: missing`,
		},
		{
			"no list amount", lines(strings.Replace(goodLine(""), `"MeasureAmount"`, `"M"`, 1)), Decode,
			`line 2 (01): MeasureAmount: missing`,
		},
		{"no amount in XML", xmlAnswer("<i><BillMonth>2026-10</BillMonth></i>"), Decode, `line 1: Cost: missing`},
		{
			"empty amount in XML", xmlAnswer("<i><Cost/><BillMonth>2026-10</BillMonth><MeasureAmount/></i>"),
			Decode, `line 1: Cost: amount "": not a decimal number`,
		},
		{"bool", cost(`true`), Decode, `line 2 (01): Cost: amount "true": not a decimal number`},
		{"thousands", cost(`"1,000.00"`), Decode, `line 2 (01): Cost: amount "1,000.00": not a decimal number`},
		{"hex", cost(`"0x10"`), Decode, `line 2 (01): Cost: amount "0x10": not a decimal number`},
		{"infinity", cost(`"Inf"`), Decode, `line 2 (01): Cost: amount "Inf": not a decimal number`},
		{"fraction", cost(`"1/3"`), Decode, `line 2 (01): Cost: amount "1/3": not a decimal number`},
		{"bomb", cost(`1e999999999`), Decode, `line 2 (01): Cost: amount "1e999999999": its exponent is beyond 100`},
		{"cost twice", lines(goodLine(`,"cost":"0.01"`)), Decode, `line 2 (01): Cost: twice in one object`},
		{"set twice", lines(goodLine(`,"TagSet":[],"TagSet":[]`)), Decode, `line 2 (01): TagSet: twice in one object`},
		{"no line", lines(`null`), Decode, `line 2: Cost: missing`},
		{"other month", month(`"2026-09"`), Decode, `line 2 (01): BillMonth "2026-09": asked for 2026-10`},
		{"later month", month(`"2026-11"`), Decode, `line 2 (01): BillMonth "2026-11": asked for 2026-10`},
		{"no month", month(`null`), Decode, `line 2 (01): BillMonth "": asked for 2026-10`},
		{"month with a day", month(`"2026-10-01"`), Decode, `line 2 (01): BillMonth "2026-10-01": asked for 2026-10`},
		{"thirteenth month", month(`"2026-13"`), Decode, `line 2 (01): BillMonth "2026-13": asked for 2026-10`},
	})
}

// TestDigests tests that equal lines have one digest, and different lines different ones.
func TestDigests(t *testing.T) {
	seed := maphash.MakeSeed()
	digestsOf := func(body string) []uint64 {
		var digests []uint64
		r := responseOf("", []byte(body))
		lines := newLineReader(newRecord(octoberLines, false), nil)
		lines.emit = func(*Line) error {
			digests = append(digests, lines.digest(seed))
			return nil
		}
		if err := readItems(r, lineSet, lines.readItem); err != nil {
			t.Fatal(err)
		}
		return digests
	}
	equal := digestsOf(jsonAnswer(
		goodLine(`,"InstanceId":"i","InstanceName":"","TagSet":[{"Key":"k","Value":"v"}],"ExtraSet":[{"Key":"e"}]`),
		goodLine(`,"ExtraSet":[{"Value":"","Key":"e"}],"New":1,"TagSet":[{"Value":"v","Key":"k"}],"InstanceId":"i"`),
	))
	if len(equal) != 2 || equal[0] != equal[1] {
		t.Errorf("digests of equal lines: %x", equal)
	}
	var others []string
	for _, more := range []string{
		``, `,"InstanceId":"ab"`, `,"InstanceId":"a","InstanceName":"b"`, `,"InstanceName":"ab"`,
		`,"TagSet":[{"Key":"ab"}]`, `,"TagSet":[{"Value":"ab"}]`, `,"TagSet":[{"Key":"a","Value":"b"}]`,
		`,"TagSet":[{"Key":"a"},{"Key":"b"}]`, `,"TagSet":[{"Key":"a"},{"Value":"b"}]`, `,"ExtraSet":[{"Key":"ab"}]`,
		`,"ExtraSet":[{}]`, `,"TagSet":[{}]`, `,"TagSet":[{},{}]`,
	} {
		others = append(others, goodLine(more))
	}
	digests := digestsOf(jsonAnswer(others...))
	for i, digest := range digests {
		if first := slices.Index(digests, digest); first != i {
			t.Errorf("one digest for %s and %s", others[first], others[i])
		}
	}
}

// TestStatDates tests the forms in which the API may write days.
func TestStatDates(t *testing.T) {
	for text, want := range map[string]string{
		`"2026-10-01"`:            "2026-10-01",
		`"2026-10-31 23:59:59"`:   "2026-10-31",
		`"2026-10-31 00:00:00.0"`: "2026-10-31",
		`"20261031"`:              "2026-10-31",
		`20261031`:                "2026-10-31",
	} {
		line := strings.Replace(octoberLine("x"), `"x"`, text, 1)
		c := newTestClient(t, respondWith(200, "", `{"PostpayDetailBillSet":[`+line+`],"TOTAL":"1"}`))
		lines, err := collectLines(c.GetPostpayDetailConsume(t.Context(), ConsumeQuery{Month: october}))
		if err != nil || len(lines) != 1 || lines[0].StatDate != mustDay(want) {
			t.Errorf("%s: lines %v, error %v, want %s", text, lines, err, want)
		}
	}
}
