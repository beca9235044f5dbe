package export

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"

	"github.com/google/go-cmp/cmp"
)

var (
	sha256Text  = regexp.MustCompile(`[0-9a-f]{64}`)
	writtenText = regexp.MustCompile(`"written_at": "[^"]*"`)
	bytesText   = regexp.MustCompile(`"bytes": [0-9]+`)
)

const (
	octoberFile     = "billing_account_id=73400575/billing_period=2026-10/part-0.parquet"
	octoberManifest = "billing_account_id=73400575/billing_period=2026-10/_manifest.json"
)

// lakeSteps are trees of a lake after one export each.
type lakeSteps struct {
	first, broken, disagrees, corrected map[string]string

	plain                string // the same bill as one file
	brokenErr, differErr string
}

// runLakeSteps exports a bill into a lake again and again: as it is, with an answer that breaks off, with a summary
// that says more, and with less than before.
func runLakeSteps(t *testing.T) (s lakeSteps) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		dir, lines := t.TempDir(), october()
		bills := billOf(lines...)
		bills["2026-09"] = billsim.Bill{Lines: slices.Values(lines[:1])}
		export := func(api *billsim.Server, o Options) (tree map[string]string, failure string) {
			o.Lake = dir
			got := runExport(t.Context(), t, api, t.TempDir(), oneAccount, o)
			return filesIn(t, dir), got.failure()
		}
		s.first, _ = export(newAPI(bills), Options{From: month(t, "2026-08"), To: month(t, "2026-10")})
		s.plain = runExport(t.Context(), t, newAPI(bills), t.TempDir(), oneAccount,
			Options{Format: FormatFocusParquet, Output: "DIR/bill"}).files["bill"]
		broken := newAPI(bills)
		broken.Fault(billsim.BadAmount(2, "viel"))
		s.broken, s.brokenErr = export(broken, Options{})
		bills["2026-10"] = billsim.Bill{
			Lines: slices.Values(lines), SummaryOnly: []billsim.Product{{Code: "KS3", Cost: billsim.Yuan}},
		}
		s.disagrees, s.differErr = export(newAPI(bills), Options{})
		bills["2026-10"] = billsim.Bill{Lines: slices.Values(lines[:2])}
		s.corrected, _ = export(newAPI(bills), Options{})
	})
	return s
}

