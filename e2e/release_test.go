//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
)

// madeRelease is a release for this machine.
type madeRelease struct {
	folder, version, revision string
	date                      time.Time
}

// file returns a file of the release.
func (r madeRelease) file(suffix string) string {
	return filepath.Join(r.folder, "ksyun_bill_exporter-"+r.version+suffix)
}

var (
	made    madeRelease
	makeOne sync.Once
)

// theRelease returns the release that the tests share.
func theRelease(t *testing.T) madeRelease {
	t.Helper()
	makeOne.Do(func() { made = makeRelease(t, filepath.Join(temporary, "release")) })
	if made.folder == "" {
		t.Fatal("it could not be made")
	}
	return made
}

// makeRelease makes archive and image of a release, for this machine only: the other platforms take minutes.
func makeRelease(t *testing.T, folder string) madeRelease {
	t.Helper()
	if err := dependOnSources(); err != nil {
		t.Fatal(err)
	}
	// The tree may belong to somebody else than root, as which these tests run.
	for name, value := range map[string]string{"COUNT": "1", "KEY_0": "safe.directory", "VALUE_0": "*"} {
		t.Setenv("GIT_CONFIG_"+name, value)
	}
	peers.Run(t, "make", "release", "DIST="+folder, "DIRTY=1",
		"RELEASE_FLAGS=-platforms linux/"+runtime.GOARCH+" -only archive,image")
	commit := strings.Fields(peers.Run(t, "git", "show", "--no-patch", "--format=%H %ct", "HEAD"))
	seconds, err := strconv.ParseInt(commit[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	r := madeRelease{folder, strings.TrimSpace(read(t, "VERSION")), commit[0], time.Unix(seconds, 0).UTC()}
	if peers.Run(t, "git", "status", "--porcelain") != "" {
		r.revision += "-dirty"
	}
	return r
}

// A release is the same bytes each time. Its archive has the program, which says where it is from and runs, and
// what its user loads and reads.
func TestRelease(t *testing.T) {
	t.Chdir(root)
	r, again := theRelease(t), makeRelease(t, t.TempDir())
	sums := read(t, filepath.Join(r.folder, "SHA256SUMS"))
	if diff := cmp.Diff(sums, read(t, filepath.Join(again.folder, "SHA256SUMS"))); diff != "" {
		t.Errorf("the second release (-first +second):\n%s", diff)
	}
	runIn(t, r.folder, "sha256sum --check --strict SHA256SUMS")
	archive := r.file(".linux-" + runtime.GOARCH + ".tar.gz")
	want := []string{"SHA256SUMS", filepath.Base(archive), filepath.Base(r.file(".oci.tar"))}
	if diff := cmp.Diff(strings.Join(want, "\n")+"\n", peers.Run(t, "ls", r.folder)); diff != "" {
		t.Errorf("the release (-want +got):\n%s", diff)
	}
	if got := strings.Count(sums, "\n"); got != 2 {
		t.Errorf("checksums of %d files:\n%s", got, sums)
	}
	unpacked := t.TempDir()
	peers.Run(t, "tar", "--extract", "--directory="+unpacked, "--file="+archive)
	folder := filepath.Join(unpacked, filepath.Base(r.file(".linux-"+runtime.GOARCH)))
	t.Run("files", func(t *testing.T) { testReleasedFiles(t, unpacked, folder) })
	t.Run("version", func(t *testing.T) { r.testVersion(t, folder) })
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) { testReleasedDemo(t, folder, signal) })
	}
}

// testReleasedFiles compares the files with those of the tree. All are in one folder.
func testReleasedFiles(t *testing.T, unpacked, folder string) {
	want := strings.Fields(peers.Run(t, "git", "ls-files", "LICENSE", ":(glob)*.md",
		"config.example*.yaml", "dashboards/*.json", ":(glob)dashboards/*.md", ":(glob)alerts/*.rules.yml", ":(glob)deploy/*/*.md",
		"deploy/helm/ksyun-bill-exporter", "deploy/systemd", "docs", "examples"))
	program := filepath.Join(folder, "ksyun_bill_exporter")
	var got []string
	for name := range strings.Lines(peers.Run(t, "find", unpacked, "-type", "f")) {
		if name = strings.TrimSuffix(name, "\n"); name != program {
			relative, err := filepath.Rel(folder, name)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, relative)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("files (-tree +archive):\n%s", diff)
	}
	for _, name := range got {
		if read(t, name) != read(t, filepath.Join(folder, name)) {
			t.Errorf("%s is not the tree's", name)
		}
	}
}

func (r madeRelease) testVersion(t *testing.T, folder string) {
	want := fmt.Sprintf(`ksyun_bill_exporter, version %s (branch: HEAD, revision: %s)
  build user:       
  build date:       %s
  go version:       %s
  platform:         linux/%s
  tags:             unknown
`, r.version, r.revision, r.date.Format("20060102-15:04:05"), runtime.Version(), runtime.GOARCH)
	for _, word := range []string{"--version", "version"} {
		if diff := cmp.Diff(want, peers.Run(t, filepath.Join(folder, "ksyun_bill_exporter"), word)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", word, diff)
		}
	}
}

// testReleasedDemo starts the demo and ends it by a signal.
func testReleasedDemo(t *testing.T, folder string, signal os.Signal) {
	demo := peers.Launch(t, func(args []string, log io.Writer) (stop func() int) {
		process := exec.CommandContext(t.Context(), "./ksyun_bill_exporter", args...)
		process.Dir, process.Stderr = folder, log
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		return func() int {
			_ = process.Process.Signal(signal) // it may have ended
			_ = process.Wait()                 // the exit code says the same
			return process.ProcessState.ExitCode()
		}
	}, "--demo")
	for _, account := range demoAccounts {
		demo.AwaitLines(account)
	}
	if _, page := demo.Get("/metrics"); !strings.Contains(page, "\ngo_gc_gogc_percent 35\n") {
		t.Error("the program leaves garbage collection as Go has it")
	}
	if code := demo.Stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, demo.Log)
	}
}
