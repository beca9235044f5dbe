package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// What the names of labels and annotations begin with:
// https://github.com/opencontainers/image-spec/blob/main/annotations.md.
const annotation = "org.opencontainers.image."

// writeImage writes an image for all platforms with Linux as one file, an archive of an OCI layout:
// https://github.com/opencontainers/image-spec/blob/main/image-layout.md. The image's name in it is the version.
func writeImage(r *release) error {
	recipe, err := readDockerfile(filepath.Join(r.root, "Dockerfile"))
	if err != nil {
		return err
	}
	maps.Copy(recipe.config.Labels, imageLabels(r))
	index, err := newIndex(r, recipe)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	folder := filepath.Join(r.scratch, "image")
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	named := layout.WithAnnotations(map[string]string{
		annotation + "ref.name":    r.version,
		"io.containerd.image.name": "docker.io/library/" + name + ":" + r.version, // as docker build --tag has it
	})
	if err := path.AppendIndex(index, named); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	entries, err := filesBelow(folder, "")
	if err != nil {
		return err
	}
	return createTar(r, r.outFile(".oci.tar"), entries)
}

// imageLabels returns what the Dockerfile cannot know.
func imageLabels(r *release) map[string]string {
	labels := map[string]string{
		annotation + "version":  r.version,
		annotation + "revision": r.revision,
		annotation + "created":  r.date.Format(time.RFC3339),
	}
	if r.address != "" {
		labels[annotation+"source"] = r.address
	}
	return labels
}

func newIndex(r *release, recipe recipe) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range r.platforms {
		if p.os != "linux" {
			continue
		}
		image, err := newImage(r, recipe, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.arch, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: runnable{image}, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}},
		})
	}
	return mutate.Annotations(index, recipe.config.Labels).(v1.ImageIndex), nil
}

// runnable is an image that says in an index that it is no other artifact: the library would give it the type of its
// configuration, and the specification has artifactType for what cannot be run.
type runnable struct{ v1.Image }

// ArtifactType is what the library looks for.
func (runnable) ArtifactType() (string, error) { return "", nil }

// newImage returns the image of one platform.
func newImage(r *release, recipe recipe, p platform) (v1.Image, error) {
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: p.os, Architecture: p.arch, Created: v1.Time{Time: r.date}, Config: recipe.config,
		RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{}}, // by which others know a configuration
	})
	if err != nil {
		return nil, err
	}
	image = mutate.ConfigMediaType(mutate.MediaType(image, types.OCIManifestSchema1), types.OCIConfigJSON)
	context := map[string]entry{
		name:                  {mode: 0o755, file: r.binary(p)},
		"ca-certificates.crt": {mode: 0o644, text: rootCertificates()},
	}
	for _, c := range recipe.copies {
		e, ok := context[c.from]
		if !ok {
			return nil, fmt.Errorf("the Dockerfile copies %s, which is not known here", c.from)
		}
		e.name = strings.TrimPrefix(c.to, "/")
		if image, err = appendLayer(r, image, e, c); err != nil {
			return nil, err
		}
	}
	return mutate.Annotations(image, recipe.config.Labels).(v1.Image), nil
}

// appendLayer adds a layer of one file.
func appendLayer(r *release, image v1.Image, e entry, c copied) (v1.Image, error) {
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		var text bytes.Buffer
		err := writeTar(&text, r.date, []entry{e})
		return io.NopCloser(&text), err
	}, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.BestCompression),
		tarball.WithCompressedCaching)
	if err != nil {
		return nil, err
	}
	return mutate.Append(image, mutate.Addendum{
		Layer: layer, History: v1.History{Created: v1.Time{Time: r.date}, CreatedBy: "COPY " + c.from + " " + c.to},
	})
}
