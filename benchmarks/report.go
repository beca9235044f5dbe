package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"text/template"
	"time"
)

// report is the result of a run.
type report struct {
	*bench
	began   time.Time
	picture string // file; empty: none
}

//go:embed report.md.tmpl
var pageText string

var pageTemplate = template.Must(template.New("report").Parse(pageText))

func (r report) write(w io.Writer) {
	fmt.Fprintln(w, r.Machine())
	fmt.Fprintln(w)
	fmt.Fprint(w, r.Tables(), r.Figures(), r.ProgramFigures())
	for _, note := range r.Notes() {
		fmt.Fprintln(w, note)
	}
}

// save writes the picture and the page, unless their file names are empty.
func (r report) save(page string) error {
	if r.picture != "" {
		if err := os.WriteFile(r.picture, drawPicture(r), 0o644); err != nil {
			return err
		}
	}
	if page == "" {
		return nil
	}
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, r); err != nil {
		return err
	}
	return os.WriteFile(page, append(bytes.TrimSpace(text.Bytes()), '\n'), 0o644)
}

// Machine returns where and when the numbers were measured.
func (r report) Machine() string {
	return fmt.Sprintf("%s: %d cores (%s), %s, %s/%s, median of %d runs.", r.began.Format(time.DateOnly),
		runtime.NumCPU(), cpuModel(), runtime.Version(), runtime.GOOS, runtime.GOARCH, r.runs)
}

// Tables returns the tables of the measurements.
func (r report) Tables() string { return formatSections(r.bench) }

// Figures returns the table of the limits of parts that hold or do not.
func (r report) Figures() string { return formatFigures(r.bench, 1, firstOfProgram-1) }

// ProgramFigures returns the table of the limits of the whole program.
func (r report) ProgramFigures() string { return formatFigures(r.bench, firstOfProgram, lastFigure) }

// Notes returns what was left out and why.
func (r report) Notes() []string { return r.notes }

// Picture returns the name of the picture for a page in the same directory, empty if there is none.
func (r report) Picture() string {
	if r.picture == "" {
		return ""
	}
	return filepath.Base(r.picture)
}
