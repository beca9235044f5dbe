package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"ksyun_bill_exporter/billclient"
)

// pieceSize is how many bytes the yardsticks read at once: as many as the API writes.
const pieceSize = 64 << 10

// countBytes counts the bytes of the answer, which is the least that a way to read it can cost.
func countBytes(ctx context.Context, j job) (measurement, error) {
	return measurePieces(ctx, j, func(piece []byte) int { return len(piece) })
}

// loopOverBytes looks at every byte in a plain Go loop.
func loopOverBytes(ctx context.Context, j job) (measurement, error) {
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

// measurePieces adds up the results of look for the pieces of the answer.
func measurePieces(ctx context.Context, j job, look func(piece []byte) int) (measurement, error) {
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

// sumStream adds up the lines per instance with the exporter's client, which is the least that a program does with it.
func sumStream(ctx context.Context, j job) (measurement, error) {
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

// clientOptions returns the options of the exporter's client, without the limits that protect the real API.
func clientOptions(j job) billclient.Options {
	o := billclient.DefaultOptions()
	o.Endpoint, o.UnionEndpoint, o.PayEndpoint, o.TradeEndpoint = j.API, "", "", ""
	o.RequestsPerSecond, o.DailyCalls, o.MaxRetries = 0, 0, 0
	o.Credentials = func(context.Context) (billclient.Credentials, error) { return customerKeys, nil }
	return o
}

// checkInstances returns an error if a way to read the bill has not found all instances.
func checkInstances(j job, instances int) error {
	if instances != j.Bill.Instances {
		return fmt.Errorf("%d instances, the bill has %d", instances, j.Bill.Instances)
	}
	return nil
}
