//go:build e2e

package e2e

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ksyun_bill_exporter/e2e/peers"
)

const (
	unitName    = "ksyun_bill_exporter.service"
	unitsFolder = "etc/systemd/system"
	nobody      = 65534 // stands for the user that systemd makes up
)

// The commands of deploy/systemd/README.md install a unit with which systemd finds no fault, with and without the
// drop-ins, and the program starts as the unit says: it reads credentials, writes state, and can read nothing else.
func TestSystemd(t *testing.T) {
	t.Chdir(root)
	page := manual{"deploy/systemd/README.md", read(t, "deploy/systemd/README.md")}
	machine := t.TempDir()
	installUnit(t, page, machine)
	unit := read(t, filepath.Join(machine, unitsFolder, unitName))
	t.Run("unit", func(t *testing.T) { analyzeUnit(t, machine, unit) })
	for _, dropIn := range page.blocks("ini") {
		t.Run("drop-in", func(t *testing.T) { analyzeUnit(t, machine, unit, dropIn) })
	}
	t.Run("program", func(t *testing.T) { startUnit(t, machine, unit) })
}

// installUnit runs the commands of the page's second step in an empty root directory, with the configuration of its
// first step, for a simulated API.
func installUnit(t *testing.T, page manual, machine string) {
	t.Helper()
	home := t.TempDir()
	_, config := peers.Simulate(t, peers.SampleLine)
	_, api, _ := strings.Cut(read(t, config), "\n")
	write(t, filepath.Join(home, "config.yaml"), page.blocks("yaml")[0]+api)
	write(t, filepath.Join(home, "main.id"), "AKLT\n")
	write(t, filepath.Join(home, "main.secret"), "s3cret\n")
	// Not by cp, because the cache of go test would not know of it.
	err := os.CopyFS(filepath.Join(home, "deploy"), os.DirFS("deploy"))
	for _, folder := range []string{"usr/local/bin", unitsFolder} {
		err = cmp.Or(err, os.MkdirAll(filepath.Join(machine, folder), 0o755))
	}
	if err = cmp.Or(err, dependOnSources()); err != nil {
		t.Fatal(err)
	}
	// Without the race detector, the program needs no library.
	peers.Run(t, "env", "CGO_ENABLED=0", "go", "build", "-o", filepath.Join(home, "ksyun_bill_exporter"), ".")
	installed := 0
	for command := range strings.Lines(page.blocks("sh")[0]) {
		if arguments, ok := strings.CutPrefix(command, "sudo install "); ok {
			install := exec.CommandContext(t.Context(), "sh", "-c",
				"install "+strings.ReplaceAll(arguments, " /", " "+machine+"/"))
			install.Dir = home
			if out, err := install.CombinedOutput(); err != nil {
				t.Fatalf("%s%v\n%s", command, err, out)
			}
			installed++
		}
	}
	if installed != 3 {
		t.Fatalf("%d commands install something, want 3", installed)
	}
}

// analyzeUnit lets systemd look at the unit, for whose program it has to look in another place.
func analyzeUnit(t *testing.T, machine, unit string, dropIns ...string) {
	t.Helper()
	folder := t.TempDir()
	places := strings.NewReplacer("/usr/local/bin/", filepath.Join(machine, "usr/local/bin")+"/")
	file := filepath.Join(folder, unitName)
	write(t, file, places.Replace(unit))
	for _, dropIn := range dropIns {
		if err := os.Mkdir(file+".d", 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(file+".d", "override.conf"), places.Replace(dropIn))
	}
	if out := peers.Run(t, "systemd-analyze", "verify", file); out != "" {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	peers.Run(t, "systemd-analyze", "security", "--offline=yes", "--threshold=11", "--no-pager", file)
}

var (
	unitCommand    = regexp.MustCompile(`(?m)^ExecStart=(.+)$`)
	unitCredential = regexp.MustCompile(`(?m)^LoadCredential=(.+):(.+)$`)
	unitState      = regexp.MustCompile(`(?m)^StateDirectory=(.+)$`)
)

// startUnit starts the program with the directories and the command of the unit, in a root directory that has nothing
// else, as a user who may not even read the files that were installed.
func startUnit(t *testing.T, machine, unit string) {
	t.Helper()
	const credentials = "/run/credentials/" + unitName
	giveFolder(t, filepath.Join(machine, credentials))
	for _, c := range unitCredential.FindAllStringSubmatch(unit, -1) {
		giveFile(t, filepath.Join(machine, credentials, c[1]), read(t, filepath.Join(machine, c[2])))
	}
	state := filepath.Join(machine, "var/lib", unitState.FindStringSubmatch(unit)[1])
	giveFolder(t, state)
	command := strings.ReplaceAll(unitCommand.FindStringSubmatch(unit)[1], "${CREDENTIALS_DIRECTORY}", credentials)
	address := peers.FreeAddress(t)
	args := append([]string{"--userspec=65534:65534", machine}, strings.Fields(command)...)
	peers.Start(t, exec.CommandContext(t.Context(), "chroot", append(args, "--web.listen-address="+address)...))
	peers.Await(t, "http://"+address+"/metrics", `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 55`)
	if files, err := os.ReadDir(state); err != nil || len(files) == 0 {
		t.Errorf("the state directory has %v: %v", files, err)
	}
}

func giveFolder(t *testing.T, folder string) {
	t.Helper()
	err := os.MkdirAll(folder, 0o755)
	if err == nil {
		err = os.Chown(folder, nobody, nobody)
	}
	if err == nil {
		err = os.Chmod(folder, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func giveFile(t *testing.T, file, text string) {
	t.Helper()
	write(t, file, text)
	if err := os.Chown(file, nobody, nobody); err != nil {
		t.Fatal(err)
	}
}
