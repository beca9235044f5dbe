package web

import (
	"testing"

	"ksyun_bill_exporter/billclient"
	"ksyun_bill_exporter/metrics"
)

func TestFormats(t *testing.T) {
	yuan := func(text string) billclient.Amount { return parseYuan(t, text) }
	ranked := func(rest string, products ...string) metrics.MonthStatus {
		m := metrics.MonthStatus{Rest: metrics.Part{Cost: yuan(rest)}}
		for _, text := range products {
			m.Products = append(m.Products, metrics.Part{Cost: yuan(text)})
		}
		return m
	}
	covered := func(lines, missing string, modes ...string) string {
		sum := yuan(lines)
		m := metrics.MonthStatus{Details: metrics.Details{Lines: &sum, Missing: yuan(missing)}}
		for _, text := range modes {
			m.Modes = append(m.Modes, metrics.Part{Cost: yuan(text)})
		}
		return formatCoverage(m)
	}
	for _, c := range []struct {
		got, want string
	}{
		{formatCost(yuan("0")), "0.00"},
		{formatCost(yuan("-0.5")), "-0.50"},
		{formatCost(yuan("999.00000000")), "999.00"},
		{formatCost(yuan("1000")), "1,000.00"},
		{formatCost(yuan("-123456.123456789")), "-123,456.123456789"},
		{formatCost(yuan("12345678901234567890123.4")), "12,345,678,901,234,567,890,123.40"},
		{formatCents(yuan("1234.565")), "1,234.57"},
		{formatCents(yuan("-1234.564999")), "-1,234.56"},
		{formatCents(yuan("0.995")), "1.00"},
		{formatCents(yuan("-0.004")), "0.00"},
		{formatCents(yuan("12345678901234567890123.456")), "12,345,678,901,234,567,890,123.46"},
		{string(showCost(yuan("1000.5"))), `<data value="1000.5">1,000.50</data>`},
		{string(showCost(yuan("-1000.505"))), `<data value="-1000.505" title="-1,000.505">-1,000.51</data>`},
		{formatGrowth(0.1234), "+12.3%"},
		{formatGrowth(-1), "\u2212100.0%"},
		{formatGrowth(-0.0001), "+0.0%"},
		{budgetUse{yuan("200"), yuan("50")}.Width(), "25.0%"},
		{budgetUse{yuan("200"), yuan("500")}.Width(), "100.0%"},
		{budgetUse{yuan("200"), yuan("-5")}.Width(), "0.0%"},
		{budgetUse{}.Width(), "0%"},
		{formatShare(yuan("0.7"), yuan("1")), "70.0%"},
		{formatShare(yuan("999.99"), yuan("1000")), "99.9%"},
		{formatShare(yuan("1000"), yuan("1000")), "100.0%"},
		{formatShare(yuan("-1050"), yuan("2100000000")), "0.0%"},
		{formatShare(yuan("-0.7"), yuan("10")), "-7.0%"},
		{formatShare(yuan("1"), yuan("0")), ""},
		{formatShare(yuan("20999999999.99999999"), yuan("21000000000")), "99.9%"},
		{covered("999.99", "0", "1000"), "99.9%"},
		{covered("0", "0", "0"), "100.0%"},
		{covered("-700", "0", "-700"), "100.0%"},
		{covered("1000.01", "0", "1000"), ""},
		{covered("-1", "0", "1000"), ""},
		{covered("1000", "0", "1000", "500", "-100"), "100.0%"},
		{covered("1000", "500", "1000", "500"), "66.6%"}, // the other pay modes are known as a sum only
		{covered("1000.01", "0.01", "1000", "500"), ""},  // too many lines do not make up for too few days
		{covered("1000", "0.00000001", "1000", "21000000000"), "99.9%"},
		{covered("100", "200", "100", "-200"), "33.3%"}, // a pay mode that was paid back
		{covered("0", "7", "0", "5"), "0.0%"},
		{covered("0", "7", "0"), "0.0%"},
		{formatBarWidth(yuan("-5"), ranked("20", "8", "-5")), "25.0%"},
		{formatBarWidth(yuan("8"), ranked("4", "8", "-5")), "100.0%"},
		{formatBarWidth(yuan("0"), ranked("0", "0")), "0%"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
