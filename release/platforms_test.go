package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// The program is without type errors on every system, of which the other tests know one. To build it for the others
// takes minutes, of which this takes seconds, because it leaves out what functions of other modules do.
func TestPlatforms(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	parse := func(fset *token.FileSet, file string, text []byte) (*ast.File, error) {
		parsed, err := parser.ParseFile(fset, file, text, parser.SkipObjectResolution)
		if parsed != nil && !strings.HasPrefix(file, root) {
			for _, d := range parsed.Decls {
				if f, ok := d.(*ast.FuncDecl); ok {
					f.Body = nil
				}
			}
		}
		return parsed, err
	}
	for _, system := range []string{"windows", "darwin"} {
		loaded, err := packages.Load(&packages.Config{
			Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
				packages.NeedDeps | packages.NeedSyntax | packages.NeedTypes,
			Dir: root, ParseFile: parse, Context: t.Context(),
			Env: append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS="),
		}, ".")
		if err != nil {
			t.Fatal(err)
		}
		packages.Visit(loaded, nil, func(p *packages.Package) {
			for _, err := range p.Errors {
				if strings.HasPrefix(err.Pos, root) {
					t.Errorf("%s: %v", system, err)
				}
			}
		})
	}
}
