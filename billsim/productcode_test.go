package billsim

import "testing"

func TestProductCodes(t *testing.T) {
	account := sampleAccount(sampleLine())
	account.Products = []KeyValue{{"KEC", "云主机"}, {"Redis", `"R" & <b>`}}
	_, c := serve(t, account)
	query := "Action=GetProductCode&Version=2018-06-01"
	_, got := c.get(query)
	want := `{"RequestId":"b1115100-0000-4000-8000-000000000001",` +
		`"ProductCodeSet":[{"Key":"KEC","Value":"云主机"},{"Key":"Redis","Value":"\"R\" & <b>"}]}`
	if got != want {
		t.Errorf("JSON\n got %s\nwant %s", got, want)
	}
	c.accept = ""
	_, got = c.get(query)
	want = "<GetProductCodeResponse><RequestId>b1115100-0000-4000-8000-000000000002</RequestId><ProductCodeSet>" +
		"<ProductCodeSet><Key>KEC</Key><Value>云主机</Value></ProductCodeSet>" +
		"<ProductCodeSet><Key>Redis</Key><Value>&#34;R&#34; &amp; &lt;b&gt;</Value></ProductCodeSet>" +
		"</ProductCodeSet></GetProductCodeResponse>"
	if got != want {
		t.Errorf("XML\n got %s\nwant %s", got, want)
	}
}
