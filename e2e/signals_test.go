package e2e

import (
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/e2e/peers"
)

// startExport starts an export of the running month, and returns as soon as it has asked the API for the lines.
func startExport(
	t *testing.T, wrapper []string, stdout io.Writer, api *billsim.Server, config string, args ...string,
) *exec.Cmd {
	t.Helper()
	words := slices.Concat(wrapper, []string{
		binary(t), "--config.file=" + config, "export", "--month=" + peers.RunningMonth(),
	}, args)
	export := exec.CommandContext(t.Context(), words[0], words[1:]...)
	export.Stdout, export.Stderr = stdout, &peers.Log{}
	if err := export.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if slices.ContainsFunc(api.Calls(), func(c billsim.Call) bool { return c.Action == "GetPostpayDetailBill" }) {
			return export
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not ask for lines:\n%s", export.Stderr)
		}
	}
}

// Whatever signal ends an export, no half file stays. nohup keeps a closed terminal from ending it.
func TestSignals(t *testing.T) {
	for name, tt := range map[string]struct {
		wrapper []string
		signals []os.Signal
		want    string
	}{
		"terminated": {nil, []os.Signal{syscall.SIGTERM}, "terminated signal received"},
		"hung up":    {nil, []os.Signal{syscall.SIGHUP, syscall.SIGHUP}, "hangup signal received"},
		"nohup":      {[]string{"nohup"}, []os.Signal{syscall.SIGHUP, syscall.SIGINT}, "interrupt signal received"},
	} {
		t.Run(name, func(t *testing.T) {
			api, config := peers.Simulate(t, slices.Repeat([]billsim.Line{peers.SampleLine}, 1000)...)
			defer api.Fault(billsim.Break(billsim.Stall, 900))()
			dir := t.TempDir()
			export := startExport(t, tt.wrapper, io.Discard, api, config, "--output="+dir+"/bill")
			for _, s := range tt.signals {
				if err := export.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Millisecond) // the first one may end it, the next ones come later
			}
			_ = export.Wait() // the exit code says the same
			log := export.Stderr.(*peers.Log).String()
			if files, err := os.ReadDir(dir); err != nil || len(files) > 0 || export.ProcessState.ExitCode() != 1 ||
				!strings.Contains(log, ": "+tt.want+`"`) {
				t.Errorf("%v, files %d\n%s", export.ProcessState, len(files), log)
			}
		})
	}
}

// A second signal ends an export that cannot end by itself, because nobody reads what it writes.
func TestSecondSignalKills(t *testing.T) {
	api, config := peers.Simulate(t, peers.SampleLine)
	read, full, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer full.Close()
	if _, err := full.Write(make([]byte, 64<<10)); err != nil { // until it is full
		t.Fatal(err)
	}
	export := startExport(t, nil, full, api, config, "--format=table")
	export.Stderr.(*peers.Log).Await(t, regexp.MustCompile("the month is not over")) // the last thing before it writes
	ended := make(chan error, 1)
	go func() { ended <- export.Wait() }()
	for {
		_ = export.Process.Signal(os.Interrupt) // it may have ended
		select {
		case <-ended:
			if s := export.ProcessState.Sys().(syscall.WaitStatus); !s.Signaled() || s.Signal() != syscall.SIGINT {
				t.Errorf("%v\n%s", export.ProcessState, export.Stderr)
			}
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// A log that is full, because nobody reads it, holds up neither scrapes nor the end.
func TestFullLog(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	if err := write.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := write.Write(make([]byte, 16<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	address := peers.FreeAddress(t)
	exporter := exec.CommandContext(t.Context(), binary(t), "--demo", "--log.level=debug", "--web.listen-address="+address)
	exporter.Stdout, exporter.Stderr = write, write
	if err := exporter.Start(); err != nil {
		t.Fatal(err)
	}
	defer exporter.Process.Kill()
	write.Close()
	for deadline, answers := time.Now().Add(time.Minute), 0; answers < 3; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not serve")
		}
		if r, err := http.Get("http://" + address + "/metrics"); err == nil { //nolint:noctx // it is on this machine
			r.Body.Close()
			answers++
		}
	}
	began := time.Now()
	if err := exporter.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := exporter.Wait(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the end took %v", took)
	}
}

// A log that nobody reads any more does not end the exporter: it goes on serving.
func TestClosedLog(t *testing.T) {
	address := peers.FreeAddress(t)
	exporter := exec.CommandContext(t.Context(), binary(t), "--demo", "--log.level=debug", "--web.listen-address="+address)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	exporter.Stdout, exporter.Stderr = write, write
	if err := exporter.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- exporter.Wait() }()
	defer exporter.Process.Kill()
	write.Close()
	read.Close()
	for deadline, answers := time.Now().Add(time.Minute), 0; answers < 3; time.Sleep(200 * time.Millisecond) {
		r, err := http.Get("http://" + address + "/metrics") //nolint:noctx // it is on this machine
		if err == nil {
			r.Body.Close()
			answers++
		}
		select {
		case err := <-ended:
			t.Fatalf("ended: %v", err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not serve")
		}
	}
}
