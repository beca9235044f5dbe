package config

import (
	"reflect"
	"slices"
	"strings"
)

// suggestKey returns the key that was probably meant by one that the configuration does not have, and nothing if none
// is like it: a key of the same mapping that is spelled alike, or one of that very name in another mapping. around is
// the key of the mapping, and names are those that it can have.
func suggestKey(around, name string, names []string) string {
	best, least := "", len(name)/3+1
	for _, candidate := range slices.Sorted(slices.Values(names)) {
		distance := editDistance(name, candidate)
		if strings.HasPrefix(candidate, name+"_") {
			distance = 0
		}
		if distance < least {
			best, least = candidate, distance
		}
	}
	if best != "" {
		return strings.TrimPrefix(around+"."+best, ".")
	}
	if others := findKeys("", name, reflect.TypeFor[Config]()); len(others) == 1 {
		return others[0]
	}
	return ""
}

// editDistance returns how many bytes have to be put in, left out, replaced or swapped with the next one to make b out
// of a (https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance, the restricted one).
func editDistance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		for j := range rows[i] {
			if i == 0 || j == 0 {
				rows[i][j] = i + j
				continue
			}
			replaced := 1
			if a[i-1] == b[j-1] {
				replaced = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// findKeys returns the keys within a type, below the key around, that have that name.
func findKeys(around, name string, within reflect.Type) (found []string) {
	if within.Kind() == reflect.Slice {
		return findKeys(around+"[]", name, within.Elem())
	}
	if within.Kind() != reflect.Struct {
		return nil
	}
	for i := range within.NumField() {
		key := within.Field(i).Tag.Get("yaml")
		if key == "" || key == "-" {
			continue
		}
		path := strings.TrimPrefix(around+"."+key, ".")
		if key == name {
			found = append(found, path)
		}
		found = append(found, findKeys(path, name, within.Field(i).Type)...)
	}
	return found
}
