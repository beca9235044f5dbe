package main

import (
	"fmt"
	"iter"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ksyun_bill_exporter/billclient"
)

// TestCompany checks the documents of a company, several pages of lines among them, against their summaries: in the
// beginning, and when the running month has grown and a product of the last bill has been corrected.
func TestCompany(t *testing.T) {
	server := httptest.NewServer(newCompanyAPI(company{Instances: 2000, Grows: true}))
	defer server.Close()
	options := clientOptions(job{API: server.URL})
	options.UnionEndpoint = server.URL
	c := billclient.New(options)
	last, running := lastMonth(), lastMonth().Add(1)
	var bills []document
	for _, want := range []map[string]int{
		{"running": 9000, "last": 10_000, "bill": 10_000, "instances": 2000},
		{"running": 9500, "last": 10_000, "bill": 10_000, "instances": 2000},
	} {
		got := map[string]int{}
		for name, d := range map[string]document{
			"running": readConsumption(t, c, running), "last": readConsumption(t, c, last), "bill": readBill(t, c, last),
			"instances": readInstances(t, c, last),
		} {
			got[name] = d.lines
			if d.sum != d.summary {
				t.Errorf("%s: the lines come to %v, the summary to %v", name, d.sum, d.summary)
			}
			if name == "bill" {
				bills = append(bills, d)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
		for range correctedIn { // each begins a round
			readBillSum(t, c, last)
		}
	}
	corrected := fmt.Sprintf("%.2f", .01*float64(bills[0].corrected))
	if got := fmt.Sprint(bills[1].sum.Sub(bills[0].sum)); got != corrected || bills[0].corrected == 0 {
		t.Errorf("the bill has changed by %s, want %s", got, corrected)
	}
}

// document is what a document with lines and its summary say.
type document struct {
	lines, corrected int // all of them, and those of the product that is corrected
	sum, summary     billclient.Amount
}

func readConsumption(t *testing.T, c *billclient.Client, m billclient.Month) document {
	t.Helper()
	d := addDocument(t, c.GetPostpayDetailConsume(t.Context(), billclient.ConsumeQuery{Month: m}))
	filtered := addDocument(t, c.GetPostpayDetailConsume(t.Context(),
		billclient.ConsumeQuery{Month: m, ProductCode: correctedProduct}))
	if filtered.lines != d.corrected {
		t.Errorf("%v: %d lines of %s, want %d", m, filtered.lines, correctedProduct, d.corrected)
	}
	months, err := c.GetMonthConsume(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	d.summary = months[0].Sum
	return d
}

func readBill(t *testing.T, c *billclient.Client, m billclient.Month) document {
	t.Helper()
	d := addDocument(t, c.GetPostpayDetailBill(t.Context(), billclient.DetailQuery{From: m, To: m}))
	d.summary = readBillSum(t, c, m)
	return d
}

func readInstances(t *testing.T, c *billclient.Client, m billclient.Month) (d document) {
	t.Helper()
	for l, err := range c.DescribeInstanceSummaryBills(t.Context(), m, billclient.UnionSets{}) {
		if err != nil {
			t.Fatal(err)
		}
		if l.PayMode == billclient.Postpaid {
			d.lines++
			d.sum = d.sum.Add(l.Cost)
		}
	}
	d.summary = readBillSum(t, c, m)
	return d
}

func readBillSum(t *testing.T, c *billclient.Client, m billclient.Month) billclient.Amount {
	t.Helper()
	months, err := c.GetMonthBill(t.Context(), m, m)
	if err != nil {
		t.Fatal(err)
	}
	return months[0].Sum
}

func addDocument(t *testing.T, lines iter.Seq2[billclient.Line, error]) (d document) {
	t.Helper()
	for l, err := range lines {
		if err != nil {
			t.Fatal(err)
		}
		if d.lines++; l.ProductCode == correctedProduct {
			d.corrected++
		}
		d.sum = d.sum.Add(l.Cost)
	}
	return d
}
