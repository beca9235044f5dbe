package collector

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/ledger"
	"ksyun_bill_exporter/metrics"
	"ksyun_bill_exporter/output"

	jsonv2 "github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"github.com/gofrs/flock"
	"github.com/klauspost/compress/gzip"
)

// State is the directory in which accounts are kept over a restart, a file each, beside which large parts have files of
// their own. It is locked for this process. It is safe for concurrent use.
type State struct {
	dir    string
	lock   *flock.Flock
	parts  partFiles
	unread sync.Map // by a file's path, whether it could not be read
	// isUnread says that it is not even known which files there are: none that was not read yet may be overwritten.
	isUnread atomic.Bool
}

const (
	lockFile    = "lock"
	stateSuffix = ".state"
	asideSuffix = ".aside"
	// stateFormat is the first line of a file, with the checksum of what follows and the fingerprint of the
	// configuration that its sums were made by. Its version is raised whenever old files would be misread.
	stateFormat = "ksyun_bill_exporter state %d sha256=%x config=%s\n"
	// The version of a file that has all numbers itself, and of one that has parts in other files. An older build can
	// read the first.
	wholeVersion, partsVersion = 2, 3
)

// ErrInUse is the error of OpenState while another process has the directory.
var ErrInUse = errors.New("is in use by another process")

// OpenState takes the directory for this process, and makes it if it is not there. Where the directory hangs, the error
// is ErrSlow.
func OpenState(dir string) (*State, error) {
	return patiently(context.Background(), &patient{}, "state_dir: "+dir, func() (*State, error) { return openState(dir) })
}

func openState(dir string) (*State, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state_dir: %w", err)
	}
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("state_dir: %w", err)
	case !locked:
		return nil, fmt.Errorf("state_dir: %s %w; give each its own, or let one wait with --state.standby",
			dir, ErrInUse)
	}
	s := &State{dir: dir, lock: lock}
	if err := s.sweep(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// sweep removes what a process that was killed while it wrote has left.
func (s *State) sweep() error {
	unfinished, err := fs.Glob(os.DirFS(s.dir), ".*"+stateSuffix+"*") // of calls, another process may have one
	for _, file := range unfinished {
		err = errors.Join(err, os.Remove(filepath.Join(s.dir, file)))
	}
	if err != nil {
		return fmt.Errorf("state_dir: %w", err)
	}
	return nil
}

// Close lets another process have the directory.
func (s *State) Close() error {
	if s == nil {
		return nil
	}
	return s.lock.Unlock()
}

// file returns the path of an account's file, empty if there is none.
func (s *State) file(account string) string {
	if s == nil {
		return ""
	}
	return filepath.Join(s.dir, fileName(account)+stateSuffix)
}

// fileName returns an account's name as a file can have it: an account can have any.
func fileName(account string) string {
	name := url.PathEscape(account)
	if strings.HasPrefix(name, ".") || len(name) > 200 { // a dot is what unfinished files begin with
		return fingerprint(account)
	}
	return name
}

// path returns the directory, empty if there is none.
func (s *State) path() string {
	if s == nil {
		return ""
	}
	return s.dir
}

// kept is what is known of an account, as it outlives a restart. It has no key.
type kept struct {
	Account  string
	Snapshot *ledger.Snapshot
	Sources  map[string]metrics.Progress // counters begin anew
	Owner    string                      // fingerprint of the access key id with which the snapshot was read
	Key      string                      // fingerprint of the key with which the last attempt was made
	Details  string                      // fingerprint of what lines are added up by
	Keys     string                      // fingerprint of where the account reads its key
	Origins  map[string]string           // by service, the fingerprint of where its numbers come from
	UnionOf  string                      // that of bill-union, in files from before there were Origins
	OneByOne time.Time                   // until when the months are asked one by one
	Marks    map[string]time.Time        // when what happened
	Parts    []storedPart                `json:",omitempty"` // of the snapshot, which are in other files

	// The next tick of each loop; zero while one is under way.
	Next, NextUnion, NextLines, NextInstances time.Time

	config   string          // fingerprint of the configuration that the numbers were made by
	file     string          // where it was read from; empty: it was not
	fromDisk map[string]bool // the sources whose numbers are from before a restart; nil: all
	apart    bool            // they are of a key that the account had before another one
	stored   storedParts     // what of Parts was read
}

// save writes an account's file: whole or not at all, and to the disk before it takes the old one's place. Parts that
// have files of their own are on disk before it, and those that it no longer has are removed after. Only what has
// changed is written.
func (s *State) save(k *kept) error {
	if s == nil {
		return nil
	}
	if err := s.saveFile(s.file(k.Account), *k); err != nil {
		return fmt.Errorf("state of account %s: %w", k.Account, err)
	}
	return nil
}

func (s *State) saveFile(file string, k kept) error {
	defer s.parts.lock(file)()
	next, err := s.writeParts(file, &k)
	if err == nil {
		var text []byte
		if text, err = encodeState(&k); err == nil {
			err = output.WriteFile(file, text)
		}
	}
	if err != nil {
		return errors.Join(err, s.removeParts(next.without(s.parts.used())))
	}
	return s.removeParts(s.parts.replace(file, next))
}

// load reads the files of all accounts. A file that is of no use is set aside, so that the next one does not overwrite
// what somebody may want to look at; one that cannot be read at the moment stays where it is, and is not overwritten.
// The errors say why.
func (s *State) load() (all []*kept, errs []error) {
	if s == nil {
		return nil, nil
	}
	names, err := patiently(context.Background(), &patient{}, "state_dir", func() ([]string, error) {
		return fs.Glob(os.DirFS(s.dir), "[^.]*"+stateSuffix)
	})
	if err != nil {
		s.isUnread.Store(true)
		return nil, []error{fmt.Errorf("state_dir: %w", err)}
	}
	read, failures := make([]*kept, len(names)), make([]error, len(names))
	var reads sync.WaitGroup
	for i, name := range names {
		reads.Go(func() { read[i], failures[i] = s.loadFile(filepath.Join(s.dir, name)) })
	}
	reads.Wait()
	for i, err := range failures {
		if err != nil {
			errs = append(errs, err)
		}
		if read[i] != nil {
			all = append(all, read[i])
		}
	}
	if err := s.sweepParts(names); err != nil {
		errs = append(errs, err)
	}
	return all, errs
}

// loadFile reads a file with its parts, or gives up if that takes too long: others are read all the same. Where only
// parts are of no use, there are both numbers and an error.
func (s *State) loadFile(file string) (*kept, error) {
	type read struct {
		k   *kept
		err error
	}
	// The file is not to be overwritten if it takes too long, whatever comes of it then.
	s.unread.Store(file, true)
	r, err := patiently(context.Background(), &patient{}, file, func() (read, error) {
		k, err := s.readFile(file)
		return read{k, err}, nil
	})
	if err == nil {
		err = r.err
	}
	return s.useFile(file, r.k, err)
}

// errUnread is why a file stays as it is.
type errUnread struct{ error }

func (e errUnread) Unwrap() error { return e.error }

// readFile reads a file with its parts.
func (s *State) readFile(file string) (*kept, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, errUnread{err}
	}
	k, err := decodeState(text)
	if err != nil {
		return nil, err
	}
	lost := s.readParts(k)
	if err := k.check(); err != nil {
		return nil, err
	}
	return k, lost
}

