package peers

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"ksyun_bill_exporter/billsim"
)

// SampleLine is a line of a bill, with a name that has to be escaped.
var SampleLine = billsim.Line{
	ProductCode: "KEC", ProjectID: "0", InstanceID: "i-1", InstanceName: `web "1"`, RegionName: "华北1(北京)",
	Cost: 55 * billsim.Yuan, MeasureAmount: 7333 * billsim.Fen,
}

// RunningMonth returns the running month in Beijing as the API writes it, such as 2026-10.
func RunningMonth() string {
	return time.Now().In(time.FixedZone("UTC+8", 8*60*60)).Format("2006-01")
}

// Simulate serves a simulated API with one account whose running month has these lines. It returns the name of a
// configuration file for it, in which the account is named main.
func Simulate(t *testing.T, lines ...billsim.Line) (api *billsim.Server, config string) {
	t.Helper()
	month := RunningMonth()
	api = billsim.New([]billsim.Account{{
		AccessKeyID: "AKLT", SecretAccessKey: "s3cret", CustomerID: "73400575",
		Bills: func(m string) (billsim.Bill, bool) { return billsim.Bill{Lines: slices.Values(lines)}, m == month },
	}})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	config = filepath.Join(t.TempDir(), "config.yaml")
	text := "accounts: [{name: main, access_key_id: AKLT, secret_access_key: s3cret}]\n" +
		"api: {endpoint: '" + server.URL + "', max_retries: 0}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return api, config
}
