package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-kit/log/level"
	"github.com/google/go-cmp/cmp"
)

// The lines of the toolkit are as those of this program: one key for the time, and nothing of the code.
func TestOneLogFormat(t *testing.T) {
	var text strings.Builder
	logs := newLogs(&text, "info", formatLogfmt)
	level.Info(logs.kit).Log("msg", "stopping")
	level.Debug(logs.kit).Log("msg", "not asked for")
	toolkit := logs.slog.With("address", ":9978").WithGroup("tls")
	toolkit.Info("TLS is disabled.", "http2", false)
	toolkit.Debug("not asked for")
	slog.NewLogLogger(logs.slog.Handler(), slog.LevelWarn).Print(errors.New("broken pipe"))
	want := "level=info msg=stopping\n" +
		"level=info msg=\"TLS is disabled.\" address=:9978 tls.http2=false\n" +
		"level=warn msg=\"broken pipe\"\n"
	got := text.String()
	if diff := cmp.Diff(want, logTime.ReplaceAllString(got, "")); diff != "" || strings.Count(got, "Z level=") != 3 {
		t.Errorf("log (-want +got):\n%s\n%s", diff, got)
	}
}
