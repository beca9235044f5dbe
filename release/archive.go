package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// entry is a file of an archive.
type entry struct {
	name string // with slashes
	mode int64
	file string // what is in it; or else
	text []byte
}

func (e entry) open() (content io.ReadCloser, size int64, err error) {
	if e.file == "" {
		return io.NopCloser(bytes.NewReader(e.text)), int64(len(e.text)), nil
	}
	f, err := os.Open(e.file)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// writeTar writes entries and the folders that they are in, in the order of their names, all of one date and of user 0.
// Two archives of the same entries are the same bytes.
func writeTar(w io.Writer, date time.Time, entries []entry) error {
	t := tar.NewWriter(w)
	written := map[string]bool{".": true}
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	for _, e := range entries {
		if err := writeFolders(t, date, path.Dir(e.name), written); err != nil {
			return err
		}
		if err := writeEntry(t, date, e); err != nil {
			return err
		}
	}
	return t.Close()
}

func writeFolders(t *tar.Writer, date time.Time, folder string, written map[string]bool) error {
	if written[folder] {
		return nil
	}
	written[folder] = true
	if err := writeFolders(t, date, path.Dir(folder), written); err != nil {
		return err
	}
	return t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, ModTime: date})
}

func writeEntry(t *tar.Writer, date time.Time, e entry) error {
	content, size, err := e.open()
	if err != nil {
		return err
	}
	defer content.Close()
	header := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode, Size: size, ModTime: date}
	if err := t.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(t, content)
	return err
}

// createTar writes entries into a file, through gzip if its name says so.
func createTar(r *release, file string, entries []entry) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, f.Close()) }()
	if !strings.HasSuffix(file, ".gz") {
		return writeTar(f, r.date, entries)
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression) // its header has neither a name nor a time
	if err != nil {
		return err
	}
	return cmp.Or(writeTar(z, r.date, entries), z.Close())
}

// content is what an archive of a program has beside it: what its user reads, loads or starts from. The links of the
// pages lead somewhere also for those who have nothing but the archive.
var content = []string{
	"LICENSE", "*.md", "config.example*.yaml", "dashboards/*.json", "dashboards/*.md", "alerts/*.rules.yml",
	"docs/*", "docs/*/*", "examples/*/*", "deploy/*/*.md", "deploy/helm/ksyun-bill-exporter/*",
	"deploy/helm/ksyun-bill-exporter/*/*", "deploy/helm/ksyun-bill-exporter/*/*/*",
}

// linuxContent is what only Linux has a use for.
var linuxContent = []string{"deploy/systemd/*"}

// writeArchive writes the archive of a platform. All of it is in one folder of the archive's name.
func writeArchive(r *release, p platform) error {
	patterns := content
	if p.os == "linux" {
		patterns = slices.Concat(content, linuxContent)
	}
	folder := r.title(p.suffix())
	entries := []entry{{name: folder + "/" + p.program(), mode: 0o755, file: r.binary(p)}}
	for _, f := range r.files {
		if slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, f.name) }) {
			entries = append(entries, newEntry(r, folder, f))
		}
	}
	return createTar(r, r.outFile(p.suffix()+".tar.gz"), entries)
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// newEntry returns a file of the tree, in a folder of an archive.
func newEntry(r *release, folder string, f trackedFile) entry {
	return entry{name: folder + "/" + f.name, mode: f.mode, file: filepath.Join(r.root, filepath.FromSlash(f.name))}
}

// filesBelow returns all files below a folder, as entries of another one.
func filesBelow(root, folder string) (entries []entry, err error) {
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			file := filepath.Join(root, filepath.FromSlash(name))
			entries = append(entries, entry{name: path.Join(folder, name), mode: 0o644, file: file})
		}
		return err
	})
	return entries, err
}