// useFile returns what was read of a file with the given result.
func (s *State) useFile(file string, k *kept, err error) (*kept, error) {
	isUnread := errors.As(err, new(errUnread)) || errors.Is(err, ErrSlow)
	s.unread.Store(file, isUnread)
	if isUnread {
		return nil, fmt.Errorf("state: %w; it stays as it is until it can be read", err)
	}
	if k == nil {
		return nil, s.setAside(file, err)
	}
	k.file, k.apart = file, file != s.file(k.Account)
	s.parts.replace(file, k.stored)
	if err != nil {
		err = fmt.Errorf("state: %s: %w; what hangs on it is read again", file, err)
	}
	return k, err
}

// readAgain reads the file of an account that could not be read before; k is nil if there is no such file.
func (s *State) readAgain(account string) (k *kept, err error) {
	if s == nil {
		return nil, nil
	}
	file := s.file(account)
	unread, ok := s.unread.Load(file)
	if ok && unread != true || !ok && !s.isUnread.Load() {
		return nil, nil
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		s.unread.Store(file, false)
		return nil, nil
	}
	k, err = s.readFile(file)
	return s.useFile(file, k, err)
}

// mostAside is how many of an account's files are set aside at most.
const mostAside = 3

// setAside renames a file that is of no use, and returns the reason with its new name. The newest three are kept.
func (s *State) setAside(file string, reason error) error {
	if s == nil || file == "" {
		return reason
	}
	aside := fmt.Sprintf("%s.%s"+asideSuffix, file, now().UTC().Format("20060102T150405.000"))
	err := os.Rename(file, aside)
	if errors.Is(err, fs.ErrNotExist) { // nothing was kept yet
		return reason
	}
	if err != nil {
		return fmt.Errorf("state: %s is of no use: %w; it cannot be set aside: %w", file, reason, err)
	}
	s.parts.rename(file, aside)
	olds, _ := filepath.Glob(escapeGlob(file) + ".*" + asideSuffix) // the pattern is good
	for len(olds) > mostAside {
		_ = s.remove(olds[0]) // the next time is another chance
		olds = olds[1:]
	}
	return fmt.Errorf("state: %s is of no use and was set aside as %s: %w", file, aside, reason)
}

