// Command s3server serves a folder with the API of S3, until it is killed: the folders in it are the buckets. The keys
// are those of the environment, as clients have them, and signatures are checked. The end-to-end tests use it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "s3server:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("want an address and a folder")
	}
	// What a store knows of a file is in the file's attributes, and so appears with it.
	if err := (meta.XattrMeta{}).Test(args[1]); err != nil {
		return err
	}
	folder, err := posix.New(args[1], meta.XattrMeta{}, posix.PosixOpts{})
	if err != nil {
		return err
	}
	return embedgw.RunVersityGW(context.Background(), folder, &embedgw.Config{
		RootUserAccess: os.Getenv("AWS_ACCESS_KEY_ID"), RootUserSecret: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		Ports: args[:1], MaxConnections: 100, MaxRequests: 100, MultipartMaxParts: 10000, KeepAlive: true, Quiet: true,
	})
}
