//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/e2e/peers"
)

// On a real terminal, an export shows how far it is, and removes that in the end. The API pauses, so that there is
// something to show on a fast machine, too.
func TestExportOnTerminal(t *testing.T) {
	dir := t.TempDir()
	api, config := peers.Simulate(t, slices.Repeat([]billsim.Line{peers.SampleLine}, 20000)...)
	api.Fault(billsim.Fault{Action: "GetPostpayDetailBill", Edit: func(n int, _ *billsim.Line) {
		if n == 10000 {
			time.Sleep(500 * time.Millisecond)
		}
	}})
	terminal := exec.CommandContext(t.Context(), "script", "-qec",
		binary(t)+" --config.file="+config+" export --month="+peers.RunningMonth()+" --output="+dir+"/bill.csv",
		"/dev/null")
	terminal.Env = append(os.Environ(), "TERM=xterm", "COLUMNS=80")
	out, err := terminal.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !regexp.MustCompile(`(?s)waiting for lines.*\d lines, \d+\.\d MB`).Match(out) {
		t.Errorf("no progress on the terminal: %q", out)
	}
	shown := strings.Split(strings.TrimRight(string(out), "\r\n"), "\r")
	logged := slices.IndexFunc(shown, func(text string) bool { return strings.Contains(text, "level=") })
	if logged < 0 || !strings.HasPrefix(strings.ReplaceAll(shown[logged], "\x1b[2K", ""), "ts=") {
		t.Errorf("on the terminal in the end: %q", shown)
	}
	if lines := strings.Count(read(t, dir+"/bill.csv"), "\n"); lines != 20001 {
		t.Errorf("%d lines", lines)
	}
}
