package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pipe that nobody writes to is given up, for a key and for the configuration, and read again once there is
// something.
func TestFileThatHangs(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "key")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	second := make(chan error, 1)
	go func() {
		_, err := Load(pipe, func(string) string { return "" })
		second <- err
	}()
	_, err := Account{AccessKeyIDFile: pipe, SecretAccessKey: "secret"}.credentials(t.Context())
	if want := "access_key_id_file: " + pipe + ": reading it took longer than 10s"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err := <-second; err == nil || !strings.HasPrefix(err.Error(), "--config.file: "+pipe+": reading it took longer") {
		t.Error(err)
	}
	if took := time.Since(began); took > 2*fileTimeout {
		t.Errorf("given up after %v", took)
	}
	if err := os.WriteFile(pipe, []byte("AK\n"), 0o600); err != nil { // who reads has been waiting for it
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		go func() { _ = os.WriteFile(pipe, []byte("AK\n"), 0o600) }()
		key, err := Account{AccessKeyIDFile: pipe, SecretAccessKey: "secret"}.credentials(t.Context())
		if err == nil && key.AccessKeyID == "AK" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(key, err)
		}
	}
}
