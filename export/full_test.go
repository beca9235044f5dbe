package export

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"ksyun_bill_exporter/billsim"

	"github.com/google/go-cmp/cmp"
)

// newLongAPI returns an API whose bills are too long to be held back, also where they are compressed.
func newLongAPI() *billsim.Server {
	return billsim.New([]billsim.Account{{
		AccessKeyID: "AKLTMAIN", SecretAccessKey: "s3cret-main", CustomerID: "73400575",
		Bills: billsim.Generated("73400575", 2500, 2000, 1),
	}})
}

// A device that is full ends an export with its error, whatever the format and the source.
func TestStandardOutputIsFull(t *testing.T) {
	for name, tt := range map[string]struct {
		options Options
		want    string
	}{
		"csv":     {Options{}, "main, 2026-10: output: write /dev/full: no space left on device"},
		"table":   {Options{Format: FormatTable}, "output: write /dev/full: no space left on device"},
		"focus":   {Options{Format: FormatFocusCSV}, "main, 2026-10: output: write /dev/full: no space left on device"},
		"parquet": {Options{Format: FormatParquet}, "main, 2026-10: output: write /dev/full: no space left on device"},
		"file":    {Options{Source: SourceFile, Input: "DIR/in"}, "output: write /dev/full: no space left on device"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon))
				full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer full.Close()
				dir := t.TempDir()
				write(t, filepath.Join(dir, "in"), fileHead)
				tt.options.Stdout = full
				got := runExport(t.Context(), t, newLongAPI(), dir, oneAccount, tt.options)
				if diff := cmp.Diff("error: export: "+tt.want+"\n", got.failure()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// smallFiles is an environment variable with which this test binary is run once more where no file may be large.
const smallFiles = "KSYUN_EXPORT_SMALL_FILES"

// A file that cannot become as large as it has to ends an export, and the one before it stays, with nothing beside it.
// The limit of a process for the size of its files stands for a disk that is full: it needs no privilege.
func TestFileIsFull(t *testing.T) {
	for _, format := range []string{FormatCSV, FormatFocusCSV, FormatParquet, FormatFocusParquet, lakeOnFullDisk} {
		t.Run(format, func(t *testing.T) {
			if dir := os.Getenv(smallFiles); dir != "" {
				exportToFullDisk(t, dir, format)
				return
			}
			dir := t.TempDir()
			write(t, filepath.Join(dir, "bill"), "that of September")
			command := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -f 32 && exec "$0" "$@"`, os.Args[0],
				"-test.run=^TestFileIsFull$/^"+format+"$")
			command.Env = append(os.Environ(), smallFiles+"="+dir)
			out, err := command.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			place := "DIR/"
			if format == lakeOnFullDisk {
				place = "DIR/lake/"
			}
			failure := "error: export: main, 2026-10: output: write " + place + "RANDOM: file too large\n"
			want := map[string]string{"bill": "that of September", "failure": failure}
			if diff := cmp.Diff(want, filesIn(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

// lakeOnFullDisk stands for no format, but for a lake.
const lakeOnFullDisk = "lake"

// exportToFullDisk leaves in dir why the export failed.
func exportToFullDisk(t *testing.T, dir, format string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		o := Options{Format: format, Output: "DIR/bill"}
		if format == lakeOnFullDisk {
			o = Options{Lake: filepath.Join(dir, "lake")}
		}
		got := runExport(t.Context(), t, newLongAPI(), dir, oneAccount, o)
		write(t, filepath.Join(dir, "failure"), got.failure())
	})
}
