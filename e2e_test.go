//go:build e2e

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ksyun_bill_exporter/peers"
)

// promtool finds nothing to say about what the exporter exposes.
func TestPromtoolIsSilent(t *testing.T) {
	_, config := simulate(t, sampleLine)
	r := launch(t, "--config.file="+config)
	r.waitForLines("main")
	check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	check.Stdin = strings.NewReader(peers.Get(t, r.url+"/metrics"))
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// The image's only program runs as the image's user, and shows the demo.
func TestImage(t *testing.T) {
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
	text, err := os.ReadFile(filepath.Join(dir, "bundle", "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &bundle); err != nil {
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
	program := exec.CommandContext(t.Context(), "chroot", append([]string{"--userspec=65534:65534", root},
		append(bundle.Process.Args, "--demo", "--web.listen-address="+address)...)...)
	peers.Start(t, program)
	peers.Await(t, "http://"+address+"/-/ready", "")
	page := peers.Get(t, "http://"+address+"/metrics")
	if !strings.Contains(page, `ksyun_bill_account_info{account="game",`) {
		t.Errorf("the image's /metrics:\n%s", page)
	}
}
