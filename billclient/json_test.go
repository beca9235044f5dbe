package billclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzJSON compares the decoder with encoding/json: both read the same lines from what the decoder accepts.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(jsonAnswer(goodLine(`,"TagSet":[{"Key":"k","Value":"\u00e9\ud83d\ude00"}],"New":{"a":[1]}`))))
	f.Add([]byte(`{"postpaydetailbillset":[` + goodLine(`,"RULEREMARK":1e2`) + `],"RequestId":"r"}`))
	f.Add([]byte(readTestdata(f, "detail_bill.json")))
	f.Add(benchAnswer(0, 2))
	f.Add([]byte(`{"PostpayDetailBillSet" : [ ` + goodLine(`, "TagSet" : [ { "Key" : "\"[" } ] , "\\" : {}`) + ` ] }`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := readAny("application/json", body)
		if err != nil {
			checkTyped(t, err)
			return
		}
		var want struct{ PostpayDetailBillSet []wireLine }
		// encoding/json is stricter about types, and reads \u017f as s and \u212a as k in names.
		err = json.Unmarshal(bytes.TrimPrefix(body, []byte("\uFEFF")), &want)
		if err != nil || bytes.ContainsAny(body, "\u017f\u212a") {
			return
		}
		var lines []Line
		for _, w := range want.PostpayDetailBillSet {
			lines = append(lines, w.line(t))
		}
		if diff := cmp.Diff(lines, got, equalAmounts); diff != "" {
			t.Errorf("lines (-encoding/json +got):\n%s", diff)
		}
	})
}

// wireLine is a line as encoding/json reads and writes it.
type wireLine struct {
	DetailBillNo        wireText
	BillMonth           wireText
	CustomerID          wireText `json:"CustomerId"`
	DetailBillStartTime wireText
	DetailBillEndTime   wireText
	ProductCode         wireText
	ProductName         wireText
	ProductSubTypeName  wireText
	InstanceID          wireText `json:"InstanceId"`
	InstanceName        wireText
	Cost                wireText
	ServiceStartTime    wireText
	BillType            wireText
	BillDays            wireText
	BillHours           wireText
	RegionName          wireText
	ZoneName            wireText
	RuleRemark          wireText
	MeasureAmount       wireText
	Discount            wireText
	ProjectID           wireText `json:"ProjectId"`
	ProjectName         wireText
	ProviderSet         []wirePair
	ConfigSet           []wirePair
	ExtraSet            []wirePair
	TagSet              []wirePair
}

type wirePair struct{ Key, Value wireText }

// wireText is a text that may be written as a number or a bool.
type wireText string

func (w *wireText) UnmarshalJSON(b []byte) error {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	switch value := value.(type) {
	case nil:
		*w = ""
	case string:
		*w = wireText(value)
	case json.Number, bool:
		*w = wireText(bytes.TrimSpace(b))
	default:
		return errors.New("no text")
	}
	return nil
}

func (w wireLine) line(t *testing.T) Line {
	t.Helper()
	month, err := ParseMonth(string(w.BillMonth))
	if err != nil {
		t.Fatal(err)
	}
	return Line{
		DetailBillNo:       string(w.DetailBillNo),
		Month:              month,
		CustomerID:         canonicalNumberID(string(w.CustomerID)),
		StartTime:          string(w.DetailBillStartTime),
		EndTime:            string(w.DetailBillEndTime),
		ProductCode:        string(w.ProductCode),
		ProductName:        string(w.ProductName),
		ProductSubTypeName: string(w.ProductSubTypeName),
		InstanceID:         string(w.InstanceID),
		InstanceName:       string(w.InstanceName),
		Cost:               mustAmount(string(w.Cost)),
		ListCost:           mustAmount(string(w.MeasureAmount)),
		Discount:           string(w.Discount),
		ServiceStartTime:   string(w.ServiceStartTime),
		BillingMode:        string(w.BillType),
		BillDays:           string(w.BillDays),
		BillHours:          string(w.BillHours),
		RegionName:         string(w.RegionName),
		ZoneName:           string(w.ZoneName),
		RuleRemark:         string(w.RuleRemark),
		ProjectID:          canonicalNumberID(string(w.ProjectID)),
		ProjectName:        string(w.ProjectName),
		Providers:          pairsOf(w.ProviderSet),
		Configs:            pairsOf(w.ConfigSet),
		Extras:             pairsOf(w.ExtraSet),
		Tags:               pairsOf(w.TagSet),
	}
}

func pairsOf(wire []wirePair) (pairs []KeyValue) {
	for _, p := range wire {
		pairs = append(pairs, KeyValue{string(p.Key), string(p.Value)})
	}
	return pairs
}

func wireOf(l Line) wireLine {
	return wireLine{
		DetailBillNo:        wireText(l.DetailBillNo),
		BillMonth:           wireText(l.Month.String()),
		CustomerID:          wireText(l.CustomerID),
		DetailBillStartTime: wireText(l.StartTime),
		DetailBillEndTime:   wireText(l.EndTime),
		ProductCode:         wireText(l.ProductCode),
		ProductName:         wireText(l.ProductName),
		ProductSubTypeName:  wireText(l.ProductSubTypeName),
		InstanceID:          wireText(l.InstanceID),
		InstanceName:        wireText(l.InstanceName),
		Cost:                wireText(l.Cost.String()),
		ServiceStartTime:    wireText(l.ServiceStartTime),
		BillType:            wireText(l.BillingMode),
		BillDays:            wireText(l.BillDays),
		BillHours:           wireText(l.BillHours),
		RegionName:          wireText(l.RegionName),
		ZoneName:            wireText(l.ZoneName),
		RuleRemark:          wireText(l.RuleRemark),
		MeasureAmount:       wireText(l.ListCost.String()),
		Discount:            wireText(l.Discount),
		ProjectID:           wireText(l.ProjectID),
		ProjectName:         wireText(l.ProjectName),
		ProviderSet:         wirePairsOf(l.Providers),
		ConfigSet:           wirePairsOf(l.Configs),
		ExtraSet:            wirePairsOf(l.Extras),
		TagSet:              wirePairsOf(l.Tags),
	}
}

func wirePairsOf(pairs []KeyValue) (wire []wirePair) {
	for _, p := range pairs {
		wire = append(wire, wirePair{wireText(p.Key), wireText(p.Value)})
	}
	return wire
}

func checkAsJSON(t *testing.T, got []Line, err error) {
	t.Helper()
	if err != nil {
		checkTyped(t, err)
		return
	}
	wire := struct{ PostpayDetailBillSet []wireLine }{}
	for _, line := range got {
		wire.PostpayDetailBillSet = append(wire.PostpayDetailBillSet, wireOf(line))
	}
	body, err := json.Marshal(wire)
	if err != nil {
		t.Fatal(err)
	}
	again, err := readAny("application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(again, got, equalAmounts); diff != "" {
		t.Errorf("lines (-as JSON +got):\n%s", diff)
	}
}
