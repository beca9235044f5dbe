package ledger_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func yuan(s string) billclient.Amount {
	a, err := billclient.ParseAmount(s)
	if err != nil {
		panic(err)
	}
	return a
}

// ratio is an amount as the tests add it up: by other means than the code under test.
func ratio(a billclient.Amount) *big.Rat {
	r, ok := new(big.Rat).SetString(a.String())
	if !ok {
		panic(a.String())
	}
	return r
}

// names from which the properties draw: few, so that keys meet, and hostile.
var (
	products  = rapid.SampledFrom([]string{"KEC", "EBS", "", "__none__"})
	projects  = rapid.SampledFrom([]string{"0", "103800", "", "__other__"})
	instances = rapid.SampledFrom([]string{"", "a", "b", "c", "d", "__none__", "__other__", "___other__", "ä\"\\\n"})
	regions   = rapid.SampledFrom([]string{"", "北京", "上海", "__none__"})
	texts     = rapid.SampledFrom([]string{"", "x", "y"})
	amounts   = rapid.Custom(func(t *rapid.T) billclient.Amount {
		digits := rapid.Int64Range(-1e17, 1e17).Draw(t, "digits")
		return yuan(fmt.Sprintf("%de-%d", digits, rapid.IntRange(0, 12).Draw(t, "scale")))
	})
	anyLine = rapid.Custom(func(t *rapid.T) billclient.Line {
		return billclient.Line{
			DetailBillNo: texts.Draw(t, "no"), EndTime: texts.Draw(t, "end"),
			ProductCode: products.Draw(t, "product"), ProjectID: projects.Draw(t, "project"),
			InstanceID: instances.Draw(t, "instance"), InstanceName: texts.Draw(t, "name"),
			RegionName: regions.Draw(t, "region"), BillingMode: texts.Draw(t, "mode"), ZoneName: texts.Draw(t, "zone"),
			Cost: amounts.Draw(t, "cost"), ListCost: amounts.Draw(t, "list"),
			Tags: []billclient.KeyValue{
				{Key: "部门", Value: texts.Draw(t, "tag")}, {Key: texts.Draw(t, "key"), Value: "z"},
			},
		}
	})
)

var anyInstances = rapid.Custom(func(t *rapid.T) ledger.Instances {
	return ledger.Instances{
		Enabled: true, MaxSeries: rapid.IntRange(0, 12).Draw(t, "max_series"),
		MinCost: amounts.Draw(t, "min_cost").Abs(), Promote: []string{"zone_name", "department"},
		Tags: []ledger.Tag{{Key: "部门", Label: "department"}, {Key: "环境", Label: "environment"}},
	}
})

func sumUp(lines []billclient.Line, options ledger.Instances) *ledger.LineSums {
	l := ledger.New(ledger.Options{Views: metrics.LedgerViews(), Instances: options})
	for _, line := range lines {
		l.Add(&line)
	}
	return l.Close(&ledger.Summary{Sum: l.Cost()}, time.Date(2026, 10, 15, 12, 0, 0, 0, billclient.Beijing))
}

// Whatever the bill and whatever is Folded: the sum over a family is the sum of the lines, no key stands twice or is
// empty, and exactly one info row joins every instance row.
func TestSumsSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(anyLine).Draw(t, "lines")
		options := anyInstances.Draw(t, "options")
		s := sumUp(lines, options)
		for _, v := range metrics.LedgerViews() {
			if v.Keys == nil {
				continue
			}
			want := new(big.Rat)
			for _, line := range lines {
				amount := line.Cost
				if strings.HasSuffix(v.Name, "_list") {
					amount = line.ListCost
				}
				want.Add(want, ratio(amount))
			}
			if v.Name == "tag" { // a line counts once for each configured tag
				want.Mul(want, big.NewRat(int64(len(options.Tags)), 1))
			}
			got, seen := new(big.Rat), map[string]bool{}
			for _, r := range s.Rows[v.Name] {
				got.Add(got, ratio(r.Amount))
				key := strings.Join(r.Labels[:len(v.Labels)], "\xff")
				if seen[key] || slices.Contains(r.Labels[:len(v.Labels)], "") {
					t.Fatalf("%s: %q stands twice or is empty", v.Name, r.Labels)
				}
				seen[key] = true
			}
			if got.Cmp(want) != 0 {
				t.Fatalf("%s: the rows sum up to %s, the lines to %s", v.Name, got.RatString(), want.RatString())
			}
		}
		checkJoin(t, s, options)
	})
}

