package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a terminal: what a program writes to, and what somebody reads there.
func openTerminal(t *testing.T) (program *os.File, reader io.Reader) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return program, screen
}

// On a terminal errors are plain text, unless JSON was asked for.
func TestErrorsOnATerminal(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "ksyun_bill_exporter: no account: give --config.file, or set KSYUN_ACCESS_KEY and KSYUN_SECRET_KEY, or try" +
			" --demo\r\n"},
		{[]string{"--log.format=json"}, `{"err":"no account: give --config.file, or set KSYUN_ACCESS_KEY and` +
			` KSYUN_SECRET_KEY, or try --demo","level":"error","msg":"cannot go on","ts":"T"}` + "\r\n"},
	} {
		program, screen := openTerminal(t)
		if code := run(t.Context(), tt.args, noEnvironment, io.Discard, program); code != exitFailure {
			t.Errorf("%q: exit code %d", tt.args, code)
		}
		text := make([]byte, 1<<10)
		n, err := screen.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		head, _, isJSON := strings.Cut(string(text[:n]), `"ts":"`)
		if isJSON {
			head += `"ts":"T"}` + "\r\n"
		}
		if diff := cmp.Diff(tt.want, head); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.args, diff)
		}
	}
}
