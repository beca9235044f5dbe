package billclient

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sampleLine returns the line of the detail samples, with the values of the JSON one.
func sampleLine() Line {
	return Line{
		DetailBillNo:       "000000017299675",
		Month:              june2018,
		CustomerID:         "73400575",
		StartTime:          "2018-06-01 00:00:00",
		EndTime:            "2018-06-25 23:59:59",
		ProductCode:        "KEC",
		ProductName:        "KEC",
		ProductSubTypeName: "Local high-performance KEC instance",
		InstanceID:         "c35d5c4a-06e6-446c-811f-db5380e8627c",
		InstanceName:       "KSC180308172229_1",
		Cost:               mustAmount("55"),
		ListCost:           mustAmount("73.33"),
		Discount:           "0.75",
		ServiceStartTime:   "2018-03-08 17:22:54",
		BillingMode:        "Pay-By-Daily-Config",
		BillDays:           "25",
		BillHours:          "0",
		RegionName:         "Yizhuang (VPC)",
		ZoneName:           "Availability zone A of CN North 1 (Beijing)",
		RuleRemark:         "",
		ProjectID:          "0",
		ProjectName:        "Default project",
		Providers:          []KeyValue{{"Operating system", "linux"}},
		Configs: []KeyValue{
			{"SSD size in GB", "50.0000"},
			{"Number of CPU cores", "1.0000"},
			{"Size of the SATA disk, in GB", ""},
			{"Memory size, in GB", "1.0000"},
		},
		Extras: []KeyValue{{"Private IP address", "10.136.26.121"}, {"Public IP address", ""}},
	}
}

// xmlSampleLine returns the line of the XML sample, which differs from the JSON one in two keys.
func xmlSampleLine() Line {
	line := sampleLine()
	line.Configs[0].Key = "SSD size, in GB"
	line.Configs[2].Key = "Size of the Serial Advanced Technology Attachment (SATA) disk, in GB"
	return line
}

// csvSampleLine returns the line of the CSV sample, which has names without ids, and keys of its own.
func csvSampleLine() Line {
	line := sampleLine()
	line.ProductCode, line.ProjectID = "", ""
	line.Providers[0].Value = "Linux"
	for i, key := range []string{"SSD size (GB)", "Number of CPU cores", "SATA disk size (GB)", "Memory size (GB)"} {
		line.Configs[i].Key = key
	}
	line.Extras[0].Value = ""
	return line
}

func TestDetailBillSamples(t *testing.T) {
	q := DetailQuery{From: june2018, To: june2018, ProductCode: "KEC", ProjectID: "0", Sets: true}
	tests := []struct {
		file, contentType string
		want              Line
	}{
		{"detail_bill.json", "application/json", sampleLine()},
		{"detail_bill.json", "", sampleLine()},
		{"detail_bill.xml", "application/xml; charset=utf-8", xmlSampleLine()},
		{"detail_bill.xml", "text/plain", xmlSampleLine()},
		{"detail_bill.csv", "text/csv", csvSampleLine()},
	}
	for _, tt := range tests {
		t.Run(tt.file+" as "+tt.contentType, func(t *testing.T) {
			var query url.Values
			c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
				query = r.URL.Query()
				respondWith(200, tt.contentType, readTestdata(t, tt.file))(w, r)
			})
			action, stream := GetPostpayDetailBill, c.GetPostpayDetailBill
			if strings.HasSuffix(tt.file, "csv") {
				action, stream = GetPostpayDetailBillCSV, c.GetPostpayDetailBillCSV
			}
			got, err := collectLines(stream(t.Context(), q))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]Line{tt.want}, got, equalAmounts); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			wantQuery := url.Values{
				"Action": {action}, "Version": {"2018-06-01"}, "BillStartMonth": {"2018-06"},
				"BillEndMonth": {"2018-06"}, "ProductCode": {"KEC"}, "ProjectId": {"0"},
			}
			if diff := cmp.Diff(wantQuery, query); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSetsOnDemand tests that only the sets are read that are asked for.
func TestSetsOnDemand(t *testing.T) {
	tagSet := `"TagSet": [{"Key": "部门", "Value": "广告"}]`
	body := strings.Replace(readTestdata(t, "detail_bill.json"), `"TagSet": []`, tagSet, 1)
	want := sampleLine()
	want.Providers, want.Configs, want.Extras = nil, nil, nil
	for _, tags := range []bool{false, true} {
		if tags {
			want.Tags = []KeyValue{{"部门", "广告"}}
		}
		c := newTestClient(t, respondWith(200, "application/json", body))
		q := DetailQuery{From: june2018, To: june2018, Tags: tags}
		got, err := collectLines(c.GetPostpayDetailBill(t.Context(), q))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Line{want}, got, equalAmounts); diff != "" {
			t.Errorf("Tags: %v (-want +got):\n%s", tags, diff)
		}
	}
}

// TestEarlyEnd tests a consumer that ends a stream early: the attempt succeeds, and the connection is closed.
func TestEarlyEnd(t *testing.T) {
	runConversation(t, Options{}, func(t *testing.T, c *conversation) {
		for _, err := range c.GetPostpayDetailBill(t.Context(), octoberLines) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		if len(c.attempts) != 1 || c.attempts[0].Reason != "" {
			t.Errorf("attempts %v", c.attempts)
		}
	}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.TrimSuffix(jsonAnswer(goodLine(""), goodLine("")), "]}"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
}

// BenchmarkStream reads lines over loopback HTTP. For comparison, it also measures reading the bytes alone.
func BenchmarkStream(b *testing.B) {
	answer := benchAnswer(0, benchLines)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(answer)
	}))
	defer server.Close()
	b.Run("lines", func(b *testing.B) {
		c := New(Options{Endpoint: server.URL, Region: "cn-beijing-6", Credentials: testKeys})
		b.ReportAllocs()
		for b.Loop() {
			for _, err := range c.GetPostpayDetailBill(b.Context(), DetailQuery{From: october, To: october}) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		reportPerLine(b, len(answer))
	})
	b.Run("count the bytes", func(b *testing.B) {
		for b.Loop() {
			if err := countBytes(b.Context(), server.URL); err != nil {
				b.Fatal(err)
			}
		}
		reportPerLine(b, len(answer))
	})
}

func countBytes(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
