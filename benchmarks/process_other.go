//go:build !linux

package main

import (
	"errors"
	"time"
)

var errNotLinux = errors.New("the benchmark needs Linux: it reads CPU time and memory from /proc")

func cpuTime() (time.Duration, error)           { return 0, errNotLinux }
func processCPUTime(int) (time.Duration, error) { return 0, errNotLinux }
func peakMemory(int) (int64, error)             { return 0, errNotLinux }
func processWritten(int) (int64, error)         { return 0, errNotLinux }
func availableMemory() (int64, error)           { return 0, errNotLinux }
func cpuModel() string                          { return "unknown processor" }
