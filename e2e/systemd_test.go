//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ksyun_bill_exporter/e2e/peers"
)

const (
	unitName    = "ksyun_bill_exporter.service"
	unitsFolder = "/etc/systemd/system"
)

// The commands of deploy/systemd/README.md install a unit with which systemd finds no fault, with and without the
// drop-ins, and the program starts as the unit says: it reads credentials, writes state, and can read nothing else.
func TestSystemd(t *testing.T) {
	t.Chdir(root)
	page := manual{"deploy/systemd/README.md", read(t, "deploy/systemd/README.md")}
	h := host(t.TempDir())
	installUnit(t, page, h)
	unit := read(t, h.path(unitsFolder+"/"+unitName))
	t.Run("unit", func(t *testing.T) { analyzeUnit(t, h, unit) })
	for _, dropIn := range page.blocks("ini") {
		t.Run("drop-in", func(t *testing.T) { analyzeUnit(t, h, unit, dropIn) })
	}
	t.Run("program", func(t *testing.T) { startUnit(t, h, unit) })
}

// installUnit runs the commands of the page's second step in an empty root directory, with the configuration of its
// first step.
func installUnit(t *testing.T, page manual, h host) {
	t.Helper()
	home := prepareHome(t, page)
	h.makeFolder(t, "/usr/local/bin")
	h.makeFolder(t, unitsFolder)
	buildAlone(t, filepath.Join(home, "ksyun_bill_exporter"))
	installed := 0
	for command := range strings.Lines(page.blocks("sh")[0]) {
		if arguments, ok := strings.CutPrefix(command, "sudo install "); ok {
			runIn(t, home, "install "+strings.ReplaceAll(arguments, " /", " "+string(h)+"/"))
			installed++
		}
	}
	if installed != 3 {
		t.Fatalf("%d commands install something, want 3", installed)
	}
}

// analyzeUnit lets systemd look at the unit, for whose program it has to look in another place.
func analyzeUnit(t *testing.T, h host, unit string, dropIns ...string) {
	t.Helper()
	folder := t.TempDir()
	places := strings.NewReplacer("/usr/local/bin/", h.path("/usr/local/bin/"))
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

// startUnit starts the program with the directories and the command of the unit.
func startUnit(t *testing.T, h host, unit string) {
	t.Helper()
	const credentials = "/run/credentials/" + unitName
	for _, c := range unitCredential.FindAllStringSubmatch(unit, -1) {
		h.giveFile(t, credentials+"/"+c[1], read(t, h.path(c[2])))
	}
	state := "/var/lib/" + unitState.FindStringSubmatch(unit)[1]
	h.giveFolder(t, state)
	command := strings.ReplaceAll(unitCommand.FindStringSubmatch(unit)[1], "${CREDENTIALS_DIRECTORY}", credentials)
	h.testProgram(t, state, strings.Fields(command)...)
}
