// Package lake puts the bills of customers and months into a folder or an S3 bucket, where engines that read Parquet
// find them: a file each, in the layout of Hive, whole or not at all.
package lake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/output"
)

// Names of what is in the folder of a partition. Engines pass over names that begin with an underscore, and those with
// another suffix than .parquet.
const (
	// FileName is the name of the file. It is always the same, so that a new file takes the place of the old one in one
	// step: whoever lists the folder finds one of them, never both.
	FileName = "part-0.parquet"
	// ManifestName is the name of the text that says what the file has.
	ManifestName = "_manifest.json"
	// UnreconciledName is the name of a file whose lines do not come to the summary of the month.
	UnreconciledName = FileName + ".unreconciled"
)

// Partition names the bill of a customer in a month.
type Partition struct {
	Customer billclient.CustomerID
	Month    billclient.Month
}

// String returns the folder of the partition: its two columns and their values, as Hive has them.
func (p Partition) String() string {
	return "billing_account_id=" + url.PathEscape(string(p.Customer)) + "/billing_period=" + p.Month.String()
}

// Manifest says what the file of a partition has. It stands beside the file, and in it, there without the fields of the
// bytes: it is written after the file, so that a program that ends between the two leaves the older one.
type Manifest struct {
	File         string                `json:"file"`
	Bytes        int64                 `json:"bytes,omitempty"`
	SHA256       string                `json:"sha256,omitempty"`
	Customer     billclient.CustomerID `json:"billing_account_id"`
	Month        string                `json:"billing_period"`
	Account      string                `json:"account"`
	FocusVersion string                `json:"focus_version"`
	Program      string                `json:"program"`
	WrittenAt    time.Time             `json:"written_at"`
	Parts        []Part                `json:"parts"` // in the order of the file
}

// Part is what one read of lines brought.
type Part struct {
	Name      string    `json:"name"`
	Basis     string    `json:"basis"` // bill or estimate
	ReadAt    time.Time `json:"read_at"`
	Through   string    `json:"through,omitempty"` // last day, where days were read
	RowGroups int       `json:"row_groups"`
	PayModes  []Sum     `json:"pay_modes"`
}

// Sum is what the lines of a pay mode come to, in CNY.
type Sum struct {
	PayMode  string            `json:"pay_mode"`
	Lines    int               `json:"lines"`
	Cost     billclient.Amount `json:"cost_cny"`
	ListCost billclient.Amount `json:"list_cost_cny"`
}

// store is where files are kept.
type store interface {
	// probe returns an error if the place cannot be used.
	probe(ctx context.Context) error
	// stage opens a file that has no place yet.
	stage() (*output.Target, error)
	// place puts a staged file under a key, in one step.
	place(ctx context.Context, f *output.Target, key string) error
	// write puts a short text under a key, in one step.
	write(ctx context.Context, key string, text []byte) error
	// open opens what is under a key. The error is fs.ErrNotExist if there is nothing.
	open(ctx context.Context, key string) (*Reader, error)
	// remove removes what is under a key, if there is something.
	remove(ctx context.Context, key string) error
}

// Reader reads a file of a lake. The caller has to close it.
type Reader struct {
	io.ReaderAt
	Size int64
	io.Closer
}

// Lake is a folder or a bucket with bills. It is safe for concurrent use; of two that write the same partition, the
// last one counts.
type Lake struct{ store store }

// New returns the lake in a folder or at the URL of a bucket. It does not look at it yet.
func New(place string) (*Lake, error) {
	if !IsBucket(place) {
		return &Lake{folder(place)}, nil
	}
	b, err := newBucket(place)
	if err != nil {
		return nil, err
	}
	return &Lake{b}, nil
}

// Open returns an error if nothing can be written into the lake. A folder that is not there is made.
func (l *Lake) Open(ctx context.Context) error {
	if err := l.store.probe(ctx); err != nil {
		return fmt.Errorf("lake: %w", err)
	}
	return nil
}

// Stage opens a file that is not in the lake yet. The caller has to call Discard when it is done.
func (l *Lake) Stage() (*output.Target, error) {
	f, err := l.store.stage()
	if err != nil {
		return nil, fmt.Errorf("lake: %w", err)
	}
	return f, nil
}

// Publish puts a staged file in the place of the partition's, and completes the manifest with what its bytes are.
func (l *Lake) Publish(ctx context.Context, p Partition, f *output.Target, m Manifest) error {
	var err error
	if m.Bytes, m.SHA256, err = digest(f); err != nil {
		return fmt.Errorf("lake: %w", err)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		err = l.store.place(ctx, f, p.String()+"/"+FileName)
	}
	if err == nil {
		err = cmp.Or(l.store.write(ctx, p.String()+"/"+ManifestName, append(text, '\n')),
			l.store.remove(ctx, p.String()+"/"+UnreconciledName))
	}
	if err != nil {
		return fmt.Errorf("lake: %w", err)
	}
	return nil
}

// SetAside puts a staged file whose lines do not come to their summary beside the partition's, which stays.
func (l *Lake) SetAside(ctx context.Context, p Partition, f *output.Target) error {
	if err := l.store.place(ctx, f, p.String()+"/"+UnreconciledName); err != nil {
		return fmt.Errorf("lake: %w", err)
	}
	return nil
}

// Read opens the file of a partition. The error is fs.ErrNotExist if there is none.
func (l *Lake) Read(ctx context.Context, p Partition) (*Reader, error) {
	r, err := l.store.open(ctx, p.String()+"/"+FileName)
	if err != nil {
		return nil, fmt.Errorf("lake: %w", err)
	}
	return r, nil
}

// digest returns how many bytes a file has, and their hash.
func digest(f *output.Target) (size int64, hash string, err error) {
	h := sha256.New()
	r, err := f.Content()
	if err == nil {
		size, err = io.Copy(h, io.NewSectionReader(r, 0, f.Bytes()))
	}
	return size, hex.EncodeToString(h.Sum(nil)), err
}
