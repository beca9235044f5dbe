package config

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"ksyun_bill_exporter/metrics"
)

// Shard is one of several exporters that share the accounts of a configuration. Each account belongs to one of them,
// whatever else the file has. The zero value is the only exporter, to which all accounts belong.
type Shard struct{ Index, Count int }

// PodName is the environment variable from which ParseShard takes the index if it is not given: the name of a pod of a
// StatefulSet ends with its ordinal.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#ordinal-index.
const PodName = "POD_NAME"

var ordinalPattern = regexp.MustCompile(`-(\d+)$`)

// ParseShard returns the shard of that index, from 0 on, among count ones. An empty index is that of the pod.
func ParseShard(index string, count int, getenv func(string) string) (Shard, error) {
	switch {
	case count < 1:
		return Shard{}, fmt.Errorf("--shard.count: %d: want 1 or more", count)
	case count == 1 && index == "":
		return Shard{}, nil
	case index == "":
		found := ordinalPattern.FindStringSubmatch(getenv(PodName))
		if found == nil {
			return Shard{}, errors.New("--shard.index: say which shard this is, or set " + PodName +
				" to the name of a pod of a StatefulSet, which ends with -0, -1 and so on")
		}
		index = found[1]
	}
	n, err := strconv.Atoi(index)
	if err != nil || n < 0 || n >= count {
		return Shard{}, fmt.Errorf("--shard.index: %s: want 0 to %d, as --shard.count is %d", index, count-1, count)
	}
	return Shard{Index: n, Count: count}, nil
}

// Has reports whether an account belongs to the shard: that of which the hash together with the account's name is the
// greatest, so that another count moves as few accounts as can be.
// Source: D. Thaler, C. Ravishankar, "Using name-based mappings to increase hit rates", 1998 (rendezvous hashing).
func (s Shard) Has(account string) bool {
	own := shardWeight(account, s.Index)
	for n := range s.Count {
		if n != s.Index && shardWeight(account, n) >= own {
			return false
		}
	}
	return true
}

func shardWeight(account string, index int) uint64 {
	hash := sha256.Sum256([]byte(account + "\x00" + strconv.Itoa(index)))
	return binary.BigEndian.Uint64(hash[:])
}

// OfShard returns the configuration of a shard: with the accounts that belong to it, and what is about them.
func (c Config) OfShard(s Shard) Config {
	c.Accounts = slices.DeleteFunc(slices.Clone(c.Accounts), func(a Account) bool { return !s.Has(a.Name) })
	c.Projects = slices.DeleteFunc(slices.Clone(c.Projects), func(p metrics.Project) bool { return !s.Has(p.Account) })
	c.Budgets = slices.DeleteFunc(slices.Clone(c.Budgets), func(b metrics.Budget) bool { return !s.Has(b.Account) })
	return c
}
