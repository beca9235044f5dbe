package main

import (
	"context"
	"encoding/json"
	"io"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// answer is the API's answer as programs usually declare it (https://endocs.ksyun.com/documents/37510 and 37511).
type answer struct {
	RequestID            string `json:"RequestId"`
	PostpayDetailBillSet []detail
}

// detail is a line of the answer.
type detail struct {
	DetailBillNo        string
	BillMonth           string
	CustomerID          string `json:"CustomerId"`
	DetailBillStartTime string
	DetailBillEndTime   string
	ProductCode         string
	ProductName         string
	ProductSubTypeName  string
	InstanceID          string `json:"InstanceId"`
	InstanceName        string
	Cost                string
	ServiceStartTime    string
	BillType            string
	BillDays            string
	BillHours           string
	RegionName          string
	ZoneName            string
	RuleRemark          string
	MeasureAmount       string
	Discount            string
	ProjectID           string `json:"ProjectId"`
	ProjectName         string
	ProviderSet         []keyValue
	ConfigSet           []keyValue
	ExtraSet            []keyValue
	TagSet              []keyValue
}

// keyValue is an entry of the sets of a line.
type keyValue struct{ Key, Value string }

// measureUsualWay measures how exporters usually read a bill: the whole body, json.Unmarshal, a GaugeVec.
func measureUsualWay(ctx context.Context, j job) (measurement, error) {
	return j.measure(func() error {
		var a answer
		err := readLines(ctx, j, func(body io.Reader) error {
			text, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			return json.Unmarshal(text, &a)
		})
		if err != nil {
			return err
		}
		gauges := newCosts()
		if err := a.addTo(gauges); err != nil {
			return err
		}
		return checkInstances(j, countGauges(gauges))
	})
}

func newCosts() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "cost_cny", Help: "Cost of an instance in CNY."},
		[]string{"product_code", "project_id", "instance_id", "instance_name"})
}

func (a *answer) addTo(gauges *prometheus.GaugeVec) error {
	for _, d := range a.PostpayDetailBillSet {
		cost, err := strconv.ParseFloat(d.Cost, 64)
		if err != nil {
			return err
		}
		gauges.WithLabelValues(d.ProductCode, d.ProjectID, d.InstanceID, d.InstanceName).Add(cost)
	}
	return nil
}

func countGauges(gauges *prometheus.GaugeVec) (n int) {
	metrics := make(chan prometheus.Metric)
	go func() {
		gauges.Collect(metrics)
		close(metrics)
	}()
	for range metrics {
		n++
	}
	return n
}

// measureSDKWay measures a program that uses the vendor's SDK for Go and adds up the lines per instance. The SDK reads
// the whole body and returns it as a string, because its types for this service are empty.
func measureSDKWay(ctx context.Context, j job) (measurement, error) {
	return j.measure(func() error {
		var text string
		err := readLines(ctx, j, func(body io.Reader) error {
			read, err := io.ReadAll(body)
			text = string(read)
			return err
		})
		if err != nil {
			return err
		}
		var a answer
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			return err
		}
		sums := map[string]float64{}
		for _, d := range a.PostpayDetailBillSet {
			cost, err := strconv.ParseFloat(d.Cost, 64)
			if err != nil {
				return err
			}
			sums[d.InstanceID] += cost
		}
		return checkInstances(j, len(sums))
	})
}
