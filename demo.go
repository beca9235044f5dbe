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

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// demoFile is the configuration of the made-up companies, without their keys and the address of the simulated API.
//
//go:embed demo.yaml
var demoFile []byte

// demoNames are the account labels of the simulated accounts, in their order.
var demoNames = []string{"shop", "game"}

// startDemo starts a simulated billing API on this machine, and returns what reads the configuration of its made-up
// accounts: the program is the same as against the real API. The numbers of the accounts are the same for the same day.
func startDemo(ctx context.Context, logger log.Logger) (load func() (config.Config, error), stop func(), err error) {
	accounts := billsim.Demo(time.Now)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("--demo: %w", err)
	}
	api := &http.Server{Handler: billsim.New(accounts, billsim.WithKeptPages()), ReadHeaderTimeout: headerTimeout}
	go func() {
		if err := api.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			level.Error(logger).Log("msg", "simulated billing API", "err", err)
		}
	}()
	endpoint := "http://" + listener.Addr().String()
	level.Info(logger).Log("msg", "demo: made-up bills from a simulated API, no key, no network", "api", endpoint)
	conf, err := demoConfig(accounts, endpoint)
	return func() (config.Config, error) { return conf, err }, func() { _ = api.Close() }, nil
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
