package collector

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets garbage grow: the tests make hundreds of pages a second, and memory is not what they are about.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
