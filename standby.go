package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"ksyun_bill_exporter/collector"
	"ksyun_bill_exporter/config"
	"ksyun_bill_exporter/web"

	"github.com/go-kit/log/level"
)

var errStandbyWithoutState = errors.New("--state.standby: state_dir is not set, and is what one waits for")

// standbyPoll is how often a process that stands by looks whether it can take over.
const standbyPoll = time.Second

// openState takes the state directory, if there is one. With --state.standby it waits while another process has it, and
// reads the configuration again when that has ended. A configuration that is bad by then is not taken.
func (e *exporter) openState(
	ctx context.Context, conf config.Config, seen string,
) (config.Config, string, *collector.State, error) {
	if conf.StateDir == "" {
		return conf, seen, nil, nil
	}
	state, err := collector.OpenState(conf.StateDir)
	if !e.standby || !errors.Is(err, collector.ErrInUse) {
		return conf, seen, state, err
	}
	handler, err := web.NewStandby(web.Options{
		Metrics: e.instrument(e.registry, e.metrics), MetricsPath: e.telemetryPath, Pprof: e.pprof, Prefix: e.prefix(),
	})
	if err != nil {
		return conf, seen, nil, err
	}
	e.door.open(handler)
	level.Info(e.logs.kit).Log("msg", "standing by, another process has state_dir", "dir", conf.StateDir)
	if state, err = awaitState(ctx, conf.StateDir); err != nil {
		return conf, seen, nil, err
	}
	level.Info(e.logs.kit).Log("msg", "taking over, the other process has ended")
	conf, seen = e.readAgain(conf, seen)
	return conf, seen, state, nil
}

// awaitState takes the state directory as soon as no other process has it.
func awaitState(ctx context.Context, dir string) (*collector.State, error) {
	polls := time.NewTicker(standbyPoll)
	defer polls.Stop()
	for {
		select {
		case <-polls.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if state, err := collector.OpenState(dir); !errors.Is(err, collector.ErrInUse) {
			return state, err
		}
	}
}

// readAgain returns the configuration as it is now and the fingerprint of its file, or those before where it is bad.
func (e *exporter) readAgain(before config.Config, seenBefore string) (config.Config, string) {
	seen := e.fingerprint()
	conf, err := e.load()
	if err == nil && conf.StateDir != before.StateDir {
		err = errStateDir
	}
	if err != nil {
		level.Error(e.logs.kit).Log("msg", "configuration not reloaded, the old one stays in force", "err", err)
		return before, seenBefore
	}
	return conf, seen
}

// door is the handler of the web server: that of a process that stands by, or of one that asks. It is safe for
// concurrent use.
type door struct {
	opened chan struct{} // closed once there is a handler

	mu      sync.Mutex // guards handler
	handler http.Handler
}

func newDoor() *door { return &door{opened: make(chan struct{})} }

// open makes h the handler of all requests that start after it.
func (d *door) open(h http.Handler) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.handler == nil {
		close(d.opened)
	}
	d.handler = h
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	handler := d.handler
	d.mu.Unlock()
	handler.ServeHTTP(w, r)
}
