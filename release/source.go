package main

import (
	"context"
	"path/filepath"
)

// writeSource writes an archive of the files that git knows and of the packages that they need, so that the program
// builds, and is tested, without a network. What the modules apart from the program's need is not in it.
func writeSource(ctx context.Context, r *release) error {
	folder, vendor := r.title(""), filepath.Join(r.scratch, "vendor")
	if err := r.goTool(ctx, r.root, allPlatforms[0], "mod", "vendor", "-o", vendor); err != nil {
		return err
	}
	entries, err := filesBelow(vendor, folder+"/vendor")
	if err != nil {
		return err
	}
	for _, f := range r.files {
		entries = append(entries, newEntry(r, folder, f))
	}
	return createTar(r, r.outFile(".source.tar.gz"), entries)
}
