package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/config"

	"github.com/go-kit/log/level"
)

// demoFile is what the made-up companies would configure, but for their keys and where the simulated API listens.
//
//go:embed demo.yaml
var demoFile []byte

// demoNames are the account labels of the simulated accounts, in their order.
var demoNames = []string{"shop", "game"}

// demo runs the exporter against a simulated billing API on this machine: the same code as against the real one, with
// made-up accounts whose numbers are the same for the same day.
func demo(ctx context.Context, f flags, logs logs) error {
	accounts := billsim.Demo(time.Now)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("--demo: %w", err)
	}
	api := &http.Server{Handler: billsim.New(accounts), ReadHeaderTimeout: headerTimeout}
	go func() {
		if err := api.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			level.Error(logs.kit).Log("msg", "simulated billing API", "err", err)
		}
	}()
	defer api.Close()

	level.Info(logs.kit).Log("msg", "demo: made-up bills from a simulated API, no key, no network",
		"api", "http://"+listener.Addr().String())
	for _, address := range *f.serve.web.WebListenAddresses {
		url := browsable(address)
		level.Info(logs.kit).Log("msg", "open", "page", url+"/", "metrics", url+f.serve.telemetryPath)
	}
	conf, err := demoConfig(accounts, listener.Addr())
	if err != nil {
		return err
	}
	return runAll(ctx, conf, f.serve, logs, func() (config.Config, error) { return conf, nil })
}

func demoConfig(accounts []billsim.Account, api net.Addr) (config.Config, error) {
	return config.Parse("demo.yaml", demoFile, func(c *config.Config) {
		c.API.Endpoint = "http://" + api.String()
		c.API.UnionEndpoint = c.API.Endpoint
		for i, a := range accounts {
			c.Accounts = append(c.Accounts, config.Account{
				Name: demoNames[i], AccessKeyID: a.AccessKeyID, SecretAccessKey: config.Secret(a.SecretAccessKey),
			})
		}
	})
}

// browsable turns a listen address into one for a browser on this machine.
func browsable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