// escapeGlob returns a pattern that matches a path as it is.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// setApart renames an account's file when its key becomes another one, so that the numbers of the new key do not
// overwrite those of the former one. It returns the new name.
func (s *State) setApart(account, keyID string) (file string, err error) {
	if s == nil {
		return "", nil
	}
	file = filepath.Join(s.dir, fileName(account)+"~"+keyID+stateSuffix)
	err = os.Rename(s.file(account), file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("state of account %s: %w", account, err)
	}
	s.parts.rename(s.file(account), file)
	return file, nil
}

// remove removes a file whose numbers are kept in another one by now, with the parts that no other file has.
func (s *State) remove(file string) error {
	if s == nil || file == "" {
		return nil
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("state_dir: %w", err)
	}
	return s.removeParts(s.parts.replace(file, nil))
}

// errOtherConfig is why numbers are not taken over that mean something else by now.
var errOtherConfig = errors.New("it was made by another configuration (api.endpoint or api.region)")

// jsonOptions keep a list that is not there apart from an empty one.
var jsonOptions = jsonv2.JoinOptions(
	jsonv2.FormatNilSliceAsNull(true), jsonv2.FormatNilMapAsNull(true), jsonv1.FormatDurationAsNano(true))

// stateWriters has writers that can be used again: each has tables of a megabyte, and hundreds of accounts are saved
// often.
var stateWriters = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level exists
	}
	return w
}}

// encodeState returns the text of an account's file.
func encodeState(k *kept) ([]byte, error) {
	version := wholeVersion
	if len(k.Parts) > 0 {
		version = partsVersion
	}
	var text bytes.Buffer
	head := func(body []byte) []byte { return fmt.Appendf(nil, stateFormat, version, sha256.Sum256(body), k.config) }
	start := len(head(nil))
	text.Write(make([]byte, start)) // for the checksum of what follows
	// Names repeat in every line; the fastest level finds them.
	zipped := stateWriters.Get().(*gzip.Writer)
	defer stateWriters.Put(zipped)
	zipped.Reset(&text)
	if err := jsonv2.MarshalWrite(zipped, k, jsonOptions); err != nil {
		return nil, err
	}
	if err := zipped.Close(); err != nil {
		return nil, err
	}
	copy(text.Bytes(), head(text.Bytes()[start:]))
	return text.Bytes(), nil
}

// decodeState reads the text of an account's file. Its parts are still to be read.
func decodeState(text []byte) (*kept, error) {
	head, body, ok := bytes.Cut(text, []byte("\n"))
	k, version := &kept{}, 0
	var sum []byte
	_, err := fmt.Sscanf(string(head)+"\n", stateFormat, &version, &sum, &k.config)
	if !ok || err != nil || version != wholeVersion && version != partsVersion {
		return nil, errors.New("it is no state of this version")
	}
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return nil, errors.New("it is damaged: its checksum is wrong")
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if err := jsonv2.UnmarshalRead(io.Reader(unzipped), k, jsonOptions); err != nil {
		return nil, err
	}
	if k.Origins == nil {
		k.Origins = map[string]string{unionService.name: k.UnionOf}
	}
	if k.Snapshot == nil {
		return nil, errors.New("it has no numbers")
	}
	if err := k.check(); err != nil {
		return nil, err
	}
	return k, nil
}

// check fails if the numbers do not belong together.
func (k *kept) check() error {
	if !k.Snapshot.Valid(metrics.LedgerViews()) {
		return errors.New("it has numbers that belong to nothing: another build wrote it")
	}
	return nil
}

// fingerprint returns a text that tells texts apart without revealing them.
func fingerprint(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// fingerprintOf returns the fingerprint of a whole key, which changes with its secret and its token.
func fingerprintOf(key billclient.Credentials) string {
	if key.SecurityToken != "" {
		return fingerprint(key.AccessKeyID, key.SecretAccessKey, key.SecurityToken)
	}
	return fingerprint(key.AccessKeyID, key.SecretAccessKey)
}

// configFingerprint returns the fingerprint of where all numbers come from: with any of it changed, kept numbers would
// mean something else. Whose they may be is checked whenever they are shown.
func configFingerprint(a Account) string {
	return fingerprint(fmt.Sprintf("%q %q", a.API.Endpoint, a.API.Region))
}

// lineFingerprint returns the fingerprint of what only the sums of lines are made by.
func lineFingerprint(o Options) string {
	return fingerprint(fmt.Sprintf("%v %v %v", o.Instances, o.Days > 0, ledger.InstanceFacts()))
}
