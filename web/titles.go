package web

import "ksyun_bill_exporter/billclient"

// The English texts for what the page shows by the value of a label. The page shows a value that is missing here as it
// is.

// payModeTitles has the title of each pay mode by its label, pay_mode.
var payModeTitles = map[string]string{
	billclient.Postpaid: "postpaid", billclient.Prepaid: "prepaid", billclient.Realtime: "realtime",
}

// balanceTitles has the title of each kind of balance by its label, kind.
var balanceTitles = map[string]string{
	billclient.Available: "Balance", billclient.Reward: "gift of the vendor", billclient.Frozen: "frozen",
}

// renewalTitles has what becomes of an instance at its end, by the label renewal.
var renewalTitles = map[string]string{billclient.RenewManual: "not renewed", billclient.RenewAuto: "renewed"}

// payModeClass returns the style of what a pay mode has of a bar. Those that nobody knows share one.
func payModeClass(mode string) string {
	if payModeTitles[mode] == "" {
		return "other"
	}
	return mode
}

// failureTexts has, for each reason of a failure, what it means and what to do about it.
var failureTexts = map[billclient.Reason]struct{ meaning, remedy string }{
	billclient.Auth: {
		"The key lacks a permission, or does not work.",
		"Grant the permission that the message names, or correct the key. A new key file is noticed within a minute.",
	},
	billclient.Invalid: {
		"The API finds the request invalid.",
		"Check api.endpoint and api.region, then run the command check.",
	},
	billclient.Throttled: {
		"The API is asked too often.",
		"It is asked again by itself. If it stays so, raise refresh.interval or lower api.requests_per_second.",
	},
	billclient.Server: {
		"The API, or a proxy before it, has a fault.",
		"It is asked again by itself. If it stays so, show the message to the vendor's support.",
	},
	billclient.Network: {
		"The API cannot be reached.",
		"Check DNS, proxy and firewall between this machine and api.endpoint and api.union_endpoint.",
	},
	billclient.Timeout: {
		"The API takes too long to answer.",
		"It is asked again by itself. If it stays so, raise api.timeout or api.max_duration.",
	},
	billclient.Decode: {
		"The answer cannot be read.",
		"The last good numbers stay. If it stays so, a proxy may answer instead of the API; else report the message.",
	},
	billclient.Incomplete: {
		"The answer is not complete.",
		"The last good numbers stay, and it is asked again by itself.",
	},
	billclient.CallLimit: {
		"The calls of this day are used up.",
		"It goes on after midnight in Beijing. Raise api.daily_calls, or refresh.interval.",
	},
	foreignCustomer: {
		"The answer is about another customer than customer_id expects.",
		"Correct the key or customer_id.",
	},
}
