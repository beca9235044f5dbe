package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/template"

	"github.com/alecthomas/kingpin/v2"
)

// usageTemplate prints each command with its flags, or only the command that was named. The default of kingpin leaves
// the flags of commands to --help-long, where nobody looks for the address to listen on.
const usageTemplate = `{{with .Context.SelectedCommand -}}
usage: {{$.App.Name}} {{.FullCommand}} [<flags>]

{{.Help|Wrap 0}}
{{with .Flags|Rows}}Flags:
{{FormatTwoColumns .}}
{{end}}{{else -}}
usage: {{.App.Name}} [<command>] [<flags>]

{{.App.Help|Wrap 0 -}}
{{range .App.Commands}}{{if ne .Name "help"}}
{{.Name}}{{if .Default}} (the default){{end}}
{{.Help|Wrap 2 -}}
{{with .Flags|Rows}}{{FormatTwoColumnsWithIndent . 4 2}}{{end -}}
{{end}}{{end}}
{{end}}Flags of every command:
{{FormatTwoColumns (.App.Flags|Rows) -}}
`

// usageFuncs are what usageTemplate needs beside kingpin's own functions.
var usageFuncs = template.FuncMap{"Rows": describeFlags}

// describeFlags returns a row for each flag that is not hidden. Those that are on or off are without the negative form
// that kingpin accepts, too: all of them are off by default.
func describeFlags(flags []*kingpin.FlagModel) (rows [][2]string) {
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		left := "--" + f.Name
		if f.Short != 0 {
			left = fmt.Sprintf("-%c, %s", f.Short, left)
		}
		if !f.IsBoolFlag() {
			left += "=" + cmp.Or(strings.Trim(f.FormatPlaceHolder(), `"`), "FILE")
		}
		if repeatable, ok := f.Value.(interface{ IsCumulative() bool }); ok && repeatable.IsCumulative() {
			left += " ..."
		}
		help := f.Help
		if f.Required {
			help = "Required. " + help
		}
		rows = append(rows, [2]string{left, help})
	}
	return rows
}
