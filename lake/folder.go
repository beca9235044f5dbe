package lake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ksyun_bill_exporter/output"
)

// folder is a lake on this machine, or on one whose file system is mounted here.
type folder string

// stagedName is what the names of staged files begin with, after a dot: engines pass over them.
const stagedName = "staged"

// oldStaged is after which time a staged file is taken for that of a program that was killed.
const oldStaged = 24 * time.Hour

func (d folder) probe(context.Context) error {
	f, err := d.stage()
	if err != nil {
		return err
	}
	f.Discard()
	return removeOld(string(d), stagedName, time.Now())
}

// removeOld removes the staged files with such names that programs left which were killed.
func removeOld(dir, name string, now time.Time) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !strings.HasPrefix(e.Name(), "."+name) {
			continue
		}
		if now.Sub(info.ModTime()) > oldStaged {
			_ = os.Remove(filepath.Join(dir, e.Name())) // another program may have done so
		}
	}
	return nil
}

// stage opens the file in the root of the lake, because a rename cannot cross file systems.
func (d folder) stage() (*output.Target, error) {
	if err := os.MkdirAll(string(d), 0o777); err != nil { // the umask decides, as for the files
		return nil, err
	}
	return output.Open(filepath.Join(string(d), stagedName), nil)
}

func (d folder) path(key string) string { return filepath.Join(string(d), filepath.FromSlash(key)) }

func (d folder) place(_ context.Context, f *output.Target, key string) error {
	name := d.path(key)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return f.CommitAs(name)
}

func (d folder) write(ctx context.Context, key string, text []byte) error {
	f, err := d.stage()
	if err != nil {
		return err
	}
	defer f.Discard()
	_, _ = f.Write(text) // place returns its error
	return d.place(ctx, f, key)
}

func (d folder) open(_ context.Context, key string) (*Reader, error) {
	f, err := os.Open(d.path(key))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", f.Name())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Reader{ReaderAt: f, Size: info.Size(), Closer: f}, nil
}

func (d folder) remove(_ context.Context, key string) error {
	if err := os.Remove(d.path(key)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
