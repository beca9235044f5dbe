package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const architecturePage = "ARCHITECTURE.md"

// architecture is what the list of rooms on the page says.
type architecture struct {
	mainFiles []string // of the root
	rooms     []string // all rooms, in the order of the list
	layers    []string // the rooms with a line of their own: each imports only those below it
}

var (
	roomList    = regexp.MustCompile("(?s)## The rooms\n.*?```text\n(.*?)```")
	roomName    = regexp.MustCompile(`^([a-z]\w*)/$`)
	mainFile    = regexp.MustCompile(`^[a-z]\w*\.go$`)
	namedFile   = regexp.MustCompile("`([\\w-]+/[\\w./-]+|[\\w.-]+\\.(?:md|yaml))`")
	packagePath = regexp.MustCompile(`^ksyun_bill_exporter/([a-z]\w*)`)
)

func readArchitecture(t *testing.T) (page string, a architecture) {
	t.Helper()
	text, err := os.ReadFile(architecturePage)
	if err != nil {
		t.Fatal(err)
	}
	list := roomList.FindSubmatch(text)
	if list == nil {
		t.Fatalf("%s has no list of rooms", architecturePage)
	}
	for line := range strings.Lines(string(list[1])) {
		var rooms []string
		for _, word := range strings.Fields(line) {
			if room := roomName.FindStringSubmatch(word); room != nil {
				rooms = append(rooms, room[1])
			} else if mainFile.MatchString(word) {
				a.mainFiles = append(a.mainFiles, word)
			} else {
				break
			}
		}
		a.rooms = append(a.rooms, rooms...)
		if len(rooms) == 1 {
			a.layers = append(a.layers, rooms[0])
		}
	}
	return string(text), a
}

// The list has every package of this module, and every room and every file that the page names exists.
func TestArchitecture(t *testing.T) {
	page, a := readArchitecture(t)
	for _, room := range a.rooms {
		if info, err := os.Stat(room); err != nil || !info.IsDir() {
			t.Errorf("%s: there is no room %s/", architecturePage, room)
		}
	}
	for _, file := range namedFile.FindAllStringSubmatch(page, -1) {
		if _, err := os.Stat(file[1]); err != nil {
			t.Errorf("%s: %v", architecturePage, err)
		}
	}
	packages, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range packages {
		if room := filepath.Dir(file); !slices.Contains(a.rooms, room) {
			t.Errorf("%s does not have the package %s/", architecturePage, room)
			a.rooms = append(a.rooms, room)
		}
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(a.mainFiles)), sourceFiles(t, ".")); diff != "" {
		t.Errorf("Go files of the root (-%s +tree):\n%s", architecturePage, diff)
	}
}

// A package imports only packages that stand below it in the list.
func TestImportsGoDown(t *testing.T) {
	_, a := readArchitecture(t)
	if len(a.layers) < 5 {
		t.Errorf("only %q have a line of their own", a.layers)
	}
	for i, room := range a.layers {
		for _, file := range sourceFiles(t, room) {
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(room, file), nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range parsed.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				used := packagePath.FindStringSubmatch(path)
				if used != nil && !slices.Contains(a.layers[i+1:], used[1]) {
					t.Errorf("%s/%s imports %s, which is not below it", room, file, used[1])
				}
			}
		}
	}
}

// sourceFiles returns the names of the Go files of a directory, without tests.
func sourceFiles(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		if !strings.HasSuffix(path, "_test.go") {
			names = append(names, filepath.Base(path))
		}
	}
	slices.Sort(names)
	return names
}
