// Package reference makes the reference of the configuration: the example files and the pages of the documentation,
// each in English and in Chinese. What they say stands in keys.yaml, flags.yaml and the templates of the pages, with
// both languages side by side; the types of the keys are those of package config.
package reference

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"gopkg.in/yaml.v3"
)

//go:embed keys.yaml flags.yaml *.tmpl
var sources embed.FS

// Text is a text in both languages.
type Text struct {
	English string `yaml:"en"`
	Chinese string `yaml:"zh"`
}

// UnmarshalYAML implements yaml.Unmarshaler. A single text is the same in both languages.
func (t *Text) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		t.English, t.Chinese = node.Value, node.Value
		return nil
	}
	type both Text
	if err := node.Decode((*both)(t)); err != nil {
		return err
	}
	if len(node.Content) != 4 {
		return fmt.Errorf("line %d: want en and zh, and nothing else; a comma in {} ends a text", node.Line)
	}
	return nil
}

// source is what keys.yaml has.
type source struct {
	Header Text  `yaml:"header"` // the comment at the head of the example files
	Keys   []key `yaml:"keys"`   // of the top level
}

// key is a key of the configuration.
type key struct {
	Name     string   `yaml:"key"`
	Title    Text     `yaml:"title"`    // of a key of the top level: what it is about
	Value    string   `yaml:"value"`    // as the example files have it; empty: they do not
	Required bool     `yaml:"required"` // it has no default
	Or       string   `yaml:"or"`       // the key that can be given in place of it
	Least    string   `yaml:"least"`    // the least value that is good
	Most     string   `yaml:"most"`     // the greatest one
	Above    string   `yaml:"above"`    // in place of Least: the greatest value that is too small
	Choices  []string `yaml:"choices"`  // all values that are good
	About    Text     `yaml:"about"`    // the comment above the key in the example files
	Comment  Text     `yaml:"comment"`  // the comment beside it
	Text     Text     `yaml:"text"`     // what the page says
	Example  string   `yaml:"example"`  // on the page, in YAML
	Keys     []key    `yaml:"keys"`     // within the value, or within each item of a list
}

// language is one of the two languages.
type language struct {
	suffix string // in the names of files
	sel    func(Text) string
	words  words
}

var languages = []language{
	{"", func(t Text) string { return t.English }, english},
	{".zh-CN", func(t Text) string { return t.Chinese }, chinese},
}

// Files returns the texts of the four files by their paths in the tree. If the error is an *UntranslatedError, there
// are files all the same: English stands in place of the Chinese that is missing.
func Files(commands []Command) (map[string]string, error) {
	s, err := read()
	if err != nil {
		return nil, err
	}
	untranslated := translate(commands)
	if _, ok := errors.AsType[*UntranslatedError](untranslated); untranslated != nil && !ok {
		return nil, untranslated
	}
	files := map[string]string{}
	for _, l := range languages {
		page, err := l.page(s, commands)
		if err != nil {
			return nil, err
		}
		files["docs/configuration"+l.suffix+".md"] = page
		files["config.example"+l.suffix+".yaml"] = exampleFile(l, s)
	}
	return files, untranslated
}

// read returns what keys.yaml has. It fails unless that has exactly the keys of the configuration.
func read() (s source, err error) {
	if err := decode("keys.yaml", &s); err != nil {
		return s, err
	}
	found := pathsOf("", s.Keys)
	isIn := func(list []string) func(string) bool {
		return func(path string) bool { return slices.Contains(list, path) }
	}
	lacking := slices.DeleteFunc(slices.Clone(paths), isIn(found))
	if unknown := slices.DeleteFunc(found, isIn(paths)); len(lacking)+len(unknown) > 0 {
		return s, fmt.Errorf("config/reference/keys.yaml: lacks %q, and has %q, which package config does not have",
			lacking, unknown)
	}
	return s, nil
}

// pathsOf returns the paths of some keys below the path around, and of the keys within them.
func pathsOf(around string, keys []key) (found []string) {
	for _, k := range keys {
		path := strings.TrimPrefix(around+"."+k.Name, ".")
		found = append(found, path)
		if types[path] != nil && isList(path) {
			path += "[]"
		}
		found = append(found, pathsOf(path, k.Keys)...)
	}
	return found
}

func decode(name string, out any) error {
	text, err := sources.ReadFile(name)
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(out); err != nil {
		return fmt.Errorf("config/reference/%s: %w", name, err)
	}
	return nil
}

// page returns a page of the documentation.
func (l language) page(s source, commands []Command) (string, error) {
	t, err := template.ParseFS(sources, "configuration"+l.suffix+".md.tmpl")
	if err != nil {
		return "", err
	}
	var page strings.Builder
	err = t.Execute(&page, map[string]string{
		"Contents": l.contents(s.Keys), "Keys": l.sections(s.Keys), "Flags": flagTables(l, commands),
	})
	return page.String(), err
}
