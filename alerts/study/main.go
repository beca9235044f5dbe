// Study measures the alert rules on simulated accounts.
//
// Every account lives twice with the same seed, once calm and once with one anomaly. What fires in the calm life is
// false; what fires only in the other one has found the anomaly. The rules are evaluated by promtool, without their
// texts, as if the exporter were scraped three times a day.
//
//	go run ./alerts/study [-rules DIR] [-accounts N] [-seed S]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
)

func main() {
	var s study
	flag.StringVar(&s.rules, "rules", "alerts", "`directory` of the rule files")
	flag.IntVar(&s.accounts, "accounts", 70, "simulated accounts")
	flag.Uint64Var(&s.seed, "seed", 1, "seed of the lives")
	flag.IntVar(&s.days, "days", 35, "days that the exporter shows")
	flag.BoolVar(&s.verbose, "v", false, "tell every false page and warning, and every anomaly")
	flag.Parse()
	s.parallel = runtime.GOMAXPROCS(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	result, err := s.run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if s.verbose {
		fmt.Print(result.details())
	}
	fmt.Print(result.table())
}
