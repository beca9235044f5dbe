package billclient

import (
	"cmp"
	"strings"

	"golang.org/x/text/width"
)

// The pay modes, as UnionPart.Key of DescribeBillSummaryByPayMode has them. GetMonthBill and all other actions of the
// service bill know postpaid bills only.
const (
	Prepaid  = "prepaid"  // paid at the time of the purchase
	Realtime = "realtime" // paid by the hour or by the day
	Postpaid = "postpaid" // paid by the month
)

// payModeWords has the pay modes by the words for them, spelled as normalizeCode returns them. The words are those of
// the page of DescribeBillSummaryByPayMode, of GetMonthBill's BillType, of the vendor's SDK in Chinese
// (https://github.com/kingsoftcloud/sdk-java, bill_union: also prePayCost, postPayCost), of the list of billing modes
// (https://endocs.ksyun.com/documents/37441) and of QueryItemBills, which has the numbers as PayType
// (https://docs.ksyun.com/documents/44701).
var payModeWords = map[string]string{
	Prepaid:        Prepaid,
	"prepay":       Prepaid,
	"prepayment":   Prepaid,
	"subscription": Prepaid,
	"预付费":          Prepaid,
	"包年包月":         Prepaid,
	"0":            Prepaid,
	"payasyougo":   Realtime,
	Realtime:       Realtime,
	"按量付费":         Realtime,
	"实时付费":         Realtime,
	"1":            Realtime,
	Postpaid:       Postpaid,
	"postpay":      Postpaid,
	"postpayment":  Postpaid,
	"后付费":          Postpaid,
	"2":            Postpaid,
}

// parsePayMode returns the pay mode that the API calls name. A name that is not in payModeWords is returned in lower
// case.
func parsePayMode(name string) string {
	name = strings.TrimSpace(name)
	if mode, ok := payModeWords[name]; ok { // the usual name, for which all else would be slow
		return mode
	}
	word := normalizeCode(width.Fold.String(canonicalNumberID(name)))
	if mode, ok := payModeWords[word]; ok {
		return mode
	}
	// A remark in parentheses, as in 后付费(月结), explains a mode. It does not explain Realtime: Pay-As-You-Go (Monthly)
	// is a billing mode of what is paid by the month.
	base, remark, _ := strings.Cut(word, "(")
	if mode := payModeWords[base]; mode != Realtime && strings.HasSuffix(remark, ")") {
		return cmp.Or(mode, strings.ToLower(name))
	}
	return strings.ToLower(name)
}

// IsPayMode reports whether a mode is one of the three.
func IsPayMode(mode string) bool { return mode == Prepaid || mode == Realtime || mode == Postpaid }
