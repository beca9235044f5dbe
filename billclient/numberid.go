package billclient

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// numberIDPattern finds whole numbers that are written with a point or an exponent: digits as JSON writes them, a
// fraction, an exponent.
var numberIDPattern = regexp.MustCompile(`^(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]\+?([0-9]{1,2}))?$`)

// maxNumberID is how many digits the id of a project or a customer can have. They are 64-bit integers in the vendor's
// SDKs (https://github.com/kingsoftcloud/sdk-java, bill_union).
const maxNumberID = 19

// canonicalNumberID returns the id of a project or a customer as the API documents it: without blanks around it and,
// if it is a whole number in another notation (0.0, 1.038E5), with digits only. These two ids are numbers in some
// actions and texts in others, and servers write large numbers with an exponent, so that one id would be two keys. All
// other texts stay, because they can be names: a number that is not whole or not documented so large, and one with
// leading zeros (007). The ids of instances, of bills and of lines are texts everywhere, and are never changed.
func canonicalNumberID(id string) string {
	if areDigits(id) { // the usual id, for which anything else would be slow
		return id
	}
	id = strings.TrimSpace(id)
	if !strings.ContainsAny(id, ".eE") {
		return id
	}
	parts := numberIDPattern.FindStringSubmatch(id)
	if parts == nil {
		return id
	}
	fraction := strings.TrimRight(parts[2], "0")
	exponent, _ := strconv.Atoi(parts[3]) // at most two digits; no exponent is 0
	if len(fraction) > exponent {
		return id
	}
	digits := parts[1] + fraction + strings.Repeat("0", exponent-len(fraction))
	if digits = strings.TrimLeft(digits, "0"); len(digits) > maxNumberID {
		return id
	}
	return cmp.Or(digits, "0")
}

func areDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}
