package collector

import (
	"bytes"
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
	"time"

	"ksyun_bill_exporter/billclient"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
	"github.com/klauspost/compress/gzip"
)

// State is the directory in which accounts are kept over a restart, a file each. It is locked for this process. It is
// safe for concurrent use.
type State struct {
	dir  string
	lock *flock.Flock
}

const (
	lockFile    = "lock"
	stateSuffix = ".state"
	// stateFormat is the first line of a file, with the checksum of what follows and the fingerprint of the
	// configuration that its sums were made by. Its version is raised whenever old files would be misread.
	stateFormat = "ksyun_bill_exporter state 1 sha256=%x config=%s\n"
)

// OpenState takes the directory for this process, and makes it if it is not there.
func OpenState(dir string) (*State, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state_dir: %w", err)
	}
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("state_dir: %w", err)
	case !locked:
		return nil, fmt.Errorf("state_dir: %s is in use by another process; give each its own", dir)
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

// file returns the path of an account's file.
func (s *State) file(account string) string {
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
	Snapshot *snapshot
	Sources  map[string]progress
	Next     time.Time // of the regular refresh; zero while one is under way
	Owner    string    // fingerprint of the access key id with which the snapshot was read
	Key      string    // fingerprint of the key with which the last attempt was made
	Details  string    // fingerprint of what lines are added up by
	OneByOne time.Time // until when the months are asked one by one
}

// progress is how asking a source has gone, as it outlives a restart. Counters begin anew.
type progress struct {
	Up                       bool
	LastAttempt, LastSuccess time.Time
	Duration                 int64 // of the last attempt, in nanoseconds
	Lines                    int
	Data                     time.Time
	Failed                   int
	Reason                   billclient.Reason
	Foreign                  bool
	Error                    string // of the last failure, without secrets
	Retry, NotBefore         time.Time
}

// save writes an account's file: whole or not at all, and to the disk before it takes the old one's place.
func (s *State) save(k *kept, config string) error {
	if s == nil {
		return nil
	}
	body, err := encodeState(k)
	if err != nil {
		return fmt.Errorf("state of account %s: %w", k.Account, err)
	}
	head := fmt.Appendf(nil, stateFormat, sha256.Sum256(body), config)
	file := s.file(k.Account)
	// The mode is not the umask's to decide.
	err = renameio.WriteFile(file, append(head, body...), 0o600, renameio.WithStaticPermissions(0o600),
		renameio.WithTempDir(s.dir))
	if err != nil {
		return fmt.Errorf("state of account %s: %w", k.Account, err)
	}
	return nil
}

// load reads an account's file, nil if there is none. A file that is of no use is set aside, so that the next one does
// not overwrite what somebody may want to look at; the error says why.
func (s *State) load(account, config string) (*kept, error) {
	if s == nil {
		return nil, nil
	}
	file := s.file(account)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var k *kept
	if err == nil {
		k, err = decodeState(text, config)
	}
	if err == nil && k.Account != account {
		err = fmt.Errorf("it is of account %s", k.Account)
	}
	if err == nil {
		return k, nil
	}
	return nil, s.aside(account, err)
}

// aside sets an account's file aside, and returns the reason with where it is.
func (s *State) aside(account string, reason error) error {
	if s == nil {
		return reason
	}
	file := s.file(account)
	aside := file + ".aside"
	err := os.Rename(file, aside)
	if errors.Is(err, fs.ErrNotExist) { // nothing was kept yet
		return reason
	}
	if err != nil {
		return fmt.Errorf("state: %s is of no use: %w; it cannot be set aside: %w", file, reason, err)
	}
	return fmt.Errorf("state: %s is of no use and was set aside as %s: %w", file, aside, reason)
}

// errOtherConfig is why numbers are not taken over that mean something else by now.
var errOtherConfig = errors.New("it was made by another configuration (api or months.running)")

// jsonOptions keep a list that is not there apart from an empty one.
var jsonOptions = jsonv2.JoinOptions(jsonv2.FormatNilSliceAsNull(true), jsonv2.FormatNilMapAsNull(true))

func encodeState(k *kept) ([]byte, error) {
	var body bytes.Buffer
	// Names repeat in every line; the fastest level finds them.
	zipped, err := gzip.NewWriterLevel(&body, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if err := jsonv2.MarshalWrite(zipped, k, jsonOptions); err != nil {
		return nil, err
	}
	if err := zipped.Close(); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

func decodeState(text []byte, config string) (*kept, error) {
	head, body, ok := bytes.Cut(text, []byte("\n"))
	var sum []byte
	var made string
	if _, err := fmt.Sscanf(string(head)+"\n", stateFormat, &sum, &made); !ok || err != nil {
		return nil, errors.New("it is no state of this version")
	}
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return nil, errors.New("it is damaged: its checksum is wrong")
	}
	if made != config {
		return nil, errOtherConfig
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	k := &kept{}
	if err := jsonv2.UnmarshalRead(io.Reader(unzipped), k, jsonOptions); err != nil {
		return nil, err
	}
	if k.Snapshot == nil {
		return nil, errors.New("it has no numbers")
	}
	if !k.Snapshot.sound() {
		return nil, errors.New("it has numbers that belong to nothing: another build wrote it")
	}
	return k, nil
}

// fingerprint tells texts apart without saying what they are.
func fingerprint(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// fingerprint returns that of everything in the configuration that an account's sums are made by: with any of it
// changed, kept numbers would mean something else. Whose they may be is looked at whenever they are shown.
func (a *account) fingerprint() string {
	return fingerprint(fmt.Sprintf("%q %q %q %v", a.API.Endpoint, a.API.UnionEndpoint, a.API.Region,
		a.options.Months.Running))
}

// details returns the fingerprint of what only the sums of lines are made by.
func (a *account) details() string {
	return fingerprint(fmt.Sprintf("%v %v %v", a.options.Instances, a.options.Days > 0, instanceFacts))
}

// keep returns what of the account outlives a restart.
func (a *account) keep() *kept {
	k := &kept{
		Account: a.Name, Snapshot: a.snapshot, Sources: map[string]progress{}, Next: a.next, Owner: a.owner, Key: a.key,
		Details: a.details(), OneByOne: a.oneByOne,
	}
	if a.underway {
		k.Next = time.Time{}
	}
	for _, s := range a.sources() {
		if s.tried() {
			k.Sources[s.name] = s.progress()
		}
	}
	return k
}

// resume takes over what is left from before a restart. Lines that are to be added up in another way are read at once.
func (a *account) resume(k *kept) {
	a.snapshot, a.next, a.owner, a.key, a.oneByOne = k.Snapshot, k.Next, k.Owner, k.Key, k.OneByOne
	for _, s := range a.sources() {
		if p, ok := k.Sources[s.name]; ok {
			s.resume(p)
		}
	}
	if k.Details != a.details() || !k.Snapshot.fits(a.options.Instances) {
		a.snapshot, a.next = a.snapshot.withoutLines(), time.Time{}
		a.measure(&a.detailConsume)
		a.measure(&a.detailBill)
	}
	a.reveal()
}
