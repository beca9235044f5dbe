// Command benchmarks measures what a refresh and a scrape of the exporter cost. For comparison it measures yardsticks
// in turn with them: counting the same bytes, the ways in which such exporters are usually written, and web servers
// that serve files. It prints tables and says which of the project's limits hold. It runs on Linux only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	done, err := runAsChild(ctx, os.Stdin, os.Stdout)
	if !done {
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

// run is main without the exit. A limit that does not hold is a result, not an error.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	b := bench{progress: stderr, parts: allParts}
	flags := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&b.lines, "lines", 1_000_000, "most bill lines: 1000, 10000 and so on up to it are measured")
	flags.IntVar(&b.runs, "runs", 3, "how often everything is measured; medians are shown")
	quick := flags.Bool("quick", false, "repeat nothing that is too short to be measured well: to see whether it works")
	flags.Func("parts", "what is measured, separated by commas (default "+strings.Join(allParts, ",")+")", b.setParts)
	markdown := flags.String("md", "", "write a page about the run to this `file`")
	picture := flags.String("svg", "", "draw time and memory into this `file`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if b.lines < 1000 || b.runs < 1 {
		return errors.New("-lines is at least 1000, -runs at least 1")
	}
	b.repeat, b.budget, b.fleet, b.day, b.rest = 100_000, 200*time.Millisecond, largeFleet, wholeDay, time.Second
	if *quick {
		b.repeat, b.budget, b.fleet, b.day, b.rest = 1, tick, smallFleet, shortDay, 200*time.Millisecond
	}
	r := report{began: time.Now(), bench: &b, picture: *picture}
	if err := b.run(ctx); err != nil {
		return err
	}
	r.write(stdout)
	return r.save(*markdown)
}

// setParts chooses what is measured.
func (b *bench) setParts(text string) error {
	b.parts = strings.Split(text, ",")
	for _, part := range b.parts {
		if !slices.Contains(allParts, part) {
			return fmt.Errorf("%q is none of %s", part, strings.Join(allParts, ", "))
		}
	}
	return nil
}
