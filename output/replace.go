//go:build !windows

package output

import (
	"path/filepath"

	"github.com/google/renameio/v2"
)

// pendingFile is a file without its name yet.
type pendingFile = renameio.PendingFile

// openPending opens a file that will have that name. Its permissions are those of the file that it replaces, or those
// that the umask leaves.
func openPending(place string) (*pendingFile, error) {
	return renameio.NewPendingFile(place, renameio.WithTempDir(filepath.Dir(place)),
		renameio.WithPermissions(0o666), renameio.WithExistingPermissions())
}

// openPrivate is openPending for a file that nobody else may read.
func openPrivate(place string) (*pendingFile, error) {
	return renameio.NewPendingFile(place, renameio.WithTempDir(filepath.Dir(place)), renameio.WithStaticPermissions(0o600))
}

// WriteFile writes a file that nobody else may read: whole or not at all, and to the disk before it takes the old one's
// place. The mode is not the umask's to decide.
func WriteFile(place string, text []byte) error {
	return renameio.WriteFile(place, text, 0o600, renameio.WithStaticPermissions(0o600),
		renameio.WithTempDir(filepath.Dir(place)))
}
