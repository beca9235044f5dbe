//go:build e2e

package e2e

import (
	"crypto/x509"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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

// bundle is what a container starts from, as umoci unpacks an image.
type bundle struct {
	Process struct {
		User struct{ UID, GID int }
		Args []string
		Env  []string
		Cwd  string
	}
	Annotations map[string]string // labels and ports are among them
	root        string            // the folder that is the container's root
}

// unpackImage unpacks an image of a folder with an OCI layout.
func unpackImage(t *testing.T, layout, tag string) bundle {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "bundle")
	peers.Run(t, "umoci", "unpack", "--rootless", "--image", layout+":"+tag, folder)
	b := bundle{root: filepath.Join(folder, "rootfs")}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(folder, "config.json"))), &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// files lists the files of an image with their modes.
func (b bundle) files(t *testing.T) string {
	t.Helper()
	return peers.Run(t, "sh", "-c", "cd "+b.root+" && find . -printf '%M %p\n' | sort -k 2")
}

// testProgram starts the only program of an image as the user of the image: it serves the demo.
func (b bundle) testProgram(t *testing.T) {
	t.Helper()
	if user := b.Process.User; user.UID != nobody || user.GID != nobody {
		t.Errorf("the image runs as %d:%d", user.UID, user.GID)
	}
	roots := read(t, filepath.Join(b.root, "etc/ssl/certs/ca-certificates.crt"))
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(roots)) {
		t.Error("the image has no root certificates")
	}
	address := peers.FreeAddress(t)
	container := exec.CommandContext(t.Context(), "chroot", append([]string{"--userspec=65534:65534", b.root},
		append(b.Process.Args, "--demo", "--web.listen-address="+address)...)...)
	peers.Start(t, container)
	peers.Await(t, "http://"+address+"/-/ready", "")
	page := peers.Get(t, "http://"+address+"/metrics")
	if !strings.Contains(page, `ksyun_bill_account_info{account="game",`) {
		t.Errorf("the image's /metrics:\n%s", page)
	}
}

// The image that Dockerfile makes runs, and that of a release is the same, with three more labels.
func TestImage(t *testing.T) {
	t.Chdir(root)
	dir := t.TempDir()
	peers.Run(t, "make", "image", "IMAGE=ksyun_bill_exporter:test")
	peers.Run(t, "buildah", "--storage-driver", "vfs", "push", "ksyun_bill_exporter:test", "oci:"+dir+"/image:test")
	image := unpackImage(t, dir+"/image", "test")
	image.testProgram(t)

	r := theRelease(t)
	layout := filepath.Join(dir, "layout")
	if err := os.Mkdir(layout, 0o755); err != nil {
		t.Fatal(err)
	}
	peers.Run(t, "tar", "--extract", "--directory="+layout, "--file="+r.file(".oci.tar"))
	released := unpackImage(t, layout, r.version)
	released.testProgram(t)
	delete(image.Annotations, "io.buildah.version")
	maps.Copy(image.Annotations, map[string]string{
		"org.opencontainers.image.created":  r.date.Format(time.RFC3339),
		"org.opencontainers.image.revision": r.revision,
		"org.opencontainers.image.version":  r.version,
	})
	if diff := cmp.Diff(image, released, cmpopts.IgnoreUnexported(bundle{})); diff != "" {
		t.Errorf("images (-Dockerfile +release):\n%s", diff)
	}
	if diff := cmp.Diff(image.files(t), released.files(t)); diff != "" {
		t.Errorf("files of the images (-Dockerfile +release):\n%s", diff)
	}
}
