package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newRepository returns a folder with one commit, of a program that needs another module.
func newRepository(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"VERSION":    "1.2.3\n",
		"go.mod":     "module program\n\ngo 1.26\n\nrequire dep v0.0.0\n\nreplace dep => ./dep\n",
		"main.go":    "package main\n\nimport \"dep\"\n\nfunc main() { dep.Do() }\n",
		"dep/go.mod": "module dep\n\ngo 1.26\n",
		"dep/dep.go": "package dep\n\nfunc Do() {}\n",
		"old":        "",
	} {
		writeFile(t, filepath.Join(folder, name), text)
	}
	command(t, folder, "git", "init", "--quiet")
	command(t, folder, "git", "add", ".")
	command(t, folder, "git", "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "--quiet", "--message=x",
		"--date=2026-01-02T03:04:05Z")
	return folder
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command runs a command in a folder and returns what it prints.
func command(t *testing.T, folder, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// A release of what is in no commit is refused, or says so in its revision. Its date is the commit's, or the given one.
func TestReadTree(t *testing.T) {
	folder := newRepository(t)
	clean, err := readTree(t.Context(), folder, false)
	if want := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC); err != nil || !clean.date.Equal(want) {
		t.Errorf("date %v, want %v: %v", clean.date, want, err)
	}
	writeFile(t, filepath.Join(folder, "new"), "")
	if err := os.Remove(filepath.Join(folder, "old")); err != nil {
		t.Fatal(err)
	}
	const want = `not all is committed, so that the revision would not be that of the release:
 D old
?? new
Commit this; or allow it, for a trial, by make release DIRTY=1 (-dirty)`
	if _, err := readTree(t.Context(), folder, false); err == nil || err.Error() != want {
		t.Errorf("%v, want\n%s", err, want)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "86400")
	dirty, err := readTree(t.Context(), folder, true)
	if err != nil || dirty.revision != clean.revision+"-dirty" || !dirty.date.Equal(time.Unix(86400, 0)) {
		t.Errorf("revision %s, date %v: %v", dirty.revision, dirty.date, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	const wrong = `SOURCE_DATE_EPOCH: strconv.ParseInt: parsing "yesterday": invalid syntax`
	if _, err := readTree(t.Context(), folder, true); err == nil || err.Error() != wrong {
		t.Errorf("%v, want %s", err, wrong)
	}
}

// The archive of the source has what git knows and what it needs, and builds without a network.
func TestSource(t *testing.T) {
	folder, out := newRepository(t), t.TempDir()
	writeFile(t, filepath.Join(folder, "untracked.go"), "not Go")
	args := []string{"-root", folder, "-out", out, "-dirty", "-only", "source"}
	if err := run(t.Context(), args, io.Discard); err != nil {
		t.Fatal(err)
	}
	command(t, out, "sha256sum", "--check", "--strict", "SHA256SUMS")
	const want = `ksyun_bill_exporter-1.2.3/
ksyun_bill_exporter-1.2.3/VERSION
ksyun_bill_exporter-1.2.3/dep/
ksyun_bill_exporter-1.2.3/dep/dep.go
ksyun_bill_exporter-1.2.3/dep/go.mod
ksyun_bill_exporter-1.2.3/go.mod
ksyun_bill_exporter-1.2.3/main.go
ksyun_bill_exporter-1.2.3/old
ksyun_bill_exporter-1.2.3/vendor/
ksyun_bill_exporter-1.2.3/vendor/dep/
ksyun_bill_exporter-1.2.3/vendor/dep/dep.go
ksyun_bill_exporter-1.2.3/vendor/modules.txt
`
	archive := filepath.Join(out, "ksyun_bill_exporter-1.2.3.source.tar.gz")
	list := command(t, out, "tar", "--list", "--file="+archive)
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	command(t, out, "tar", "--extract", "--file="+archive)
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOFLAGS", "-mod=vendor")
	command(t, filepath.Join(out, "ksyun_bill_exporter-1.2.3"), "go", "build", "-o", "program", ".")
}

// A folder with anything else is left as it is.
func TestForeignFiles(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"SHA256SUMS", "notes", "ksyun_bill_exporter-0.1.0.oci.tar"} {
		writeFile(t, filepath.Join(folder, name), "")
	}
	want := folder + ": notes is not from a release; move it, or name another folder"
	if err := clearOut(folder); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if files, err := os.ReadDir(folder); len(files) != 3 {
		t.Errorf("%v: %v", files, err)
	}
}

// What the image of a release would leave out is an error.
func TestDockerfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Dockerfile")
	for text, want := range map[string]string{
		"FROM debian\nUSER 1":                    ": not just one image from scratch",
		"FROM scratch\nUSER 1\nVOLUME /x":        ":3: VOLUME is not known here",
		"FROM scratch\nUSER $ME":                 ":2: ME has no value",
		"FROM scratch\nEXPOSE 53/udp":            ":2: EXPOSE of anything but a number is not known here",
		"FROM scratch\nENTRYPOINT a b":           ":2: ENTRYPOINT wants a shell",
		"FROM scratch\nCOPY --chown=1 a /a":      ":2: COPY is known here for one file only, and without flags",
		"FROM scratch\nCOPY a b /\n":             ":2: COPY is known here for one file only, and without flags",
		"FROM scratch\nUSER 1\nHEALTHCHECK NONE": ":3: HEALTHCHECK is not known here",
	} {
		writeFile(t, file, text)
		if _, err := readDockerfile(file); err == nil || err.Error() != file+want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
