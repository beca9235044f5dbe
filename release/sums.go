package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// sumsName is the name of the file with the checksums of the others.
const sumsName = "SHA256SUMS"

// writeSums writes the checksums of all files of a folder, as sha256sum does, and tells list of them.
func writeSums(folder string, list io.Writer) error {
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, f := range files {
		file, err := os.Open(filepath.Join(folder, f.Name()))
		if err != nil {
			return err
		}
		hash := sha256.New()
		size, err := io.Copy(hash, file)
		file.Close()
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", hash.Sum(nil), f.Name())
		fmt.Fprintf(list, "%6d kB  %s\n", size/1000, f.Name())
	}
	return os.WriteFile(filepath.Join(folder, sumsName), []byte(sums.String()), 0o644)
}
