// Package e2e has the end-to-end tests: of the program as it is built, and of what real servers and a real browser make
// of its metrics and its documentation. Tests that need Debian packages have the build tag e2e.
package e2e

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ksyun_bill_exporter/e2e/peers"
)

// root is the root folder of the repository, and temporary a folder for the program.
var root, temporary string

// TestMain makes and removes the folder for the program.
func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	if root, err = filepath.Abs(".."); err != nil {
		return 0, err
	}
	if temporary, err = os.MkdirTemp("", "e2e"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(temporary)
	return m.Run(), nil
}

// buildProgram builds the program and returns its file. The first test that needs it calls buildProgram, not TestMain:
// what happens before the tests run does not count for the cache of go test.
var buildProgram = sync.OnceValues(func() (file string, err error) {
	if err := dependOnSources(); err != nil {
		return "", err
	}
	file = filepath.Join(temporary, "ksyun_bill_exporter")
	args := []string{"build", "-o", file}
	if hasRaceDetector() {
		args = append(args, "-race")
	}
	build := exec.CommandContext(context.Background(), "go", append(args, ".")...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return file, nil
})

// dependOnSources looks at all files of which the program is built. Without that, go test would repeat the result of an
// older program, because it only knows the files at which the tests themselves have looked.
func dependOnSources() error {
	sources := []string{".go", ".mod", ".sum", ".tmpl", ".css", ".yaml", ".cjs"}
	return filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case slices.Contains(sources, filepath.Ext(file)):
			_, err = os.Stat(file)
		}
		return err
	})
}

// hasRaceDetector reports whether the tests were built with -race.
func hasRaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// binary returns the file of the program.
func binary(t *testing.T) string {
	t.Helper()
	file, err := buildProgram()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// launch starts the program as a process and waits until it listens. The process ends with the test.
func launch(t *testing.T, args ...string) *peers.Exporter {
	t.Helper()
	return launchAs(t, program, args...)
}

// launchAs is launch with another way to start a program.
func launchAs(
	t *testing.T, program func(t *testing.T, args ...string) *exec.Cmd, args ...string,
) *peers.Exporter {
	t.Helper()
	return peers.Launch(t, func(args []string, log io.Writer) (stop func() int) {
		process := program(t, args...)
		process.Stderr = log
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		return func() int {
			_ = process.Process.Signal(syscall.SIGTERM) // it may have ended
			_ = process.Wait()                          // the exit code says the same
			if text := log.(*peers.Log).String(); strings.Contains(text, "DATA RACE") {
				t.Error(text)
			}
			return process.ProcessState.ExitCode()
		}
	}, args...)
}

// program returns the program as a command, which gets SIGTERM when the test ends.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return commandOf(t, binary(t), args...)
}

func commandOf(t *testing.T, file string, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), file, args...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second
	return command
}

// demoAccounts are the names of the accounts of the demo.
var demoAccounts = []string{"shop", "game"}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
