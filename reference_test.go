package main

import (
	"cmp"
	"flag"
	"os"
	"strings"
	"testing"

	"ksyun_bill_exporter/config/reference"

	"github.com/alecthomas/kingpin/v2"
	gocmp "github.com/google/go-cmp/cmp"
)

//go:generate go test -count=1 -run TestReferenceIsUpToDate . -update

var update = flag.Bool("update", false, "write the files that TestReferenceIsUpToDate compares")

// The example files and the pages of the documentation have every key and every flag. The flags are known here only.
func TestReferenceIsUpToDate(t *testing.T) {
	files, err := reference.Files(describeCommands(newApplication(new(flags)).Model()))
	if err != nil {
		t.Error(err)
	}
	for name, want := range files {
		if *update {
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
				t.Error(err)
			}
			continue
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		}
		if diff := gocmp.Diff(strings.Split(string(got), "\n"), strings.Split(want, "\n")); diff != "" {
			t.Errorf("%s is not what go generate writes (-is +want):\n%s", name, diff)
		}
	}
	if len(files) != 4 {
		t.Errorf("%d files", len(files))
	}
}

// describeCommands returns the flags of every command, and then each command.
func describeCommands(app *kingpin.ApplicationModel) []reference.Command {
	commands := []reference.Command{{Flags: describeFlagsOf(app.Flags)}}
	for _, c := range app.Commands {
		if c.Name != "help" {
			commands = append(commands, reference.Command{
				Name: c.Name, About: reference.Text{English: c.Help}, Flags: describeFlagsOf(c.Flags),
			})
		}
	}
	return commands
}

func describeFlagsOf(models []*kingpin.FlagModel) (all []reference.Flag) {
	for _, f := range models {
		if f.Hidden {
			continue
		}
		described := reference.Flag{
			Name: f.Name, Value: f.PlaceHolder, Default: strings.Join(f.Default, ","), About: reference.Text{English: f.Help},
		}
		if f.Required {
			described.About.English = "Required. " + f.Help
		}
		if !f.IsBoolFlag() && described.Default == "" {
			described.Value = cmp.Or(f.PlaceHolder, "FILE")
		}
		all = append(all, described)
	}
	return all
}
