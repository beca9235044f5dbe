package collector

import (
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
)

// A call has what is known of it, and nothing of what is not.
func TestLogCalls(t *testing.T) {
	var text strings.Builder
	logCall := LogCalls(log.With(log.NewLogfmtLogger(&text), "account", "main"))
	logCall(billclient.Attempt{
		Action: billclient.GetMonthBill, Version: "2018-06-01", Period: "2026-08 to 2026-11", HTTPStatus: 403,
		Duration: 21 * time.Millisecond, Bytes: 102, RequestID: "b1115100", Reason: billclient.Auth, Code: "Forbidden",
	})
	logCall(billclient.Attempt{
		Action: billclient.GetProductCode, Version: "2018-06-01", Duration: time.Minute, Reason: billclient.Timeout,
	})
	want := `level=debug account=main msg=called action=GetMonthBill version=2018-06-01 period="2026-08 to 2026-11"` +
		" status=403 duration=21ms bytes=102 request_id=b1115100 reason=auth code=Forbidden\n" +
		"level=debug account=main msg=called action=GetProductCode version=2018-06-01 duration=1m0s bytes=0" +
		" reason=timeout\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