func checkJoin(t *rapid.T, s *ledger.LineSums, options ledger.Instances) {
	rows := s.Rows["instance"]
	if len(rows) != len(s.Instances) {
		t.Fatalf("%d instance rows, %d info rows", len(rows), len(s.Instances))
	}
	for i, r := range rows {
		info := s.Instances[i]
		if !slices.Equal(r.Labels, info.Key[:]) {
			t.Fatalf("cost row %q does not join info row %q %q", r.Labels, info.Key, info.Facts)
		}
		if info.Key[2] == ledger.Other && strings.Join(info.Facts, "") != "" {
			t.Fatalf("what was folded has attributes: %q", info.Facts)
		}
	}
}

// The order of the lines is not the API's promise: no sum, no attribute and no folding may hang on it.
func TestOrderOfLinesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(anyLine).Draw(t, "lines")
		for i := range lines {
			lines[i].DetailBillNo = fmt.Sprint(i) // in truth, no two lines have the same
		}
		options := anyInstances.Draw(t, "options")
		want := sumUp(lines, options)
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		got := sumUp(lines, options)
		if diff := cmp.Diff(want, got, byValue, noParts); diff != "" {
			t.Fatalf("shuffled (-want +got):\n%s", diff)
		}
	})
}

// noParts leaves out of a comparison what only lines that are read again need.
var noParts = cmpopts.IgnoreUnexported(ledger.LineSums{})

var byValue = cmp.Comparer(func(a, b billclient.Amount) bool { return a.Cmp(b) == 0 })

