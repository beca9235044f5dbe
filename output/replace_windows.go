package output

import (
	"cmp"
	"os"
	"path/filepath"
)

// pendingFile is a file without its name yet. renameio, which other systems have, leaves Windows out, because a rename
// there need not be atomic: after a loss of power there may be the old file, the new one or none, but no half one.
type pendingFile struct {
	*os.File
	place string
	done  bool
}

// openPending opens a file that will have that name.
func openPending(place string) (*pendingFile, error) {
	file, err := os.CreateTemp(filepath.Dir(place), "."+filepath.Base(place)+"*")
	return &pendingFile{File: file, place: place}, err
}

// openPrivate is openPending: who may read the file is for the folder's access list to say.
func openPrivate(place string) (*pendingFile, error) { return openPending(place) }

// CloseAtomicallyReplace gives the file its name.
func (f *pendingFile) CloseAtomicallyReplace() error {
	err := cmp.Or(f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), f.place)
	}
	f.done = err == nil
	return err
}

// Cleanup removes the file if it did not get its name.
func (f *pendingFile) Cleanup() error {
	if f.done {
		return nil
	}
	_ = f.Close() // it may be closed
	return os.Remove(f.Name())
}

// WriteFile writes a file: whole or not at all, and to the disk before it takes the old one's place. Who may read it is
// for the folder's access list to say.
func WriteFile(place string, text []byte) error {
	f, err := openPending(place)
	if err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		return cmp.Or(err, f.Cleanup())
	}
	return cmp.Or(f.CloseAtomicallyReplace(), f.Cleanup())
}
