package config

import (
	"bytes"
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"ksyun_bill_exporter/output"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// document is a YAML file that is decoded into a Config. The decoder of yaml.v3 stops at the first value that a type of
// this program refuses, and its errors name Go types instead of keys. A document goes on after a mistake, and names the
// file, the line and the key of each.
type document struct {
	file     string
	lines    map[string]int  // by key, for each key that the file has
	rejected map[string]bool // by key; "" stands for the file as a whole
	mistakes []mistake
}

type mistake struct {
	line int // 0: the mistake is about the file as a whole
	err  error
}

// decodeYAML decodes text into what out points to. A key that is not in text keeps its value.
func decodeYAML(file string, text []byte, out any) *document {
	d := &document{file: file, lines: map[string]int{}, rejected: map[string]bool{}}
	var root yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		line, cause := explainSyntax(text, err)
		d.rejectAt(line, "", cause)
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

// joinMistakes returns all mistakes in the order of their lines, and nil if there are none.
func (d *document) joinMistakes() error {
	slices.SortStableFunc(d.mistakes, func(a, b mistake) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for _, m := range d.mistakes {
		errs = append(errs, m.err)
	}
	return errors.Join(errs...)
}

// reject records a mistake in the value of a key. It ignores all but the first mistake of a key, because the others
// follow from it.
func (d *document) reject(key, format string, args ...any) {
	if d.rejected[key] || d.rejected[""] {
		return
	}
	d.rejectAt(d.findLine(key), key, fmt.Errorf(format, args...))
}

// rejectAt records a mistake in a line, 0 if that is not known.
func (d *document) rejectAt(line int, key string, cause error) {
	d.rejected[key] = true
	place := d.file
	if line > 0 {
		place = fmt.Sprintf("%s:%d", d.file, line)
	}
	if key != "" {
		place += ": " + key
	}
	d.mistakes = append(d.mistakes, mistake{line, fmt.Errorf("%s: %w", place, cause)})
}

// findLine returns the line of a key. If the file does not have the key, it returns the line of the nearest key around
// it, and 0 if there is none.
func (d *document) findLine(key string) int {
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
	case node.Tag == "!!null": // the key has no value and keeps its default
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
		d.reject(key, "want keys with values, have %s", describeKind(node))
		return
	}
	fields, seen := fieldsByKey(out), map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Tag != mergeTag {
			d.decodeMember(key, node.Content[i], node.Content[i+1], fields, seen)
		}
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Tag == mergeTag {
			d.decodeMerge(key, node.Content[i+1], fields, seen, 0)
		}
	}
}

func (d *document) decodeMember(
	key string, nameNode, value *yaml.Node, fields map[string]reflect.Value, seen map[string]bool,
) {
	name := nameNode.Value
	field, ok := fields[name]
	if !ok {
		name = output.Printable(name)
	}
	path := strings.TrimPrefix(key+"."+name, ".")
	switch {
	case !ok:
		d.lines[path] = nameNode.Line
		d.rejectUnknown(key, path, nameNode.Value, fields)
	case seen[name]:
		d.lines[path] = nameNode.Line
		d.reject(path, "given twice")
	default:
		d.decode(path, value, field)
	}
	seen[name] = true
}

// rejectUnknown rejects a key that the mapping around it cannot have.
func (d *document) rejectUnknown(around, path, name string, fields map[string]reflect.Value) {
	if meant := suggestKey(around, name, slices.Collect(maps.Keys(fields))); meant != "" {
		d.reject(path, "unknown key; did you mean %s?", meant)
		return
	}
	d.reject(path, "unknown key")
}

// mergeTag is the tag of <<, which adds the keys of other mappings to those that a mapping has itself
// (https://yaml.org/type/merge.html).
const mergeTag = "!!merge"

// deepestMerge is how deep mappings may be merged into each other: no file needs as much, and one that merges a mapping
// into itself would have no end.
const deepestMerge = 10

// decodeMerge adds the keys of a mapping, or of several of which the first wins, that are not there yet.
func (d *document) decodeMerge(
	key string, node *yaml.Node, fields map[string]reflect.Value, seen map[string]bool, depth int,
) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case depth > deepestMerge:
		d.reject(key, "<< is nested too deeply")
	case node.Kind == yaml.SequenceNode:
		for _, item := range node.Content {
			d.decodeMerge(key, item, fields, seen, depth+1)
		}
	case node.Kind != yaml.MappingNode:
		d.reject(key, "<< wants keys with values, have %s", describeKind(node))
	default:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if name := node.Content[i]; name.Tag == mergeTag {
				d.decodeMerge(key, node.Content[i+1], fields, seen, depth+1)
			} else if !seen[name.Value] {
				d.decodeMember(key, name, node.Content[i+1], fields, seen)
			}
		}
	}
}

// fieldsByKey returns the fields of a struct that have a key, by their keys.
func fieldsByKey(out reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range out.NumField() {
		name := out.Type().Field(i).Tag.Get("yaml")
		if name != "" && name != "-" {
			fields[name] = out.Field(i)
		}
	}
	return fields
}

// decodeSequence replaces the default as a whole, because lists cannot be merged.
func (d *document) decodeSequence(key string, node *yaml.Node, out reflect.Value) {
	if node.Kind != yaml.SequenceNode {
		d.reject(key, "want a list, have %s", describeKind(node))
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
		d.reject(key, "want a single value, have %s", describeKind(node))
		return
	}
	if variable.MatchString(node.Value) {
		d.reject(key, "%w%s", errVariable, adviceOnFile(key))
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
			d.reject(key, "%q is not %s", node.Value, kindNames[out.Kind()])
		}
	}
}

// variable matches what is left of a template that nobody has filled in. No value has that in it: keys are of letters,
// digits and a few signs.
var variable = regexp.MustCompile(`\$\{[^}]*\}`)

var errVariable = errors.New("has ${...} in it, and no variable takes its place")

// adviceOnFile returns how a value gets into the configuration that is not to be in its file, if there is a way.
func adviceOnFile(key string) string {
	switch name := key[strings.LastIndex(key, ".")+1:]; name {
	case "access_key_id", "secret_access_key":
		return "; " + name + "_file reads it from a file"
	default:
		return ""
	}
}

// kindNames are the kinds of values in the words of a person who writes YAML.
var kindNames = map[reflect.Kind]string{
	reflect.Bool:    "true or false",
	reflect.Int:     "a whole number",
	reflect.Float64: "a number",
}

func describeKind(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value" // it is not shown: it could be a secret in the wrong place
	}
}