func TestFold(t *testing.T) {
	line := func(product, project, id, cost string) billclient.Line {
		return billclient.Line{ProductCode: product, ProjectID: project, InstanceID: id, Cost: yuan(cost), EndTime: "x"}
	}
	lines := []billclient.Line{
		line("KEC", "0", "big", "100"), line("KEC", "0", "refund", "-50"), line("KEC", "0", "b", "7"),
		line("KEC", "0", "a", "7"), line("KEC", "1", "c", "7"), line("EIP", "0", "small", "0.01"),
		line("EIP", "0", "", "3"), line("KEC", "0", "__other__", "60"),
	}
	for _, c := range []struct {
		name      string
		maxSeries int
		minCost   string
		want      []string
		tallies   map[string]ledger.Tally
	}{
		{
			"the dearest by absolute value, ties by key", 4, "0",
			[]string{
				"EIP 0 __other__ 3.01", "KEC 0 ___other__ 60", "KEC 0 __other__ 7", "KEC 0 a 7", "KEC 0 big 100",
				"KEC 0 refund -50", "KEC 1 __other__ 7",
			},
			map[string]ledger.Tally{"KEC": {All: 6, Folded: 2}, "EIP": {All: 1, Folded: 1}},
		},
		{
			"a floor", 2000, "7.01",
			[]string{
				"EIP 0 __other__ 3.01", "KEC 0 ___other__ 60", "KEC 0 __other__ 14", "KEC 0 big 100",
				"KEC 0 refund -50", "KEC 1 __other__ 7",
			},
			map[string]ledger.Tally{"KEC": {All: 6, Folded: 3}, "EIP": {All: 1, Folded: 1}},
		},
		{
			"nothing kept", 0, "0",
			[]string{"EIP 0 __other__ 3.01", "KEC 0 __other__ 124", "KEC 1 __other__ 7"},
			map[string]ledger.Tally{"KEC": {All: 6, Folded: 6}, "EIP": {All: 1, Folded: 1}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sumUp(lines, ledger.Instances{Enabled: true, MaxSeries: c.maxSeries, MinCost: yuan(c.minCost)})
			var got []string
			for _, r := range s.Rows["instance"] {
				got = append(got, strings.Join(r.Labels, " ")+" "+r.Amount.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.tallies, s.Tallies); diff != "" {
				t.Errorf("tallies (-want +got):\n%s", diff)
			}
		})
	}
}

// An instance with several lines is one row; its attributes are those of the line that ends last.
func TestAttributesAreTheLatest(t *testing.T) {
	line := func(end, no, name, region string) billclient.Line {
		return billclient.Line{
			ProductCode: "KEC", ProductName: "KEC " + name, ProjectID: "0", ProjectName: "project " + name,
			InstanceID: "i", InstanceName: name, RegionName: region, ZoneName: "zone " + name, EndTime: end,
			DetailBillNo: no, BillingMode: "mode " + name, ProductSubTypeName: "type " + name, Cost: yuan("1"),
			Tags: []billclient.KeyValue{{Key: "部门", Value: "department " + name}},
		}
	}
	s := sumUp([]billclient.Line{
		line("2026-10-09 23:59:59", "9", "second", "Beijing"),
		line("2026-10-10 23:59:59", "2", "third", "Shanghai"),
		line("2026-10-10 23:59:59", "1", "not so new", "Shanghai"),
		line("2026-10-01 23:59:59", "5", "first", "Beijing"),
	}, ledger.Instances{Enabled: true, MaxSeries: 9, Promote: []string{"instance_name"}, Tags: []ledger.Tag{{"部门", "department"}}})
	want := []ledger.Instance{{
		Key:   ledger.Key{"KEC", "0", "i"},
		Facts: []string{"third", "type third", "mode third", "Shanghai", "zone third", "department third"},
	}}
	if diff := cmp.Diff(want, s.Instances); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	if got, want := s.ProductNames["KEC"]+", "+s.ProjectNames["0"], "KEC third, project third"; got != want {
		t.Errorf("names %q, want %q", got, want)
	}
}

// Tags become keys by their configured order; a line that has a tag twice counts once, with the last value.
func TestTags(t *testing.T) {
	line := func(cost string, tags ...billclient.KeyValue) billclient.Line {
		return billclient.Line{ProductCode: "KEC", Cost: yuan(cost), Tags: tags}
	}
	s := sumUp([]billclient.Line{
		line("1", billclient.KeyValue{Key: "a", Value: "x"}, billclient.KeyValue{Key: "a", Value: "y"}),
		line("2", billclient.KeyValue{Key: "b", Value: "z"}),
		line("4", billclient.KeyValue{Key: "c", Value: "not configured"}),
	}, ledger.Instances{MaxSeries: 9, Tags: []ledger.Tag{{"a", "label_a"}, {"b", "label_b"}}})
	var got []string
	for _, r := range s.Rows["tag"] {
		got = append(got, strings.Join(r.Labels, " ")+" "+r.Amount.String())
	}
	want := []string{"KEC a __none__ 6", "KEC a y 1", "KEC b __none__ 5", "KEC b z 2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestClosestCosts tests that instances are shown whose costs differ too little for a float.
func TestClosestCosts(t *testing.T) {
	var lines []billclient.Line
	for _, last := range []string{"1", "2", "3"} {
		cost, err := billclient.ParseAmount("1000000000.00000000" + last)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, billclient.Line{ProductCode: "P" + last, InstanceID: "i-" + last, Cost: cost})
	}
	lines = append(lines, billclient.Line{ProductCode: "P4", InstanceID: "i-4"})
	var shown []string
	for _, i := range sumUp(lines, ledger.Instances{Enabled: true, MaxSeries: 2}).Instances {
		shown = append(shown, i.Key[2])
	}
	if want := []string{ledger.Other, "i-2", "i-3", ledger.Other}; !slices.Equal(shown, want) {
		t.Errorf("%q are shown, want %q", shown, want)
	}
}
