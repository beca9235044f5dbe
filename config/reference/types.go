package reference

import (
	"reflect"
	"strings"
	"time"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/config"

	"github.com/alecthomas/units"
)

// Types whose kind does not say how their values are written.
var (
	durationType = reflect.TypeFor[time.Duration]()
	sizeType     = reflect.TypeFor[units.Base2Bytes]()
	amountType   = reflect.TypeFor[billclient.Amount]()
)

// paths are the paths of all keys that the configuration has, such as accounts[].name, in the order of its fields.
var paths []string

// types are the types of the keys by their paths.
var types = map[string]reflect.Type{}

func init() { addTypes("", reflect.TypeFor[config.Config]()) }

// addTypes adds the keys that are within a type, below the path around.
func addTypes(around string, within reflect.Type) {
	for i := range within.NumField() {
		field := within.Field(i)
		name := field.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		path := strings.TrimPrefix(around+"."+name, ".")
		paths, types[path] = append(paths, path), field.Type
		switch {
		case isMapping(path):
			addTypes(path, field.Type)
		case isList(path) && field.Type.Elem().Kind() == reflect.Struct:
			addTypes(path+"[]", field.Type.Elem())
		}
	}
}

// isMapping reports whether the value of a key has keys itself.
func isMapping(path string) bool {
	t := types[path]
	return t.Kind() == reflect.Struct && t != amountType
}

// isList reports whether the value of a key is a list.
func isList(path string) bool { return types[path].Kind() == reflect.Slice }
