package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/billsim"
)

// bill is the size of a month's bill.
type bill struct{ Lines, Instances int }

// customerID is the only customer of the simulated API.
const customerID = "73400575"

var customerKeys = billclient.Credentials{AccessKeyID: "AKBENCHMARK", SecretAccessKey: "secret-of-the-benchmark"}

// apiServer returns the simulated billing API. It runs in a process of its own, so that its cost is not measured.
func apiServer(_ context.Context, j job) (http.Handler, error) {
	generated := billsim.Generated(customerID, j.Bill.Lines, j.Bill.Instances, 1)
	api := billsim.New([]billsim.Account{{
		AccessKeyID: customerKeys.AccessKeyID, SecretAccessKey: customerKeys.SecretAccessKey, CustomerID: customerID,
		Bills: func(month string) (billsim.Bill, bool) {
			if month != lastMonth().String() {
				return billsim.Bill{}, false
			}
			return generated(month)
		},
	}})
	if j.Replay {
		return newReplay(api, j.Bill.Lines), nil
	}
	return api, nil
}

// replay renders each answer of an API once and serves its bytes from then on. A reader that is faster than the
// simulator would have to wait for it, and waiting costs CPU time too: the yardsticks would seem more expensive than
// they are.
type replay struct {
	api  http.Handler
	size int // approximate bytes of the largest answer

	mu      sync.Mutex
	answers map[string]*httptest.ResponseRecorder // by query
}

func newReplay(api http.Handler, lines int) *replay {
	return &replay{api: api, size: lines * lineSize, answers: map[string]*httptest.ResponseRecorder{}}
}

// ServeHTTP answers a query. The API checks only the first request with the query.
func (p *replay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	copyAnswer(w, p.answer(r))
}

func (p *replay) answer(r *http.Request) *httptest.ResponseRecorder {
	p.mu.Lock()
	defer p.mu.Unlock()
	answer, ok := p.answers[r.URL.RawQuery]
	if !ok {
		answer = httptest.NewRecorder()
		if r.URL.Query().Get("Action") == billclient.GetPostpayDetailBill {
			answer.Body.Grow(p.size) // growing would copy a gigabyte several times
		}
		p.api.ServeHTTP(answer, r)
		p.answers[r.URL.RawQuery] = answer
	}
	return answer
}

// lineSize is a little more than the bytes of a line.
const lineSize = 1100

// lastMonth is the only month that has a bill.
func lastMonth() billclient.Month { return billclient.MonthOf(time.Now()).Add(-1) }

// emptyPayload is the SHA-256 of nothing, the body of a GET.
const emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// readLines requests the lines of the bill, signed as the API requires, and calls read with the body of the answer.
func readLines(ctx context.Context, j job, read func(io.Reader) error) error {
	month := lastMonth().String()
	query := url.Values{
		"Action": {billclient.GetPostpayDetailBill}, "Version": {"2018-06-01"},
		"BillStartMonth": {month}, "BillEndMonth": {month},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, j.API+"/?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	credentials := aws.Credentials{
		AccessKeyID: customerKeys.AccessKeyID, SecretAccessKey: customerKeys.SecretAccessKey,
	}
	err = v4.NewSigner().SignHTTP(ctx, credentials, req, emptyPayload, "bill", "cn-beijing-6", time.Now())
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	return fetch(http.DefaultClient, req, func(res *http.Response) error { return read(res.Body) })
}

// fetch sends a request and calls read with the answer. Any status but 200 is an error.
func fetch(client *http.Client, req *http.Request, read func(*http.Response) error) error {
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return read(res)
}
