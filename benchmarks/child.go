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

// jobVariable is the environment variable that makes this program a child of itself: it has the job as JSON. Each
// measurement has a process of its own, so that none finds the memory, the connections or the garbage of another.
const jobVariable = "KSYUN_BENCHMARK_JOB"

// job is what a child does.
type job struct {
	Do     string // a name in works or in servers
	Times  int    // how often; for works
	Bill   bill   // that the API has
	API    string // its address
	Replay bool   // whether the API serves its answers from memory
	Shown  int    // instances that the exporter shows: instances.max_series
	Series int    // of a page
	Own    bool   // whether the page ends with what the exporter tells of its own work; asks the API once
	Live   bool   // and of the Go runtime and the process
	Dir    string // of the files to serve
}

// works are the jobs that end by themselves with a measurement.
var works = map[string]func(context.Context, job) (measured, error){
	"count":    count,
	"loop":     loop,
	"stream":   stream,
	"refresh":  refresh,
	"kept":     kept,
	"usual":    usual,
	"sdk":      sdk,
	"render":   render,
	"compress": compress,
}

// servers are the jobs that answer HTTP until the parent has had enough.
var servers = map[string]func(context.Context, job) (http.Handler, error){
	"api":    apiServer,
	"page":   pageServer,
	"files":  fileServer,
	"consts": constServer,
}

// measured is what one time of something costs.
type measured struct {
	CPU    time.Duration // user and system
	Allocs float64
	Peak   int64 // bytes that the process had resident at most, until it was done for the first time
	Kept   int64 // bytes on the heap that stay
	Series int   // of the page, if one was made
}

// measure has the work done as often as the job says, and returns what one time costs.
func (j job) measure(work func() error) (m measured, err error) {
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
		if m.Peak, err = peakOf(os.Getpid()); err != nil {
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

// heap returns the bytes on the heap that are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one found in a sync.Pool, the second one frees
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// child does the job that the environment has, and reports on stdout; done is false if there is no job.
func child(ctx context.Context, stdin io.Reader, stdout io.Writer) (done bool, err error) {
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

func (j job) work(ctx context.Context, stdout io.Writer) error {
	m, err := works[j.Do](ctx, j)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(m)
}

// listen serves on a free port, which it reports, until stdin ends: with the parent, at the latest.
func (j job) listen(
	ctx context.Context, handlerOf func(context.Context, job) (http.Handler, error), stdin io.Reader, stdout io.Writer,
) error {
	handler, err := handlerOf(ctx, j)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // broken or ended, it is over
		_ = server.Close()                // the process ends anyway
	}()
	if _, err := fmt.Fprintf(stdout, "http://%s\n", listener.Addr()); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// command is this program as a child.
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

// do has a child of its own do the work.
func (j job) do(ctx context.Context) (m measured, err error) {
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
	foreign bool         // no child of ours
	stop    func() error // ends the process and waits for it
}

// serve starts a child that serves.
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

// farm are servers by name.
type farm map[string]*server

// serveAll starts a server for each job. On failure, what has been started is returned as well.
func serveAll(ctx context.Context, jobs map[string]job) (farm, error) {
	f := farm{}
	for name, j := range jobs {
		s, err := j.serve(ctx)
		if err != nil {
			return f, err
		}
		f[name] = s
	}
	return f, nil
}

func (f farm) stop() error {
	var errs []error
	for _, s := range f {
		errs = append(errs, s.stop())
	}
	return errors.Join(errs...)
}
