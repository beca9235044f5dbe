package billsim

import (
	"fmt"
	"iter"
)

// Generated returns the Bills of a big account: every month has a bill of the given number of lines, about 1 KB of JSON
// each, over the given number of instances of 8 products, 12 projects and 6 regions. The amounts of a month depend on
// seed and month, everything else depends on seed only. Lines of an instance stand far apart, which is the harder order
// for programs that add them up. Bill.Sums has the exact sums. The returned function is safe for concurrent use.
func Generated(customerID string, lines, instances int, seed uint64) func(month string) (Bill, bool) {
	return func(month string) (Bill, bool) {
		g := newGenerator(customerID, month, instances, seed, fiveDayPeriods(month))
		return Bill{Lines: g.lines(lines)}, true
	}
}

// GeneratedConsumption returns the Consume that belongs to Generated: the same instances have a line on each of the
// first days of every month, of about 1 KB of JSON. Its amounts are not those of the bill. Consumption.Sums and
// Consumption.ByDay have the exact sums. The returned function is safe for concurrent use.
func GeneratedConsumption(
	customerID string, days, instances int, seed uint64,
) func(month string) (Consumption, bool) {
	return func(month string) (Consumption, bool) {
		periods := dailyPeriods(month, days)
		if len(periods) == 0 {
			return Consumption{}, false
		}
		g := newGenerator(customerID, month, instances, seed, periods)
		bill := Bill{Lines: g.lines(len(periods) * instances)}
		return Consumption{Bill: bill, EndDate: periods[len(periods)-1].statDate}, true
	}
}

// generator makes the lines of one month.
type generator struct {
	customerID string
	month      string
	instances  int
	seed       uint64
	amountSeed uint64   // of the month's amounts
	periods    []period // the lines of an instance take turns
}

// period is the time that a line is for.
type period struct {
	statDate   string // empty: in a bill
	start, end string
	days       int
}

// fiveDayPeriods returns the first five periods of five days of a month.
func fiveDayPeriods(month string) []period {
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

// dailyPeriods returns the first days of a month, nil if month is not one.
func dailyPeriods(month string, days int) []period {
	first, last, ok := daysOf(month)
	if !ok {
		return nil
	}
	var periods []period
	for d := first; d <= min(last, first+day(days)-1); d++ {
		periods = append(periods, period{
			statDate: d.String(), start: d.timestamp("00:00:00"), end: d.timestamp("23:59:59"), days: 1,
		})
	}
	return periods
}

func newGenerator(customerID, month string, instances int, seed uint64, periods []period) *generator {
	g := &generator{
		customerID: customerID,
		month:      month,
		instances:  max(instances, 1),
		seed:       seed,
		amountSeed: mix(seed),
		periods:    periods,
	}
	for _, c := range month {
		g.amountSeed = mix(g.amountSeed, uint64(c))
	}
	return g
}

func (g *generator) lines(count int) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		for n := range count {
			if !yield(g.newLine(n)) {
				return
			}
		}
	}
}

// kinds is the number of kinds of instances. It is a multiple of the numbers of products, projects and so on, so that
// all of them are equally frequent.
const kinds = 672

func (g *generator) newLine(n int) Line {
	bits := mix(g.seed, uint64(n%g.instances))
	kind := int(bits % kinds)
	product, project, region := documentedProducts[kind%8], generatedProjects[kind/8%12], regions[kind/4%6]
	percent := int64(70 + 5*(kind%7))
	period := g.periods[n/g.instances%len(g.periods)]
	list := g.listAmount(n)
	return Line{
		DetailBillNo:       fmt.Sprintf("%015d", n),
		BillMonth:          g.month,
		CustomerID:         g.customerID,
		StatDate:           period.statDate,
		StartTime:          period.start,
		EndTime:            period.end,
		ProductCode:        product.Key,
		ProductName:        product.Value,
		ProductSubTypeName: generatedSubTypes[kind/3%4],
		InstanceID:         newUUID(bits, mix(bits)),
		InstanceName:       fmt.Sprintf("prod-order-service-%d", bits>>40),
		Cost:               list.discount(percent),
		ServiceStartTime:   "2024-03-08 17:22:54",
		BillType:           generatedModes[kind/5%4],
		BillDays:           period.days,
		RegionName:         region.Key,
		ZoneName:           region.Value,
		MeasureAmount:      list,
		Discount:           discountFactor(percent),
		ProjectID:          project.Key,
		ProjectName:        project.Value,
		Providers:          linuxProviders,
		Configs:            generatedConfigs[kind/6%8],
		Extras:             []KeyValue{{"内网IP", privateIP(bits)}, {"公网IP", ""}},
		Tags:               generatedTags[kind/7%4],
	}
}

// listAmount returns a list price below 300 yuan; one in 997 is a refund, one in 50 is zero.
func (g *generator) listAmount(n int) Amount {
	h := mix(g.amountSeed, uint64(n))
	switch list := Amount(h>>16%30_000) * Fen; {
	case h%997 == 0:
		return -list
	case h%50 == 0:
		return 0
	default:
		return list
	}
}

func privateIP(bits uint64) string {
	return fmt.Sprintf("10.%d.%d.%d", bits>>8%256, bits>>16%256, bits>>24%256)
}

// discountFactor returns percent as the bills write it: 0.75.
func discountFactor(percent int64) string { return fmt.Sprintf("%d.%02d", percent/100, percent%100) }

// regions are RegionName and ZoneName; the pages show one of them, the others are made in its likeness.
var regions = [6]KeyValue{
	{"亦庄(VPC)", "华北1(北京)可用区A"},
	{"顺义(VPC)", "华北1(北京)可用区C"},
	{"上海二区(VPC)", "华东1(上海)可用区A"},
	{"上海三区(VPC)", "华东1(上海)可用区B"},
	{"广州(VPC)", "华南1(广州)可用区A"},
	{"香港(VPC)", "香港可用区A"},
}

var generatedProjects = [12]KeyValue{
	defaultProject,
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
	generatedSubTypes = [4]string{"本地高性能云主机", "IO优化型云主机", "通用型实例", "标准型实例"}
	generatedModes    = [4]string{modeDaily, modeMonthly, modeHourly, modeTraffic}
	linuxProviders    = []KeyValue{{"操作系统", "linux"}}
	generatedTags     = [4][]KeyValue{nil, {{"环境", "生产"}}, {{"环境", "测试"}, {"部门", "基础架构部"}}, {{"部门", "交易中台"}}}
	generatedConfigs  = newGeneratedConfigs()
)

func newGeneratedConfigs() (sets [8][]KeyValue) {
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
