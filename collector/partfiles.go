package collector

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

// storedPart is a part of a snapshot that is on disk.
type storedPart struct {
	Place, File, Sum string // File is a name in the state directory, Sum the SHA-256 of what it has
}

// storedParts has the parts of a snapshot that are on disk, by what they are.
type storedParts map[partKey]storedPart

type partKey struct {
	place string
	is    any
}

// partFiles knows which parts the files of accounts have on disk. It is safe for concurrent use.
type partFiles struct {
	mu     sync.Mutex
	byFile map[string]storedParts
	saves  map[string]*sync.Mutex
}

// lock lets nobody else save a file until unlock is called: a save that hung may go on after it was given up.
func (s *partFiles) lock(file string) (unlock func()) {
	s.mu.Lock()
	if s.saves == nil {
		s.saves = map[string]*sync.Mutex{}
	}
	save := s.saves[file]
	if save == nil {
		save = &sync.Mutex{}
		s.saves[file] = save
	}
	s.mu.Unlock()
	save.Lock()
	return save.Unlock
}

// of returns the parts that a file has. They must not be changed.
func (s *partFiles) of(file string) storedParts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byFile[file]
}

// replace records the parts that a file has now, and returns those that it had and that no file has any more.
func (s *partFiles) replace(file string, next storedParts) (unused []storedPart) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.byFile[file]
	if s.byFile == nil {
		s.byFile = map[string]storedParts{}
	}
	if s.byFile[file] = next; len(next) == 0 {
		delete(s.byFile, file)
	}
	if len(before) == 0 {
		return nil
	}
	return before.without(s.files())
}

// rename records that a file has another name.
func (s *partFiles) rename(file, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if parts, ok := s.byFile[file]; ok {
		delete(s.byFile, file)
		s.byFile[to] = parts
	}
}

// used returns the files of all parts that are in use.
func (s *partFiles) used() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files()
}

func (s *partFiles) files() map[string]bool {
	files := map[string]bool{}
	for _, parts := range s.byFile {
		for _, p := range parts {
			files[p.File] = true
		}
	}
	return files
}

// without returns the parts that are not in the given files.
func (s storedParts) without(files map[string]bool) (parts []storedPart) {
	for _, p := range s {
		if !files[p.File] {
			parts = append(parts, p)
		}
	}
	return parts
}

// list returns the parts in the order of their places.
func (s storedParts) list() (parts []storedPart) {
	for _, p := range s {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b storedPart) int { return cmp.Compare(a.Place, b.Place) })
	return parts
}

// writeParts takes the large parts of the snapshot of k out of it, and has them on disk. It returns those that are,
// also if it fails.
func (s *State) writeParts(file string, k *kept) (storedParts, error) {
	before, parts := s.parts.of(file), storedParts{}
	var err error
	k.Snapshot = eachPart(k.Snapshot, func(p part) {
		if p.size < minPartSize || err != nil {
			return
		}
		key := partKey{p.place, p.is}
		stored, ok := before[key]
		if !ok {
			stored, err = s.writePart(filepath.Base(file), p)
		}
		if err == nil {
			parts[key] = stored
			p.drop()
		}
	})
	k.Parts = parts.list()
	return parts, err
}

const partSuffix = ".part"

// partLayout is what a part begins with. It is another one whenever old parts would be misread.
const partLayout = "ksyun_bill_exporter part 1"

// writePart writes a part into a file that nothing refers to yet.
func (s *State) writePart(of string, p part) (storedPart, error) {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // it never fails
	name := of + "." + hex.EncodeToString(id) + partSuffix
	place := filepath.Join(s.dir, name)
	f, err := os.OpenFile(place, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return storedPart{}, err
	}
	sum := sha256.New()
	err = errors.Join(encodePart(io.MultiWriter(f, sum), p), f.Sync(), f.Close())
	if err != nil {
		_ = os.Remove(place) // the next start is another chance
		return storedPart{}, err
	}
	return storedPart{Place: p.place, File: name, Sum: hex.EncodeToString(sum.Sum(nil))}, nil
}

// partWriters has writers that can be used again. Their window is small: lists repeat what is near.
var partWriters = sync.Pool{New: func() any {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(partWindow), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // the options are good
	}
	return w
}}

const partWindow = 256 << 10

// encodePart writes the text of a part, as it is made.
func encodePart(to io.Writer, p part) error {
	zipped := partWriters.Get().(*zstd.Encoder)
	defer partWriters.Put(zipped)
	zipped.Reset(to)
	w, layout := newRecordWriter(zipped), partLayout
	w.text(&layout)
	p.encode(w)
	return errors.Join(w.Flush(), zipped.Close())
}

