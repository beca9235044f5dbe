package billsim

import (
	"encoding/csv"
	"strconv"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// csvHeader is the header line of the vendor's Chinese page. Its last name is empty because that line ends in a comma.
// Rows do not end in one.
var csvHeader = []string{
	"账单月", "客户ID", "账单ID", "产品线", "产品类型", "产品ID", "产品名称", "账单开始时间", "账单结束时间", "服务开始时间", "计费方式", "计费天数",
	"计费时长", "机房", "可用区", "说明", "原价(元)", "折扣", "成交价(元)", "归属项目组", "价格影响因子", "配置", "附属信息", "标签信息", "",
}

// writeCSV writes GBK, as the vendor's page says. Characters that GBK does not have become its substitute. Fields with
// a comma, a quote or a new line are quoted as usual (RFC 4180): what the vendor does with them is not documented.
func writeCSV(x *exchange, b *body) error {
	w := csv.NewWriter(encoding.ReplaceUnsupported(simplifiedchinese.GBK.NewEncoder()).Writer(b))
	if err := w.Write(csvHeader); err != nil {
		return err
	}
	w.Flush()
	for l := range x.lines() {
		if err := w.Write(csvRow(&l)); err != nil {
			return err
		}
		if w.Flush(); w.Error() != nil {
			return w.Error()
		}
		if err := b.endLine(); err != nil {
			return err
		}
	}
	return w.Error()
}

func csvRow(l *Line) []string {
	return []string{
		l.BillMonth, l.CustomerID, l.DetailBillNo, l.ProductName, l.ProductSubTypeName, l.InstanceID, l.InstanceName,
		l.StartTime, l.EndTime, l.ServiceStartTime, l.BillType, strconv.Itoa(l.BillDays), strconv.Itoa(l.BillHours),
		l.RegionName, l.ZoneName, l.RuleRemark, l.measureText(), l.Discount, l.costText(), l.ProjectName,
		csvSet(l.Providers), csvSet(l.Configs), csvSet(l.Extras), csvSet(l.Tags),
	}
}

// csvSet returns the pairs as "key: value|key:|".
func csvSet(pairs []KeyValue) string {
	var b strings.Builder
	for _, kv := range pairs {
		b.WriteString(kv.Key + ":")
		if kv.Value != "" {
			b.WriteString(" " + kv.Value)
		}
		b.WriteString("|")
	}
	return b.String()
}
