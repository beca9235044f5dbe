package main

import (
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"ksyun_bill_exporter/billclient"

	"github.com/google/go-cmp/cmp"
)

func noEnvironment(string) string { return "" }

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func amount(t *testing.T, text string) billclient.Amount {
	t.Helper()
	a, err := billclient.ParseAmount(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// ignoreFuncs leaves out what cannot be compared.
var ignoreFuncs = cmp.FilterPath(func(p cmp.Path) bool {
	return p.Last().Type() != nil && p.Last().Type().Kind() == reflect.Func
}, cmp.Ignore())

// keysOf returns the keys of a configuration, lists as a whole.
func keysOf(prefix string, config any) []string {
	var keys []string
	for name, field := range fieldsOf(reflect.ValueOf(config)) {
		key := strings.TrimPrefix(prefix+"."+name, ".")
		keys = append(keys, key)
		if _, isAmount := reflect.TypeAssert[billclient.Amount](field); field.Kind() == reflect.Struct && !isAmount {
			keys = append(keys, keysOf(key, field.Interface())...)
		}
	}
	return keys
}

// What hands signals out is to be no part of a bubble: it never ends.
func init() { signal.Notify(make(chan os.Signal, 1), syscall.SIGWINCH) }
