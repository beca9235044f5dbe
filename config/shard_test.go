package config

import (
	"fmt"
	"reflect"
	"testing"

	"ksyun_bill_exporter/metrics"

	"github.com/google/go-cmp/cmp"
)

// Every account belongs to one shard, shards are about equal, and a fourth shard takes a quarter of the accounts from
// the three others, which swap none.
func TestShards(t *testing.T) {
	const accounts = 3000
	var sizes [4]int
	for n := range accounts {
		name := fmt.Sprint("account-", n)
		of3, of4 := shardOf(t, name, 3), shardOf(t, name, 4)
		if of4 != of3 && of4 != 3 {
			t.Errorf("%s moves from shard %d to %d, want it to stay or to move to 3", name, of3, of4)
		}
		sizes[of4]++
	}
	for n, size := range sizes {
		if size < accounts/4*9/10 || size > accounts/4*11/10 {
			t.Errorf("shard %d of 4 has %d of %d accounts", n, size, accounts)
		}
	}
}

// shardOf returns the only shard that has an account.
func shardOf(t *testing.T, account string, count int) int {
	t.Helper()
	owner := -1
	for n := range count {
		if (Shard{Index: n, Count: count}).Has(account) {
			if owner >= 0 {
				t.Errorf("%s belongs to shards %d and %d of %d", account, owner, n, count)
			}
			owner = n
		}
	}
	if owner < 0 {
		t.Fatalf("%s belongs to none of %d shards", account, count)
	}
	return owner
}

// These accounts are where earlier releases have their state: another hash would ask for everything anew.
func TestShardsStay(t *testing.T) {
	got := map[string]int{}
	for _, account := range []string{"shop", "game", "main", "生产"} {
		got[account] = shardOf(t, account, 4)
	}
	want := map[string]int{"shop": 2, "game": 2, "main": 3, "生产": 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shards of accounts (-want +got):\n%s", diff)
	}
}

// What is about an account goes with it; the zero shard has all.
func TestOfShard(t *testing.T) {
	c := Config{
		Accounts: []Account{{Name: "a"}, {Name: "b"}},
		Projects: []metrics.Project{{Account: "a", ID: "1"}, {Account: "b", ID: "2"}},
		Budgets:  []metrics.Budget{{Account: "a", Product: "KEC"}, {Account: "b"}},
	}
	if got := c.OfShard(Shard{}); !reflect.DeepEqual(c, got) {
		t.Errorf("the only shard: %+v, want %+v", got, c)
	}
	owner := shardOf(t, "a", 2)
	if shardOf(t, "b", 2) == owner {
		t.Fatal("a and b belong to one shard; choose other names")
	}
	want := Config{Accounts: c.Accounts[:1], Projects: c.Projects[:1], Budgets: c.Budgets[:1]}
	got := c.OfShard(Shard{Index: owner, Count: 2})
	if !reflect.DeepEqual(want, got) {
		t.Errorf("the shard of a: %+v, want %+v", got, want)
	}
	if len(c.Accounts) != 2 || c.Accounts[0].Name != "a" {
		t.Errorf("the configuration has changed: %+v", c.Accounts)
	}
}

func TestParseShard(t *testing.T) {
	for _, c := range []struct {
		index string
		count int
		pod   string
		want  Shard
		err   string
	}{
		{count: 1, pod: "bill-3"},
		{index: "0", count: 1, want: Shard{0, 1}},
		{index: "2", count: 4, pod: "bill-3", want: Shard{2, 4}},
		{count: 4, pod: "ksyun-bill-exporter-3", want: Shard{3, 4}},
		{count: 0, err: "--shard.count: 0: want 1 or more"},
		{index: "4", count: 4, err: "--shard.index: 4: want 0 to 3, as --shard.count is 4"},
		{index: "-1", count: 4, err: "--shard.index: -1: want 0 to 3, as --shard.count is 4"},
		{index: "one", count: 4, err: "--shard.index: one: want 0 to 3, as --shard.count is 4"},
		{count: 4, pod: "bill-4", err: "--shard.index: 4: want 0 to 3, as --shard.count is 4"},
		{count: 4, pod: "bill", err: "--shard.index: say which shard this is, or set POD_NAME to the name of a pod of a" +
			" StatefulSet, which ends with -0, -1 and so on"},
	} {
		got, err := ParseShard(c.index, c.count, func(string) string { return c.pod })
		if text := fmt.Sprint(err); got != c.want || c.err == "" && err != nil || c.err != "" && text != c.err {
			t.Errorf("shard %q of %d, pod %q: %+v, %v; want %+v, %s", c.index, c.count, c.pod, got, err, c.want, c.err)
		}
	}
}
