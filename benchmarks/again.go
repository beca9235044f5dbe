package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"ksyun_bill_exporter/billclient"
)

// countAnswers counts the bytes of all answers that the program has had.
func countAnswers(ctx context.Context, j job) (measurement, error) {
	all, err := readRecordings(ctx, j)
	if err != nil {
		return measurement{}, err
	}
	piece := make([]byte, pieceSize)
	return j.measure(func() error {
		return eachAnswer(ctx, j, all, func(_ recording, body io.Reader) error {
			for {
				_, err := body.Read(piece)
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err != nil {
					return err
				}
			}
		})
	})
}

// sumAnswers reads the documents with lines that the program has read in the usual way: each answer as a whole,
// json.Unmarshal, a GaugeVec for each document.
func sumAnswers(ctx context.Context, j job) (measurement, error) {
	all, err := readRecordings(ctx, j)
	if err != nil {
		return measurement{}, err
	}
	return j.measure(func() error {
		documents := map[string]*prometheus.GaugeVec{}
		lines := 0
		err := eachAnswer(ctx, j, withLines(all), func(r recording, body io.Reader) error {
			text, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			var a answer
			if err := json.Unmarshal(text, &a); err != nil {
				return err
			}
			lines += len(a.PostpayDetailBillSet)
			name := r.Action + r.Month
			if documents[name] == nil {
				documents[name] = newCosts()
			}
			return a.addTo(documents[name])
		})
		if want := 3 * j.Bill.Lines; err == nil && lines != want {
			err = fmt.Errorf("%d lines, want %d", lines, want)
		}
		return err
	})
}

// readRecordings returns the answers that the program has had from the API of a job.
func readRecordings(ctx context.Context, j job) (all []recording, err error) {
	err = getJSON(ctx, j.API+answersPath, &all)
	return all, err
}

// eachAnswer calls read with each of the answers.
func eachAnswer(ctx context.Context, j job, answers []recording, read func(recording, io.Reader) error) error {
	for _, r := range answers {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, j.API+answersPath+"/"+r.File, nil)
		if err != nil {
			return err
		}
		err = fetch(http.DefaultClient, req, func(res *http.Response) error { return read(r, res.Body) })
		if err != nil {
			return err
		}
	}
	return nil
}

// withLines returns the answers that have lines of documents.
func withLines(all []recording) (documents []recording) {
	for _, r := range all {
		if r.Action == billclient.GetPostpayDetailBill || r.Action == billclient.GetPostpayDetailConsume {
			documents = append(documents, r)
		}
	}
	return documents
}
