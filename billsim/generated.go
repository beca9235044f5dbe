package billsim

import (
	"fmt"
	"iter"
	"strconv"
	"sync"
)

// Generated is the Bills of a big account: every month has a bill of so many lines, about 1 KB of JSON each, over so
// many instances of 8 products, 12 projects and 6 regions. The amounts of a month depend on seed and month, the rest on
// seed. Lines of an instance stand far apart, which is the harder order for whoever adds them up. Exact sums:
// Bill.Sums.
func Generated(customerID string, lines, instances int, seed uint64) func(month string) (Bill, bool) {
	bills := memory(func(month string) Bill {
		return newGenerator(customerID, month, instances, seed, fiveDays(month)).bill(lines)
	})
	return func(month string) (Bill, bool) { return bills(month), true }
}

// GeneratedConsumption is the Consume that goes with Generated: the same instances have a line on each of the first
// days of every month, of about 1 KB of JSON. Its amounts are its own. Any page is as cheap as the first, unless a
// product or project is asked for. Exact sums: Consumption.Sums and Consumption.ByDay.
func GeneratedConsumption(
	customerID string, days, instances int, seed uint64,
) func(month string) (Consumption, bool) {
	months := memory(func(month string) Consumption {
		periods := eachDay(month, days)
		if len(periods) == 0 {
			return Consumption{}
		}
		g, count := newGenerator(customerID, month, instances, seed, periods), len(periods)*instances
		return Consumption{Bill: g.bill(count), EndDate: periods[len(periods)-1].statDate, count: count, at: g.line}
	})
	return func(month string) (Consumption, bool) {
		c := months(month)
		return c, c.count > 0
	}
}

// memory makes what belongs to a month once: a million lines are added up once. Safe for concurrent use.
func memory[T any](of func(month string) T) func(month string) T {
	var months sync.Map // month -> func() T
	return func(month string) T {
		kept, _ := months.LoadOrStore(month, sync.OnceValue(func() T { return of(month) }))
		return kept.(func() T)()
	}
}

// generator makes the lines of one month.
type generator struct {
	instances int
	seed      uint64
	amounts   uint64   // seed of the month's amounts
	periods   []period // the lines of an instance take turns
	kinds     [672]kind
}

// period is what a line is for.
type period struct {
	statDate   string // empty: in a bill
	start, end string
	days       int
}

// fiveDays are the first periods of five days of a month.
func fiveDays(month string) []period {
	periods := make([]period, 5)
	for i := range periods {
		periods[i] = period{
			start: fmt.Sprintf("%s-%02d 00:00:00", month, 1+5*i),
			end:   fmt.Sprintf("%s-%02d 23:59:59", month, 5+5*i),
			days:  5,
		}
	}
	return periods
}

// eachDay has the first days of a month, none if it is none.
func eachDay(month string, days int) []period {
	first, last, ok := daysOf(month)
	if !ok {
		return nil
	}
	var periods []period
	for d := first; d <= min(last, first+day(days)-1); d++ {
		periods = append(periods, period{statDate: d.String(), start: d.at("00:00:00"), end: d.at("23:59:59"), days: 1})
	}
	return periods
}

// kind is what many instances have in common. Their number is a multiple of the numbers of products, projects and so
// on.
type kind struct {
	line    Line
	percent int64
}

func newGenerator(customerID, month string, instances int, seed uint64, periods []period) *generator {
	g := &generator{instances: max(instances, 1), seed: seed, amounts: mix(seed), periods: periods}
	for _, c := range month {
		g.amounts = mix(g.amounts, uint64(c))
	}
	for i := range g.kinds {
		g.kinds[i] = newKind(i, customerID, month, &periods[0])
	}
	return g
}

// newKind is the same for a number, whatever the month. Neighbours differ in all respects. The period stands for all.
func newKind(i int, customerID, month string, p *period) kind {
	product, project, region := documentedProducts[i%8], bigProjects[i/8%12], regions[i/4%6]
	percent := 70 + 5*(i%7)
	l := Line{
		BillMonth:          month,
		CustomerID:         customerID,
		ProductCode:        product.Key,
		ProductName:        product.Value,
		ProductSubTypeName: bigSubTypes[i/3%4],
		ServiceStartTime:   "2024-03-08 17:22:54",
		BillType:           bigModes[i/5%4],
		BillDays:           p.days,
		RegionName:         region.Key,
		ZoneName:           region.Value,
		Discount:           fmt.Sprintf("%d.%02d", percent/100, percent%100),
		ProjectID:          project.Key,
		ProjectName:        project.Value,
		Providers:          bigProviders,
		Configs:            bigConfigs[i/6%8],
		Extras:             []KeyValue{{"内网IP", ""}, {"公网IP", ""}},
		Tags:               bigTags[i/7%4],
		daily:              p.statDate != "",
	}
	l.pieces = newPieces(l)
	return kind{l, int64(percent)}
}

