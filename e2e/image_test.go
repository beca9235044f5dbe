//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ksyun_bill_exporter/e2e/peers"
)

// promtool finds no fault with what the exporter exposes.
func TestPromtoolIsSilent(t *testing.T) {
	_, config := peers.Simulate(t, peers.SampleLine)
	r := launch(t, "--config.file="+config)
	r.AwaitLines("main")
	check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	check.Stdin = strings.NewReader(peers.Get(t, r.URL+"/metrics"))
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// The only program of the image runs as the user of the image, and serves the demo.
func TestImage(t *testing.T) {
	t.Chdir(root)
	dir := t.TempDir()
	peers.Run(t, "make", "image", "IMAGE=ksyun_bill_exporter:test")
	peers.Run(t, "buildah", "--storage-driver", "vfs", "push", "ksyun_bill_exporter:test", "oci:"+dir+"/image:test")
	peers.Run(t, "umoci", "unpack", "--rootless", "--image", dir+"/image:test", dir+"/bundle")
	var bundle struct {
		Process struct {
			User struct{ UID, GID int }
			Args []string
		}
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, "bundle", "config.json"))), &bundle); err != nil {
		t.Fatal(err)
	}
	if user := bundle.Process.User; user.UID != 65534 || user.GID != 65534 {
		t.Errorf("the image runs as %d:%d", user.UID, user.GID)
	}
	root := filepath.Join(dir, "bundle", "rootfs")
	if _, err := os.Stat(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt")); err != nil {
		t.Error(err)
	}
	address := peers.FreeAddress(t)
	container := exec.CommandContext(t.Context(), "chroot", append([]string{"--userspec=65534:65534", root},
		append(bundle.Process.Args, "--demo", "--web.listen-address="+address)...)...)
	peers.Start(t, container)
	peers.Await(t, "http://"+address+"/-/ready", "")
	page := peers.Get(t, "http://"+address+"/metrics")
	if !strings.Contains(page, `ksyun_bill_account_info{account="game",`) {
		t.Errorf("the image's /metrics:\n%s", page)
	}
}
