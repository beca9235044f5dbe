package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"ksyun_bill_exporter/billclient"
)

// pieceSize is how much of an answer the yardsticks read at once: as much as the API writes.
const pieceSize = 64 << 10

// count only counts the bytes of the answer: what every way of reading it costs at least.
func count(ctx context.Context, j job) (measured, error) {
	return measurePieces(ctx, j, func(piece []byte) int { return len(piece) })
}

// loop looks at every byte, in the plainest way that Go has.
func loop(ctx context.Context, j job) (measured, error) {
	return measurePieces(ctx, j, func(piece []byte) int {
		quotes := 0
		for _, c := range piece {
			if c == '"' {
				quotes++
			}
		}
		return quotes
	})
}

// measurePieces adds up what look finds in the pieces of the answer.
func measurePieces(ctx context.Context, j job, look func(piece []byte) int) (measured, error) {
	piece := make([]byte, pieceSize)
	return j.measure(func() error {
		found := 0
		err := readLines(ctx, j, func(body io.Reader) error {
			for {
				n, err := body.Read(piece)
				found += look(piece[:n])
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err != nil {
					return err
				}
			}
		})
		if found < j.Bill.Lines {
			err = errors.Join(err, fmt.Errorf("found %d in %d lines", found, j.Bill.Lines))
		}
		return err
	})
}

// stream adds up the lines per instance with the exporter's client: the least that anybody can do with it.
func stream(ctx context.Context, j job) (measured, error) {
	client := billclient.New(clientOptions(j))
	return j.measure(func() error {
		query := billclient.DetailQuery{From: lastMonth(), To: lastMonth()}
		sums := map[string]*billclient.Amount{}
		for line, err := range client.GetPostpayDetailBill(ctx, query) {
			if err != nil {
				return err
			}
			sum, ok := sums[line.InstanceID]
			if !ok {
				sum = new(billclient.Amount)
				sums[strings.Clone(line.InstanceID)] = sum
			}
			*sum = sum.Add(line.Cost)
		}
		return checkInstances(j, len(sums))
	})
}

// client is the exporter's way to the API, without the limits that protect the real one.
func clientOptions(j job) billclient.Options {
	o := billclient.DefaultOptions()
	o.Endpoint, o.UnionEndpoint = j.API, ""
	o.RequestsPerSecond, o.DailyCalls, o.MaxRetries = 0, 0, 0
	o.Credentials = func() (billclient.Credentials, error) { return customerKeys, nil }
	return o
}

// check makes sure that a way to read the bill has found all of it.
func checkInstances(j job, instances int) error {
	if instances != j.Bill.Instances {
		return fmt.Errorf("%d instances, the bill has %d", instances, j.Bill.Instances)
	}
	return nil
}
