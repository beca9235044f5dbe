package billclient

import "net/url"

// periodParams are the names of the parameters for the time that is asked for: the beginning and the end, which are one
// where the API has one month.
var periodParams = [][2]string{
	{"BillMonth", "BillMonth"},
	{"billMonth", "billMonth"},
	{"BillStartMonth", "BillEndMonth"},
	{"BillBeginMonth", "BillEndMonth"},
	{"StartDay", "EndDay"},
	{"CustomerBillMonth", "CustomerBillMonth"},
}

// periodOf returns the time that the parameters of an action ask for, as they write it, and nothing where they name
// none.
func periodOf(params url.Values) string {
	for _, names := range periodParams {
		from, to := params.Get(names[0]), params.Get(names[1])
		switch {
		case from == "":
		case from == to:
			return from
		default:
			return from + " to " + to
		}
	}
	return ""
}
