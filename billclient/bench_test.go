package billclient

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// benchLine writes a line of about 1 KB, as a cloud host has it.
func benchLine(b *bytes.Buffer, i int) {
	fmt.Fprintf(b, `{"DetailBillNo":"%015d","BillMonth":"2026-10","CustomerId":"73400575",`, i)
	b.WriteString(`"DetailBillStartTime":"2026-10-01 00:00:00","DetailBillEndTime":"2026-10-31 23:59:59",`)
	b.WriteString(`"ProductCode":"KEC","ProductName":"云服务器(KEC)","ProductSubTypeName":"标准型S6",`)
	fmt.Fprintf(b, `"InstanceId":"c35d5c4a-06e6-446c-811f-%012x","InstanceName":"web-%d",`, i/5, i/5)
	fmt.Fprintf(b, `"Cost":"%d.%02d","ServiceStartTime":"2025-03-08 17:22:54","BillType":"按日配置付费",`, i%1000, i%100)
	b.WriteString(`"BillDays":"31","BillHours":"0","RegionName":"华北1（北京）","ZoneName":"可用区A","RuleRemark":"",`)
	fmt.Fprintf(b, `"MeasureAmount":"%d.%02d","Discount":"0.75","ProjectId":"%d","ProjectName":"项目",`,
		i%2000, i%100, i%9)
	b.WriteString(`"ProviderSet":[{"Key":"操作系统","Value":"linux"}],"ConfigSet":[{"Key":"CPU","Value":"4.0000"},` +
		`{"Key":"内存(GB)","Value":"8.0000"},{"Key":"SSD(GB)","Value":"50.0000"}],` +
		`"ExtraSet":[{"Key":"内网IP","Value":"10.136.26.121"},{"Key":"外网IP","Value":""}],` +
		`"TagSet":[{"Key":"部门","Value":"广告"}]}`)
}

func benchAnswer(first, lines int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"RequestId":"9a12cb1f-85bc-4a69-a4f5-5f669f22d8eb","PostpayDetailBillSet":[`)
	for i := range lines {
		if i > 0 {
			b.WriteByte(',')
		}
		benchLine(&b, first+i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

const benchLines = 20000

func reportPerLine(b *testing.B, size int) {
	b.SetBytes(int64(size))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchLines), "ns/line")
}

// BenchmarkLines reads lines out of memory; beside it, the yardsticks: a loop over every byte, and counting.
func BenchmarkLines(b *testing.B) {
	answer := benchAnswer(0, benchLines)
	for _, q := range []struct {
		name  string
		query DetailQuery
	}{
		{"no sets", DetailQuery{}}, {"tags", DetailQuery{Tags: true}}, {"all sets", DetailQuery{Sets: true}},
	} {
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			q.query.From, q.query.To = october, october
			for b.Loop() {
				n, err := countLines(answer, q.query)
				if err != nil || n != benchLines {
					b.Fatal(n, err)
				}
			}
			reportPerLine(b, len(answer))
		})
	}
	b.Run("loop over every byte", func(b *testing.B) {
		sum := 0
		for b.Loop() {
			for _, c := range answer {
				if c == '"' {
					sum++
				}
			}
		}
		if sum == 0 {
			b.Fatal("no quote")
		}
		reportPerLine(b, len(answer))
	})
}

func countLines(answer []byte, q DetailQuery) (n int, err error) {
	r := responseOf("application/json", answer)
	err = readLines(r, q, func(*Line) error {
		n++
		return nil
	})
	return n, err
}

// BenchmarkStream reads lines over loopback HTTP, beside counting the same bytes.
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

// BenchmarkPages reads as many lines of consumption, from four pages.
func BenchmarkPages(b *testing.B) {
	var bodies [][]byte
	size := 0
	day := strings.NewReplacer(`"DetailBillStartTime"`, `"DetailBillStatDate":"2026-10-05","DetailBillStartTime"`,
		`{"RequestId"`, fmt.Sprintf(`{"Total":%d,"RequestId"`, benchLines))
	for first := 0; first < benchLines; first += maxPageSize {
		body := day.Replace(string(benchAnswer(first, maxPageSize)))
		bodies, size = append(bodies, []byte(body)), size+len(body)
	}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		p := newPagesReader(ConsumeQuery{Month: october}, func(*Line) error { n++; return nil })
		for _, body := range bodies {
			if err := p.readPage(responseOf("application/json", body)); err != nil {
				b.Fatal(err)
			}
			p.page++
		}
		if n != benchLines || !p.done {
			b.Fatal(n, p.done)
		}
	}
	reportPerLine(b, size)
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
