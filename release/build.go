package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// platform is what a program is built for, in the words of Go.
type platform struct{ os, arch string }

var (
	allPlatforms = []platform{
		{"linux", "amd64"},
		{"linux", "arm64"},
		{"darwin", "amd64"},
		{"darwin", "arm64"},
		{"windows", "amd64"},
		{"windows", "arm64"},
	}
	hostPlatform = platform{runtime.GOOS, runtime.GOARCH}
)

// suffix is the end of the names of what is for this platform, as the Prometheus projects have it.
func (p platform) suffix() string { return "." + p.os + "-" + p.arch }

// program is the name of the program on this platform.
func (p platform) program() string {
	if p.os == "windows" {
		return name + ".exe"
	}
	return name
}

func joinPlatforms(platforms []platform) string {
	var words []string
	for _, p := range platforms {
		words = append(words, p.os+"/"+p.arch)
	}
	return strings.Join(words, ",")
}

func parsePlatforms(list string) ([]platform, error) {
	var platforms []platform
	for word := range strings.SplitSeq(list, ",") {
		system, arch, ok := strings.Cut(word, "/")
		if !ok {
			return nil, fmt.Errorf("%q is not like linux/amd64", word)
		}
		platforms = append(platforms, platform{system, arch})
	}
	return platforms, nil
}

// binary returns where build puts the program.
func (r *release) binary(p platform) string {
	return filepath.Join(r.scratch, p.suffix()[1:], p.program())
}

// build builds the program for a platform.
func (r *release) build(ctx context.Context, p platform) error {
	const meta = "github.com/prometheus/common/version."
	flags := []string{"-s", "-w"}
	for _, variable := range [][2]string{
		{"Version", r.version},
		{"Revision", r.revision},
		{"Branch", "HEAD"}, // what git says where a tag is checked out; a branch of another name has the same commit
		{"BuildDate", r.date.Format("20060102-15:04:05")},
	} {
		flags = append(flags, "-X", meta+variable[0]+"="+variable[1])
	}
	return r.goTool(ctx, r.root, p, "build", "-trimpath", "-buildvcs=false", "-ldflags", strings.Join(flags, " "),
		"-o", r.binary(p), ".")
}

// goTool runs a command of Go for a platform. Of the machine's settings, only those count that change no byte, such as
// GOPROXY.
func (r *release) goTool(ctx context.Context, folder string, p platform, args ...string) error {
	command := exec.CommandContext(ctx, r.goCommand, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch, "GOAMD64=v1", "GOARM64=v8.0",
		"GOEXPERIMENT=", "GOFLAGS=", "GOWORK=off")
	return output(command)
}

// output runs a command and fails with all that it prints.
func output(command *exec.Cmd) error {
	out, err := command.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(command.Args[:2], " "), err, out)
	}
	return nil
}