// bill has so many lines.
func (g *generator) bill(lines int) Bill {
	all := linesAt(g.line, 0, lines)
	return Bill{Lines: all, summary: sync.OnceValue(func() summary { return summarize(Bill{Lines: all}) })}
}

// linesAt yields the lines from number first on, without the one at end.
func linesAt(at func(n int) Line, first, end int) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		for n := first; n < end; n++ {
			if !yield(at(n)) {
				return
			}
		}
	}
}

func (g *generator) line(n int) Line {
	bits := mix(g.seed, uint64(n%g.instances))
	kind := &g.kinds[bits%uint64(len(g.kinds))]
	period := &g.periods[n/g.instances%len(g.periods)]
	text := newLineTexts(n, bits)
	l := kind.line
	l.DetailBillNo, l.InstanceID, l.InstanceName = text.no, text.id, text.name
	l.StatDate, l.StartTime, l.EndTime = period.statDate, period.start, period.end
	l.MeasureAmount = g.amount(n)
	l.Cost = l.MeasureAmount.discounted(kind.percent)
	l.Extras = []KeyValue{{l.Extras[0].Key, text.ip}, l.Extras[1]}
	return l
}

// amount is a list price below 300 yuan; one in 997 is a refund, one in 50 is zero.
func (g *generator) amount(n int) Amount {
	h := mix(g.amounts, uint64(n))
	switch list := Amount(h>>16%30_000) * Fen; {
	case h%997 == 0:
		return -list
	case h%50 == 0:
		return 0
	default:
		return list
	}
}

// lineTexts are what differs between any two lines or instances, cut from one string.
type lineTexts struct{ no, id, name, ip string }

func newLineTexts(n int, bits uint64) lineTexts {
	var room [128]byte
	b := strconv.AppendUint(room[:0], 1e15+uint64(n), 10)
	b = appendUUID(b, bits, mix(bits))
	b = append(b, "prod-order-service-"...)
	b = strconv.AppendUint(b, bits>>40, 10)
	name := len(b)
	b = append(b, "10."...)
	b = append(strconv.AppendUint(b, bits>>8%256, 10), '.')
	b = append(strconv.AppendUint(b, bits>>16%256, 10), '.')
	b = strconv.AppendUint(b, bits>>24%256, 10)
	s := string(b)
	return lineTexts{no: s[1:16], id: s[16:52], name: s[52:name], ip: s[name:]} // without the 1 of 1e15
}

// regions are RegionName and ZoneName; the pages show one of them, the others are made in its likeness.
var regions = [6]KeyValue{
	{"亦庄(VPC)", "华北1(北京)可用区A"},
	{"顺义(VPC)", "华北1(北京)可用区C"},
	{"上海二区(VPC)", "华东1(上海)可用区A"},
	{"上海三区(VPC)", "华东1(上海)可用区B"},
	{"广州(VPC)", "华南1(广州)可用区A"},
	{"香港(VPC)", "香港可用区A"},
}

var bigProjects = [12]KeyValue{
	{"0", "默认项目"},
	{"103800", "交易平台"},
	{"103801", "搜索推荐"},
	{"103802", "广告系统"},
	{"103803", "支付清算"},
	{"103804", "数据仓库"},
	{"103805", "日志平台"},
	{"103806", "音视频"},
	{"103807", "机器学习"},
	{"103808", "基础架构"},
	{"103809", "测试环境"},
	{"103810", "海外业务"},
}

var (
	bigSubTypes  = [4]string{"本地高性能云主机", "IO优化型云主机", "通用型实例", "标准型实例"}
	bigModes     = [4]string{modeDaily, modeMonthly, modeHourly, modeTraffic}
	bigProviders = []KeyValue{{"操作系统", "linux"}}
	bigTags      = [4][]KeyValue{nil, {{"环境", "生产"}}, {{"环境", "测试"}, {"部门", "基础架构部"}}, {{"部门", "交易中台"}}}
	bigConfigs   = newBigConfigs()
)

func newBigConfigs() (sets [8][]KeyValue) {
	for i := range sets {
		cores := 1 << (i % 4)
		sets[i] = []KeyValue{
			{"CPU核数", fmt.Sprintf("%d.0000", cores)},
			{"内存大小(GB)", fmt.Sprintf("%d.0000", cores*(1+i/4)*2)},
			{"SSD盘大小(GB)", fmt.Sprintf("%d.0000", 50*(i+1))},
			{"SATA盘大小(GB)", ""},
		}
	}
	return sets
}
