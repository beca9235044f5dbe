package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// jobVariable is the environment variable with the job as JSON that makes this program a child of itself. Each
// measurement has a process of its own, so that none starts with the memory, connections or garbage of another.
const jobVariable = "KSYUN_BENCHMARK_JOB"

// job is the work of a child.
type job struct {
	Do     string // a name in measures or in servers
	Times  int    // how often; for measures
	Bill   bill   // of the API
	API    string // its URL
	Replay bool   // whether the API serves its answers from memory
	Shown  int    // instances that the exporter shows: instances.max_series
	Series int    // of a page
	Own    bool   // whether the page ends with the exporter's metrics of its own work; it then calls the API once
	Live   bool   // whether the metrics of the Go runtime and the process follow
	Dir    string // of the files to serve
	Fleet  fleet  // of the API of many accounts

	Company company // of the API of one with many instances
}

// measures has the jobs that end with a measurement.
var measures = map[string]func(context.Context, job) (measurement, error){
	"count":    countBytes,
	"loop":     loopOverBytes,
	"stream":   sumStream,
	"refresh":  measureRefresh,
	"kept":     measureKept,
	"usual":    measureUsualWay,
	"sdk":      measureSDKWay,
	"render":   measureRender,
	"compress": measureCompression,

	"count answers": countAnswers,
	"sum answers":   sumAnswers,
}

// servers has the jobs that answer HTTP until the parent ends them.
var servers = map[string]func(context.Context, job) (http.Handler, error){
	"api":    apiServer,
	"fleet":  fleetServer,
	"page":   pageServer,
	"files":  fileServer,
	"consts": constServer,

	"company": companyServer,
}

// measurement is the cost of doing something once.
type measurement struct {
	CPU    time.Duration // user and system
	Allocs float64
	Peak   int64         // most bytes that the process had resident until it was done for the first time
	Kept   int64         // bytes that remain on the heap
	Series int           // of the page, if one was made
	Ready  time.Duration // until all accounts have numbers, by the clock
	Whole  time.Duration // until all accounts have lines, by the clock

	Allocated float64 // bytes
	Calls     float64 // of the API
	Received  float64 // bytes of its answers
	Written   float64 // bytes, to files and sockets
}

// measure does the work as often as the job says and returns the average cost.
func (j job) measure(work func() error) (m measurement, err error) {
	runtime.GC()
	began, err := cpuTime()
	if err != nil {
		return m, err
	}
	before := mallocs()
	for i := range j.Times {
		if err := work(); err != nil {
			return m, err
		}
		if i > 0 {
			continue
		}
		if m.Peak, err = peakMemory(os.Getpid()); err != nil {
			return m, err
		}
	}
	m.Allocs = float64(mallocs()-before) / float64(j.Times)
	ended, err := cpuTime()
	m.CPU = (ended - began) / time.Duration(j.Times)
	return m, err
}

func mallocs() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.Mallocs
}

// heapInUse returns the bytes on the heap that are in use.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // what is in a sync.Pool is freed by the second one
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// runAsChild does the job in the environment and writes its result to stdout. done is false if there is no job.
func runAsChild(ctx context.Context, stdin io.Reader, stdout io.Writer) (done bool, err error) {
	text, ok := os.LookupEnv(jobVariable)
	if !ok {
		return false, nil
	}
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return true, fmt.Errorf("%s: %w", jobVariable, err)
	}
	if handler, ok := servers[j.Do]; ok {
		err = j.listen(ctx, handler, stdin, stdout)
	} else {
		err = j.work(ctx, stdout)
	}
	if err != nil {
		return true, fmt.Errorf("%s: %w", j.Do, err)
	}
	return true, nil
}

// work writes the measurement of the job as JSON.
func (j job) work(ctx context.Context, stdout io.Writer) error {
	m, err := measures[j.Do](ctx, j)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(m)
}

// listen serves on a free port, whose URL it writes, until stdin ends, which the end of the parent causes too.
func (j job) listen(
	ctx context.Context, newHandler func(context.Context, job) (http.Handler, error), stdin io.Reader, stdout io.Writer,
) error {
	handler, err := newHandler(ctx, j)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // an error is an end of stdin too
		_ = server.Close()                // the process ends in any case
	}()
	if _, err := fmt.Fprintf(stdout, "http://%s\n", listener.Addr()); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// command returns the command that runs this program as a child.
func (j job) command(ctx context.Context) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), jobVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// runInChild does the job in a new child.
func (j job) runInChild(ctx context.Context) (m measurement, err error) {
	cmd, err := j.command(ctx)
	if err != nil {
		return m, err
	}
	out, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("%s: %w", j.Do, err)
	}
	return m, json.Unmarshal(out, &m)
}

// server is a process that answers HTTP.
type server struct {
	url     string
	pid     int
	foreign bool         // not this program, so that it does not count allocations
	stop    func() error // ends the process and waits for it
}

// serve starts a child that answers HTTP.
func (j job) serve(ctx context.Context) (*server, error) {
	cmd, err := j.command(ctx)
	if err != nil {
		return nil, err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{pid: cmd.Process.Pid, stop: func() error { return errors.Join(stdin.Close(), cmd.Wait()) }}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", j.Do, err), s.stop())
	}
	s.url = strings.TrimSpace(line)
	return s, nil
}

// serverSet has servers by name.
type serverSet map[string]*server

// serveAll starts a server for each job. If it fails, it returns those that are running.
func serveAll(ctx context.Context, jobs map[string]job) (serverSet, error) {
	f := serverSet{}
	for name, j := range jobs {
		s, err := j.serve(ctx)
		if err != nil {
			return f, err
		}
		f[name] = s
	}
	return f, nil
}

func (f serverSet) stop() error {
	var errs []error
	for _, s := range f {
		errs = append(errs, s.stop())
	}
	return errors.Join(errs...)
}
