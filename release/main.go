// Command release makes what a release of ksyun_bill_exporter consists of: for each platform an archive and a bill of
// materials, an archive of the source that builds without a network, an image for several architectures, and the
// checksums of all of these.
//
// The same commit and the same Go make the same bytes, on any machine and at any time: there is no clock in it, no
// user, no path, no branch, and nothing of the machine's own, such as its root certificates. The date is the commit's,
// or SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/).
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
)

// What -only can name.
const (
	partArchive = "archive"
	partSBOM    = "sbom"
	partSource  = "source"
	partImage   = "image"
)

var allParts = []string{partArchive, partSBOM, partSource, partImage}

// options are the flags.
type options struct {
	root, out, goCommand, address string
	dirty                         bool
	platforms                     []platform
	parts                         []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	r, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	defer os.RemoveAll(r.scratch)
	if err := r.make(ctx); err != nil {
		return err
	}
	return writeSums(o.out, stdout)
}

func parse(args []string) (options, error) {
	o := options{platforms: allPlatforms, parts: allParts}
	f := flag.NewFlagSet("release", flag.ContinueOnError)
	f.StringVar(&o.root, "root", "..", "root `folder` of the repository")
	f.StringVar(&o.out, "out", "../dist", "`folder` for the release; what an earlier one has left there goes")
	f.StringVar(&o.goCommand, "go", "go", "`command` that builds")
	f.StringVar(&o.address, "source", "", "`address` of the repository, for the image's label source; by default none")
	f.BoolVar(&o.dirty, "dirty", false, "allow changes that are in no commit; the revision then ends in -dirty")
	all := joinPlatforms(allPlatforms)
	f.Func("platforms", "comma-separated `list`; by default "+all, func(list string) (err error) {
		o.platforms, err = parsePlatforms(list)
		return err
	})
	f.Func("only", "comma-separated `list`; by default "+strings.Join(allParts, ","), func(list string) (err error) {
		o.parts, err = parseParts(list)
		return err
	})
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, nil
}

func parseParts(list string) ([]string, error) {
	parts := strings.Split(list, ",")
	for _, part := range parts {
		if !slices.Contains(allParts, part) {
			return nil, fmt.Errorf("%q is none of %s", part, strings.Join(allParts, ","))
		}
	}
	return parts, nil
}