// Each month of a lake is one file, which is replaced when its bill is corrected, and stays whatever ends an export.
// What is read here is read outside of the bubble: the decoder shares what it has with that of other tests.
func TestLake(t *testing.T) {
	s := runLakeSteps(t)
	names := []string{
		"billing_account_id=73400575/billing_period=2026-09/_manifest.json",
		"billing_account_id=73400575/billing_period=2026-09/part-0.parquet", octoberManifest, octoberFile,
	}
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(s.first))); diff != "" {
		t.Fatalf("files (-want +got):\n%s", diff)
	}
	want, _ := readParquet(t, s.plain)
	got, _ := readParquet(t, s.first[octoberFile])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-one file +lake):\n%s", diff)
	}
	hash := sha256Text.ReplaceAllString(s.first[octoberManifest], "HASH")
	compareFile(t, "manifest.json", bytesText.ReplaceAllString(hash, `"bytes": N`))

	if diff := cmp.Diff(s.first, s.broken); diff != "" || !strings.HasPrefix(s.brokenErr,
		"error: export: main, 2026-10: GetPostpayDetailBill (HTTP 200, request id REQUEST): line 2") {
		t.Errorf("a bad line: %s (-before +after):\n%s", s.brokenErr, diff)
	}
	aside := s.disagrees[octoberFile+".unreconciled"]
	delete(s.disagrees, octoberFile+".unreconciled")
	const disagrees = "disagreement: export: each bill is written, but those that follow to part-0.parquet.unreconciled," +
		" and the part-0.parquet beside it is as it was: the postpaid lines come to 44.78000000 CNY, the summary says" +
		" 45.78; those of KS3 come to 0 CNY, the summary says 1\n"
	if diff := cmp.Diff(s.first, s.disagrees); diff != "" || aside == "" || s.differErr != disagrees {
		t.Errorf("lines that are not the bill: %s, %d bytes (-before +after):\n%s", s.differErr, len(aside), diff)
	}
	rows, _ := readParquet(t, s.corrected[octoberFile])
	if diff := cmp.Diff(want[:3], rows); diff != "" {
		t.Errorf("rows of the corrected bill (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(s.corrected))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// costsIn returns what the lines of a month in a lake cost, by pay mode.
func costsIn(t *testing.T, text string) map[string]string {
	t.Helper()
	cells, _ := readParquet(t, text)
	mode, cost := slices.Index(cells[0], "x_PayMode"), slices.Index(cells[0], "BilledCost")
	sums := map[string]billclient.Amount{}
	for _, row := range cells[1:] {
		sums[row[mode]] = sums[row[mode]].Add(amount(t, row[cost]))
	}
	texts := map[string]string{}
	for mode, sum := range sums {
		texts[mode] = strings.TrimRight(sum.String(), "0")
	}
	return texts
}

// Lines of some pay modes, or those of a file of the vendor's, take the place of the same ones only.
func TestLakeTakesParts(t *testing.T) {
	steps := []struct {
		name    string
		options Options
		want    map[string]string // cost of October by pay mode
		fails   string
	}{
		{"postpaid at first", Options{PayModes: "postpaid"}, map[string]string{"postpaid": "44.78"}, ""},
		{"all", Options{}, map[string]string{"postpaid": "44.78", "prepaid": "870.169999", "realtime": "2.51"}, ""},
		{
			"a file", Options{Source: SourceFile, Input: "DIR/in"},
			map[string]string{"postpaid": "12.", "prepaid": "870.169999", "realtime": "2.51"}, "",
		},
		{
			"postpaid of the API", Options{PayModes: "postpaid"},
			map[string]string{"postpaid": "44.78", "prepaid": "870.169999", "realtime": "2.51"}, "",
		},
		{
			"other columns", Options{PayModes: "postpaid", FocusVersion: Focus14},
			map[string]string{"postpaid": "44.78", "prepaid": "870.169999", "realtime": "2.51"},
			"error: export: main, 2026-10: billing_account_id=73400575/billing_period=2026-10: the file in the lake has other" +
				" columns, or is not one of this program: export all pay modes of the month, or remove it\n",
		},
		{
			"half a part", Options{PayModes: "prepaid,postpaid"},
			map[string]string{"postpaid": "44.78", "prepaid": "870.169999", "realtime": "2.51"},
			"wrong argument: export: --pay-modes: in a lake, the lines of prepaid and realtime are replaced together:" +
				" name both or none\n",
		},
	}
	var files []string
	var failures []string
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		dir := t.TempDir()
		write(t, filepath.Join(dir, "in"), "账单月,成交价(元),原价(元),产品线\n2026-10,12,12,云服务器(KEC)\n2026-09,1,1,云服务器(KEC)\n")
		for _, step := range steps {
			step.options.Lake = filepath.Join(dir, "lake")
			step.options.Input = strings.ReplaceAll(step.options.Input, "DIR", dir)
			conf := strings.Replace(withProducts, "access_key_id", "customer_id: '73400575', access_key_id", 1)
			got := runExport(t.Context(), t, newModesAPI(billOf(october()...)), t.TempDir(), conf, step.options)
			failures = append(failures, got.failure())
			files = append(files, filesIn(t, step.options.Lake)[octoberFile])
		}
	})
	for i, step := range steps {
		if diff := cmp.Diff(step.want, costsIn(t, files[i])); diff != "" || failures[i] != step.fails {
			t.Errorf("%s: %s (-want +lake):\n%s", step.name, failures[i], diff)
		}
	}
}
