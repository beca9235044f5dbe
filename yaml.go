package main

import (
	"bytes"
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/output"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// document is a YAML file on its way into a Config. The decoder of yaml.v3 stops at the first value that a type of ours
// refuses, and names Go types instead of keys; a document goes on, and names file, line and key of every mistake.
type document struct {
	file     string
	lines    map[string]int  // of every key that the file has
	rejected map[string]bool // by key; "" is the file as a whole
	mistakes []mistake
}

type mistake struct {
	line int // 0: of the file as a whole
	err  error
}

// decodeYAML decodes text over what out points to: keys that text lacks keep their value.
func decodeYAML(file string, text []byte, out any) *document {
	d := &document{file: file, lines: map[string]int{}, rejected: map[string]bool{}}
	var root yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		d.reject("", "%w", err)
		return d
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		d.reject("", "want one YAML document")
		return d
	}
	if len(root.Content) > 0 {
		d.decode("", root.Content[0], reflect.ValueOf(out).Elem())
	}
	return d
}

// err returns all mistakes in the order of their lines, nil if there are none.
func (d *document) err() error {
	slices.SortStableFunc(d.mistakes, func(a, b mistake) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for _, m := range d.mistakes {
		errs = append(errs, m.err)
	}
	return errors.Join(errs...)
}

// reject takes down a mistake in the value of a key, if it is the key's first: the others follow from it.
func (d *document) reject(key, format string, args ...any) {
	if d.rejected[key] || d.rejected[""] {
		return
	}
	d.rejected[key] = true
	place, line := d.file, d.line(key)
	if line > 0 {
		place = fmt.Sprintf("%s:%d", d.file, line)
	}
	if key != "" {
		place += ": " + key
	}
	d.mistakes = append(d.mistakes, mistake{line, fmt.Errorf("%s: %w", place, fmt.Errorf(format, args...))})
}

// line returns the line of a key, or of the nearest key around it that the file has; 0 if it has none.
func (d *document) line(key string) int {
	for key != "" {
		if line, ok := d.lines[key]; ok {
			return line
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return 0
}

func (d *document) decode(key string, node *yaml.Node, out reflect.Value) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	d.lines[key] = node.Line
	_, isText := reflect.TypeAssert[encoding.TextUnmarshaler](out.Addr())
	switch {
	case node.Tag == "!!null": // a key without a value keeps its default
	case out.Kind() == reflect.Struct && !isText:
		d.decodeMapping(key, node, out)
	case out.Kind() == reflect.Slice:
		d.decodeSequence(key, node, out)
	default:
		d.decodeScalar(key, node, out)
	}
}

func (d *document) decodeMapping(key string, node *yaml.Node, out reflect.Value) {
	if node.Kind != yaml.MappingNode {
		d.reject(key, "want keys with values, have %s", describe(node))
		return
	}
	fields, seen := fieldsOf(out), map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name := node.Content[i].Value
		field, known := fields[name]
		if !known {
			name = output.Printable(name)
		}
		path := strings.TrimPrefix(key+"."+name, ".")
		switch {
		case !known:
			d.lines[path] = node.Content[i].Line
			d.reject(path, "unknown key")
		case seen[name]:
			d.lines[path] = node.Content[i].Line
			d.reject(path, "given twice")
		default:
			d.decode(path, node.Content[i+1], field)
		}
		seen[name] = true
	}
}

// fieldsOf returns the fields of a struct by their keys.
func fieldsOf(out reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range out.NumField() {
		name := out.Type().Field(i).Tag.Get("yaml")
		if name != "" && name != "-" {
			fields[name] = out.Field(i)
		}
	}
	return fields
}

// decodeSequence replaces the default as a whole: a list cannot be merged.
func (d *document) decodeSequence(key string, node *yaml.Node, out reflect.Value) {
	if node.Kind != yaml.SequenceNode {
		d.reject(key, "want a list, have %s", describe(node))
		return
	}
	list := reflect.MakeSlice(out.Type(), len(node.Content), len(node.Content))
	for i, item := range node.Content {
		d.decode(fmt.Sprintf("%s[%d]", key, i), item, list.Index(i))
	}
	out.Set(list)
}

func (d *document) decodeScalar(key string, node *yaml.Node, out reflect.Value) {
	if node.Kind != yaml.ScalarNode {
		d.reject(key, "want a single value, have %s", describe(node))
		return
	}
	switch target := out.Addr().Interface().(type) {
	case *time.Duration:
		duration, err := model.ParseDuration(node.Value)
		if err != nil {
			d.reject(key, "%q is not a duration such as 90s, 1h or 3d", node.Value)
			return
		}
		*target = time.Duration(duration)
	case encoding.TextUnmarshaler:
		if err := target.UnmarshalText([]byte(node.Value)); err != nil {
			d.reject(key, "%w", err)
		}
	default:
		switch err := node.Decode(target); {
		case err != nil && out.Kind() == reflect.String: // the value could be a secret
			d.reject(key, "want a text, have %s", node.Tag)
		case err != nil:
			d.reject(key, "%q is not %s", node.Value, kinds[out.Kind()])
		}
	}
}

// kinds says what a value should have been, in the words of someone who writes YAML.
var kinds = map[reflect.Kind]string{
	reflect.Bool:    "true or false",
	reflect.Int:     "a whole number",
	reflect.Float64: "a number",
}

func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value" // which could be a secret in the wrong place
	}
}