// decodePart reads the text of a part, which has a checksum, into its place.
func decodePart(text []byte, want string, p part) error {
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != want {
		return errors.New("it is damaged: its checksum is wrong")
	}
	unzipped, err := zstd.NewReader(bytes.NewReader(text), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(partWindow))
	if err != nil {
		return err
	}
	defer unzipped.Close()
	r, layout := newRecordReader(unzipped), ""
	if r.text(&layout); layout != partLayout && r.err == nil {
		return errors.New("it is of another version")
	}
	p.encode(r)
	return r.end()
}

// readParts reads the parts of a file into the snapshot of k. Where one is of no use, that is an error, and what hangs
// on it is left out, so that it is read again.
func (s *State) readParts(k *kept) error {
	if len(k.Parts) == 0 {
		return nil
	}
	r := partsReader{state: s, stored: map[string]storedPart{}}
	for _, p := range k.Parts {
		r.stored[p.Place] = p
	}
	k.Snapshot = eachPart(k.Snapshot, r.read)
	if r.unread != nil {
		return errUnread{r.unread}
	}
	if len(r.lost) > 0 {
		k.Snapshot, k.Details = k.Snapshot.WithoutLines(), "" // lines are due at once
	}
	k.Snapshot = k.Snapshot.ShareKeys()
	k.stored = storedParts{}
	eachPart(k.Snapshot, func(p part) {
		if stored, ok := r.stored[p.place]; ok {
			k.stored[partKey{p.place, p.is}] = stored
			delete(r.stored, p.place)
		}
	})
	k.stored.addUnread(slices.Collect(maps.Values(r.stored)))
	return joinFailures(r.lost)
}

// addUnread adds parts of which is not known what they are: they are the file's until it is written anew.
func (s storedParts) addUnread(parts []storedPart) {
	for _, p := range parts {
		s[partKey{place: p.Place}] = p
	}
}

// partsReader reads the parts of a snapshot.
type partsReader struct {
	state  *State
	stored map[string]storedPart // by place
	lost   []error               // why parts are of no use
	unread error                 // why one cannot be read at the moment
}

func (r *partsReader) read(p part) {
	stored, ok := r.stored[p.place]
	if !ok || r.unread != nil {
		return
	}
	text, err := os.ReadFile(filepath.Join(r.state.dir, filepath.Base(stored.File)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.unread = err
		return
	}
	if err == nil {
		err = decodePart(text, stored.Sum, p)
	} else {
		err = errors.New("it is missing")
	}
	if err == nil {
		return
	}
	r.lost = append(r.lost, fmt.Errorf("its part %s: %w", stored.File, err))
	p.drop()
	if p.forget != nil {
		p.forget()
	}
}

// sweepParts removes the parts that no file refers to, neither one that was read, which names has, nor one that was set
// aside: what a process that was killed while it wrote has left. If a file could not be read, it removes none.
func (s *State) sweepParts(names []string) error {
	for _, name := range names {
		if unread, _ := s.unread.Load(filepath.Join(s.dir, name)); unread == true {
			return nil
		}
	}
	var isGivenUp atomic.Bool // then the files that are written by now may be among those that were found
	_, err := patiently(context.Background(), &patient{}, "state_dir", func() (struct{}, error) {
		left, err := fs.Glob(os.DirFS(s.dir), "*"+partSuffix)
		if err != nil || len(left) == 0 {
			return struct{}{}, err
		}
		if err := s.noteAside(); err != nil {
			return struct{}{}, err
		}
		used, unused := s.parts.used(), []storedPart(nil)
		for _, name := range left {
			if !used[name] {
				unused = append(unused, storedPart{File: name})
			}
		}
		if isGivenUp.Load() {
			return struct{}{}, nil
		}
		return struct{}{}, s.removeParts(unused)
	})
	isGivenUp.Store(true)
	return err
}

// noteAside notes which parts the files have that were set aside.
func (s *State) noteAside() error {
	names, err := fs.Glob(os.DirFS(s.dir), "*"+stateSuffix+".*"+asideSuffix)
	for _, name := range names {
		file := filepath.Join(s.dir, name)
		text, readErr := os.ReadFile(file)
		if err = errors.Join(err, readErr); readErr != nil {
			continue
		}
		k, _ := decodeState(text) // it is of no use anyway
		if k == nil {
			continue
		}
		parts := storedParts{}
		parts.addUnread(k.Parts)
		s.parts.replace(file, parts)
	}
	return err
}

// removeParts removes parts that nothing refers to.
func (s *State) removeParts(parts []storedPart) error {
	var errs []error
	for _, p := range parts {
		err := os.Remove(filepath.Join(s.dir, filepath.Base(p.File)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("state_dir: %w", err))
		}
	}
	return errors.Join(errs...)
}
