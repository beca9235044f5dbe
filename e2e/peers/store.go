package peers

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Store is a store with the API of S3, with one bucket, named bills.
type Store struct {
	Address string
	Env     []string // the keys, for a program that uses it
}

// Keys of the store.
const (
	StoreKey    = "AKBILLS"
	StoreSecret = "secret of the bucket"
)

// StartStore starts a store; the program is built of e2e/s3server.
func StartStore(t *testing.T, program string) Store {
	t.Helper()
	s := Store{FreeAddress(t), []string{"AWS_ACCESS_KEY_ID=" + StoreKey, "AWS_SECRET_ACCESS_KEY=" + StoreSecret}}
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "bills"), 0o700); err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(t.Context(), program, s.Address, folder)
	server.Dir, server.Env = folder, append(os.Environ(), s.Env...)
	Start(t, server)
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Address)
		if err == nil {
			connection.Close()
			return s
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// Lake returns the URL of a lake in the bucket.
func (s Store) Lake() string { return "s3://bills/lake?path_style=true&endpoint=http://" + s.Address }
