// Package output has what the commands need that write files and text: a file that appears whole or not at all, and
// names that are safe to show on a terminal.
package output

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// bufferSize is how much is held back, so that a short text that breaks off leaves nothing on standard output.
const bufferSize = 64 << 10

// Target is where a command writes to: a file that appears whole or not at all, or standard output. It buffers, and
// it is not safe for concurrent use.
type Target struct {
	*bufio.Writer
	sink *countingWriter
	name string
	file *pendingFile // nil: standard output
	kept int64        // bytes that Rewind leaves
}

// Open returns a Target for the file of that name, or for stdout if the name is empty. The caller has to call Discard
// when it is done. It fails where no file can appear under that name: in a folder that does not exist, or in place of
// a folder or a device.
func Open(name string, stdout io.Writer) (*Target, error) {
	t := &Target{sink: &countingWriter{Writer: stdout}}
	if name != "" {
		place, err := resolvePlace(name)
		if err != nil {
			return nil, err
		}
		// The temporary file is in the same folder because a rename cannot cross file systems.
		file, err := openPending(place)
		if err != nil {
			return nil, err
		}
		t.name, t.file, t.sink.Writer = place, file, file
	}
	t.Writer = bufio.NewWriterSize(t.sink, bufferSize)
	return t, nil
}

// OpenPrivate returns a Target for a temporary file, in a folder, that nobody else may read. Its name begins with a dot
// and the one given. The caller has to call Discard when it is done.
func OpenPrivate(folder, name string) (*Target, error) {
	file, err := openPrivate(filepath.Join(folder, name))
	if err != nil {
		return nil, err
	}
	t := &Target{sink: &countingWriter{Writer: file}, file: file}
	t.Writer = bufio.NewWriterSize(t.sink, bufferSize)
	return t, nil
}

// resolvePlace returns the name of the file itself, where name is a symbolic link to it. It fails if something else
// than a regular file has the name: a rename would replace it.
func resolvePlace(name string) (string, error) {
	info, err := os.Lstat(name)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if name, err = filepath.EvalSymlinks(name); err == nil {
			info, err = os.Stat(name)
		}
		if err != nil {
			return "", err
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return name, nil
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a file", name)
	}
	return name, nil
}

// Name returns the name of the file with symbolic links resolved, and nothing for standard output.
func (t *Target) Name() string { return t.name }

// Bytes returns how many bytes are in the file, or on standard output, already.
func (t *Target) Bytes() int64 { return t.sink.bytes }

// SentBytes returns how many of the bytes that Rewind is to take back are on standard output already, where it cannot.
// It is always 0 for a file.
func (t *Target) SentBytes() int64 {
	if t.file != nil {
		return 0
	}
	return t.sink.bytes - t.kept
}

// Keep has Rewind leave what was written until now.
func (t *Target) Keep() error {
	if err := t.Flush(); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	t.kept = t.sink.bytes
	return nil
}

// Rewind takes back all that was written since Keep, or at all, except for SentBytes.
func (t *Target) Rewind() error {
	t.sink.bytes = t.kept
	t.Reset(t.sink)
	if t.file == nil {
		return nil
	}
	_, err := t.file.Seek(t.kept, io.SeekStart)
	if err = cmp.Or(err, t.file.Truncate(t.kept)); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

// Commit puts what was written in its place. With a suffix, the file gets its name with that suffix, and a file without
// the suffix stays as it is. On standard output the suffix means nothing.
func (t *Target) Commit(suffix string) error {
	if suffix != "" && t.file != nil {
		return t.CommitAs(t.name + suffix)
	}
	err := t.Flush()
	if err == nil && t.file != nil {
		err = t.file.CloseAtomicallyReplace()
	}
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

// CommitAs puts what was written under another name than that of the file, in the same file system.
func (t *Target) CommitAs(name string) error {
	// Windows renames no file that is open.
	err := cmp.Or(t.Flush(), t.file.Sync(), t.file.Close())
	if err == nil {
		err = os.Rename(t.file.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

// Content returns what was written to the file so far, which has Bytes bytes.
func (t *Target) Content() (io.ReaderAt, error) {
	if err := t.Flush(); err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	return t.file, nil
}

// Discard removes the temporary file if it was not committed.
func (t *Target) Discard() {
	if t.file != nil {
		_ = t.file.Cleanup() // a temporary file that stays does not have the name of the output
	}
}

// countingWriter counts the bytes that it passes on.
type countingWriter struct {
	io.Writer
	bytes int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.bytes += int64(n)
	return n, err
}
