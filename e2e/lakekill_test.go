//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/lake"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

// readLake returns the rows of each file of a lake, which has to be whole: as many rows as it says of itself, that can
// all be read. It returns how many files were left by programs that did not come to their end.
func readLake(t *testing.T, dir string) (rows map[string]string, left int) {
	t.Helper()
	rows = map[string]string{}
	err := filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		switch {
		case err != nil || e.IsDir() || e.Name() == lake.ManifestName:
			return err
		case e.Name() == lake.FileName:
			rows[strings.TrimPrefix(file, dir)], err = readLakeFile(file)
			return err
		case !strings.HasPrefix(e.Name(), "."):
			return fmt.Errorf("%s does not belong there", file)
		default:
			left++
			return nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, left
}

// readLakeFile returns all rows as text.
func readLakeFile(file string) (text string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	table, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	about, _ := table.Lookup("ksyun_bill_exporter.manifest")
	var m lake.Manifest
	if err := json.Unmarshal([]byte(about), &m); err != nil {
		return "", fmt.Errorf("%s: manifest: %w", file, err)
	}
	lines := 0
	for _, part := range m.Parts {
		for _, sum := range part.PayModes {
			lines += sum.Lines
		}
	}
	var b strings.Builder
	reader := parquet.NewReader(table)
	defer reader.Close()
	buffer := make([]parquet.Row, 100)
	for {
		n, err := reader.ReadRows(buffer)
		for _, row := range buffer[:n] {
			fmt.Fprintf(&b, "%v\n", row)
			lines--
		}
		if errors.Is(err, io.EOF) && lines == 0 {
			return b.String(), nil
		}
		if err != nil {
			return "", fmt.Errorf("%s: %d rows are missing: %w", file, lines, err)
		}
	}
}

// Whenever the program is killed, each month of the lake is there as it was, or as it was to be, and the next run ends
// as if nothing had happened.
func TestKilledExportLeavesLakeWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lake")
	export := func() *exec.Cmd {
		return plainProgram(t, "--demo", "export", "--account=all", "--lake="+dir,
			"--from="+billclient.MonthOf(time.Now()).Add(-2).String())
	}
	run := func() {
		t.Helper()
		if out, err := export().CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	begun := time.Now()
	run()
	took := time.Since(begun)
	want, _ := readLake(t, dir)
	files := slices.Sorted(maps.Keys(want))
	if len(files) != 4 {
		t.Fatalf("the lake has %q", files)
	}
	const kills = 8
	for n := range kills {
		gone := files[n%len(files)]
		if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
			t.Fatal(err)
		}
		victim := export()
		if err := victim.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(took * time.Duration(n+1) / (kills + 1))
		if err := victim.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = victim.Wait() // that it was killed
		got, left := readLake(t, dir)
		for _, file := range files[:min(n+1, len(files))] { // those that were removed may be back
			if got[file] == "" {
				got[file] = want[file]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || left > n+1 {
			t.Errorf("killed the %d. time, %d files left (-want +got):\n%.2000s", n+1, left, diff)
		}
	}
	run()
	got, _ := readLake(t, dir)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("in the end (-want +got):\n%.2000s", diff)
	}
}
