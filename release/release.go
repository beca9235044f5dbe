package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// name is the name of the program, with which all names of a release begin.
const name = "ksyun_bill_exporter"

// atOnce is how many platforms are built side by side. A Go build has work for several cores by itself.
const atOnce = 2

// release is one release while it is made. Its methods may run at the same time.
type release struct {
	options
	tree
	version string
	scratch string // a folder for what is not handed out
}

// prepare looks at the repository and makes room in the folder for the release.
func prepare(ctx context.Context, o options) (*release, error) {
	var err error
	for _, folder := range []*string{&o.root, &o.out} {
		if *folder, err = filepath.Abs(*folder); err != nil {
			return nil, err
		}
	}
	r := &release{options: o}
	if r.tree, err = readTree(ctx, o.root, o.dirty); err != nil {
		return nil, err
	}
	version, err := os.ReadFile(filepath.Join(o.root, "VERSION"))
	if err != nil {
		return nil, err
	}
	r.version = strings.TrimSpace(string(version))
	if err := clearOut(o.out); err != nil {
		return nil, err
	}
	r.scratch, err = os.MkdirTemp("", "release")
	return r, err
}

// clearOut removes what an earlier release has left. It refuses a folder with anything else, because the checksums are
// those of all files there, and because the folder may be another one than was meant.
func clearOut(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !f.Type().IsRegular() || f.Name() != sumsName && !strings.HasPrefix(f.Name(), name+"-") {
			return fmt.Errorf("%s: %s is not from a release; move it, or name another folder", folder, f.Name())
		}
	}
	for _, f := range files {
		if err := os.Remove(filepath.Join(folder, f.Name())); err != nil {
			return err
		}
	}
	return nil
}

// make makes all parts that are wanted, apart from the checksums.
func (r *release) make(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	if !slices.Equal(r.parts, []string{partSource}) {
		for _, p := range r.platforms {
			group.Go(func() error { return r.makePlatform(ctx, p) })
		}
	}
	if r.wants(partSource) {
		group.Go(func() error { return writeSource(ctx, r) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if r.wants(partImage) {
		return writeImage(r)
	}
	return nil
}

func (r *release) makePlatform(ctx context.Context, p platform) error {
	if err := r.build(ctx, p); err != nil {
		return err
	}
	if r.wants(partSBOM) {
		if err := writeSBOM(ctx, r, p); err != nil {
			return err
		}
	}
	if r.wants(partArchive) {
		return writeArchive(r, p)
	}
	return nil
}

func (r *release) wants(part string) bool { return slices.Contains(r.parts, part) }

// title is the name of a part without its suffix, such as ksyun_bill_exporter-0.1.0.linux-amd64.
func (r *release) title(suffix string) string { return name + "-" + r.version + suffix }

// outFile returns the path of a part.
func (r *release) outFile(suffix string) string { return filepath.Join(r.out, r.title(suffix)) }
