package billclient

import (
	"strings"
	"testing"
)

// TestDenied tests, for every action, the two answers that a key without a permission gets: the observed one and the
// documented one.
func TestDenied(t *testing.T) {
	const iam = `{"RequestId":"51aee78d","Error":{"Code":"InvalidAuthenticationCode",` +
		`"Message":"lack of policy to [bill:x] the resources[]"}}`
	ctx, bills, days := t.Context(), DetailQuery{From: october, To: october}, ConsumeQuery{Month: october}
	for status, body := range map[int]string{400: deniedJSON, 403: iam} {
		c := newTestClient(t, respondWith(status, "application/json", body))
		c.options.UnionEndpoint = c.options.Endpoint
		for permission, err := range map[string]error{
			"bill:GetMonthBill":                       errorFrom(c.GetMonthBill(ctx, october, october)),
			"bill:GetPostpayDetailBill":               errorFrom(collectLines(c.GetPostpayDetailBill(ctx, bills))),
			"bill:GetPostpayDetailBillCSV":            errorFrom(collectLines(c.GetPostpayDetailBillCSV(ctx, bills))),
			"bill:GetProductCode":                     errorFrom(c.GetProductCode(ctx)),
			"bill:getMonthConsume":                    errorFrom(c.GetMonthConsume(ctx, october)),
			"bill:getPostpayDetailConsume":            errorFrom(collectLines(c.GetPostpayDetailConsume(ctx, days))),
			"bill-union:DescribeBillSummaryByPayMode": errorFrom(c.DescribeBillSummaryByPayMode(ctx, october)),
			"bill-union:DescribeBillSummaryByProduct": errorFrom(c.DescribeBillSummaryByProduct(ctx, october)),
			"bill-union:DescribeBillSummaryByProject": errorFrom(c.DescribeBillSummaryByProject(ctx, october)),
			"bill-union:DescribeProductCode":          errorFrom(c.DescribeProductCode(ctx)),
			"bill-union:DescribeCostBill":             errorFrom(c.DescribeCostBill(ctx, october)),
			"bill-union:QueryItemBills":               errorFrom(collectItems(c.QueryItemBills(ctx, october))),
		} {
			if !IsDenied(err) || !strings.HasSuffix(err.Error(), "; grant "+permission+" to this key") {
				t.Errorf("%s, HTTP %d: %v", permission, status, err)
			}
		}
	}
	if IsDenied(&Error{Reason: Auth, Code: "SignatureDoesNotMatch"}) || IsDenied(nil) {
		t.Error("a wrong key, or nothing at all, counts as a lack of permission")
	}
}

func errorFrom[T any](_ T, err error) error { return err }
