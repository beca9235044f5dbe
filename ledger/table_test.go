package ledger

import (
	"fmt"
	"math"
	"testing"

	"ksyun_bill_exporter/billclient"

	"pgregory.net/rapid"
)

// A column is exact, whatever the amounts: those that do not fit into eight decimals, or into an int64, too.
func TestColumn(t *testing.T) {
	digits := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64 + 1, math.MaxInt64}))
	amounts := rapid.Custom(func(t *rapid.T) billclient.Amount {
		if rapid.Bool().Draw(t, "fits") {
			return billclient.AmountOfUnits(digits.Draw(t, "units"))
		}
		exponent := rapid.IntRange(-12, 4).Draw(t, "exponent")
		a, err := billclient.ParseAmount(fmt.Sprintf("%de%d", digits.Draw(t, "digits"), exponent))
		if err != nil {
			t.Fatal(err)
		}
		return a
	})
	rapid.Check(t, func(t *rapid.T) {
		var c column
		want := map[int]billclient.Amount{}
		for range rapid.IntRange(0, 50).Draw(t, "n") {
			row, a := rapid.SampledFrom([]int{0, 1, 5, chunkSize - 1, chunkSize, 3 * chunkSize}).Draw(t, "row"), amounts.Draw(t, "a")
			c.add(row, a)
			want[row] = want[row].Add(a)
		}
		var rows []uint32
		var whole billclient.Amount
		for row := range 4 * chunkSize {
			if got := c.sum(row); got.Cmp(want[row]) != 0 {
				t.Fatalf("row %d: %v, want %v", row, got, want[row])
			}
			rows, whole = append(rows, uint32(row)), whole.Add(want[row])
		}
		if got := c.sumOf(rows); got.Cmp(whole) != 0 {
			t.Fatalf("all rows: %v, want %v", got, whole)
		}
	})
}

// Texts that are replaced by shorter and by longer ones do not run into each other.
func TestTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all texts
		var spans [5]textSpan
		var want [5]string
		for range rapid.IntRange(0, 40).Draw(t, "n") {
			i, text := rapid.IntRange(0, 4).Draw(t, "i"), rapid.String().Draw(t, "text")
			spans[i], want[i] = all.replace(spans[i], text), text
			for i, want := range want {
				if got := string(all.text(spans[i])); got != want {
					t.Fatalf("%q, want %q", got, want)
				}
			}
		}
	})
}

// Changes yields each instance of either day once.
func TestChanges(t *testing.T) {
	cost := func(id, amount string) InstanceCost {
		a, err := billclient.ParseAmount(amount)
		if err != nil {
			t.Fatal(err)
		}
		return InstanceCost{&Key{"KEC", "0", id}, a}
	}
	earlier := []InstanceCost{cost("a", "1"), cost("b", "2"), cost("e", "3")}
	later := []InstanceCost{cost("b", "5.5"), cost("c", "4"), cost("e", "3")}
	var got string
	for k, change := range Changes(earlier, later) {
		got += fmt.Sprintln(k[2], change)
	}
	if want := "a -1\nb 3.5\nc 4\ne 0\n"; got != want {
		t.Errorf("changes:\n%swant:\n%s", got, want)
	}
	for range Changes(earlier, nil) {
		break // a consumer may stop early
	}
}
