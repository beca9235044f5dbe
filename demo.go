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

// demoFile is the configuration of the made-up companies, without their keys and the address of the simulated API.
//
//go:embed demo.yaml
var demoFile []byte

// demoNames are the account labels of the simulated accounts, in their order.
var demoNames = []string{"shop", "game"}

// serveDemo runs the exporter against a simulated billing API on this machine: the same code as against the real one,
// with made-up accounts whose numbers are the same for the same day.
func serveDemo(ctx context.Context, f serveFlags, logs logs) error {
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

	endpoint := "http://" + listener.Addr().String()
	level.Info(logs.kit).Log("msg", "demo: made-up bills from a simulated API, no key, no network", "api", endpoint)
	for _, address := range *f.web.WebListenAddresses {
		url := browserURL(address)
		level.Info(logs.kit).Log("msg", "open", "page", url+"/", "metrics", url+f.telemetryPath)
	}
	conf, err := demoConfig(accounts, endpoint)
	if err != nil {
		return err
	}
	return runExporter(ctx, conf, func() (config.Config, error) { return conf, nil }, f, logs)
}

func demoConfig(accounts []billsim.Account, endpoint string) (config.Config, error) {
	return config.Parse("demo.yaml", demoFile, func(c *config.Config) {
		c.API.Endpoint, c.API.UnionEndpoint = endpoint, endpoint
		c.API.PayEndpoint, c.API.TradeEndpoint = endpoint, endpoint
		for i, a := range accounts {
			c.Accounts = append(c.Accounts, config.Account{
				Name: demoNames[i], AccessKeyID: a.AccessKeyID, SecretAccessKey: config.Secret(a.SecretAccessKey),
			})
		}
	})
}

// browserURL returns the URL with which a browser on this machine opens a listen address.
func browserURL(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
