//go:build e2e

package e2e

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ksyun_bill_exporter/e2e/peers"
)

// host is a root directory that has only what a test puts there.
type host string

// nobody is the user and the group as which the program runs there.
const nobody = 65534

// path returns the name that a file of the host has outside of it.
func (h host) path(name string) string { return string(h) + name }

func (h host) makeFolder(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(h.path(name), 0o755); err != nil {
		t.Fatal(err)
	}
}

// giveFolder makes a folder for nobody alone.
func (h host) giveFolder(t *testing.T, name string) {
	t.Helper()
	h.makeFolder(t, name)
	if err := cmp.Or(os.Chown(h.path(name), nobody, nobody), os.Chmod(h.path(name), 0o700)); err != nil {
		t.Fatal(err)
	}
}

// giveFile makes a file for nobody alone.
func (h host) giveFile(t *testing.T, name, text string) {
	t.Helper()
	h.makeFolder(t, filepath.Dir(name))
	write(t, h.path(name), text)
	if err := os.Chown(h.path(name), nobody, nobody); err != nil {
		t.Fatal(err)
	}
}

// testProgram runs the program as nobody until it shows what prepareHome has configured, and has written its state.
func (h host) testProgram(t *testing.T, state string, command ...string) {
	t.Helper()
	address := peers.FreeAddress(t)
	args := append([]string{"--userspec=65534:65534", string(h)}, command...)
	peers.Start(t, exec.CommandContext(t.Context(), "chroot", append(args, "--web.listen-address="+address)...))
	peers.Await(t, "http://"+address+"/metrics", `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 55`)
	if files, err := os.ReadDir(h.path(state)); err != nil || len(files) == 0 {
		t.Errorf("%s has %v: %v", state, files, err)
	}
}

// prepareHome returns a folder with deploy, the configuration that a page shows, for a simulated API, and its key
// files.
func prepareHome(t *testing.T, page manual) (folder string) {
	t.Helper()
	folder = t.TempDir()
	_, config := peers.Simulate(t, peers.SampleLine)
	_, api, _ := strings.Cut(read(t, config), "\n")
	write(t, filepath.Join(folder, "config.yaml"), page.blocks("yaml")[0]+api)
	write(t, filepath.Join(folder, "main.id"), "AKLT\n")
	write(t, filepath.Join(folder, "main.secret"), "s3cret\n")
	// Not by cp, because the cache of go test would not know of it.
	if err := os.CopyFS(filepath.Join(folder, "deploy"), os.DirFS("deploy")); err != nil {
		t.Fatal(err)
	}
	return folder
}

// buildAlone builds the program so that it needs no library: without the race detector.
func buildAlone(t *testing.T, file string) {
	t.Helper()
	if err := dependOnSources(); err != nil {
		t.Fatal(err)
	}
	peers.Run(t, "env", "CGO_ENABLED=0", "go", "build", "-o", file, ".")
}

// runIn runs a command of a shell in a folder.
func runIn(t *testing.T, folder, command string) {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "sh", "-c", command)
	shell.Dir = folder
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}
