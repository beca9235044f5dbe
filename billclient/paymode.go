package billclient

import (
	"cmp"
	"strings"
)

// The pay modes, as UnionPart.Key of DescribeBillSummaryByPayMode has them. GetMonthBill and all other actions of the
// service bill know postpaid bills only.
const (
	Prepaid  = "prepaid"  // paid at the time of the purchase
	Realtime = "realtime" // paid by the hour or by the day
	Postpaid = "postpaid" // paid by the month
)

// payModeWords has the pay modes by the words for them, spelled as normalizeCode returns them. The words are those of
// the page of DescribeBillSummaryByPayMode, of the vendor's SDK in Chinese (https://github.com/kingsoftcloud/sdk-java,
// bill_union), of the list of billing modes (https://endocs.ksyun.com/documents/37441) and of QueryItemBills
// (https://docs.ksyun.com/documents/44701).
var payModeWords = map[string]string{
	Prepaid:       Prepaid,
	"prepayment":  Prepaid,
	"预付费":         Prepaid,
	"payasyougo":  Realtime,
	Realtime:      Realtime,
	"按量付费":        Realtime,
	"实时付费":        Realtime,
	Postpaid:      Postpaid,
	"postpayment": Postpaid,
	"后付费":         Postpaid,
}

// parsePayMode returns the pay mode that the API calls name. A name that is not in payModeWords is returned in lower
// case.
func parsePayMode(name string) string {
	name = strings.TrimSpace(name)
	return cmp.Or(payModeWords[normalizeCode(name)], strings.ToLower(name))
}
