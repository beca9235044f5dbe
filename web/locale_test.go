package web

import (
	"html/template"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"
)

func TestLocaleFormats(t *testing.T) {
	yuan := func(text string) billclient.Amount { return parseYuan(t, text) }
	english := locales[0]
	noon := time.Date(2026, 11, 2, 12, 0, 0, 0, billclient.Beijing)
	for _, c := range []struct {
		got  template.HTML
		want string
	}{
		{english.formatChange(yuan("110"), yuan("100")), "10.0% more"},
		{english.formatChange(yuan("90"), yuan("100")), "10.0% less"},
		{english.formatChange(yuan("100.01"), yuan("100")), "as much"},
		{english.formatChange(yuan("1"), yuan("0")), "not to be compared"},
		{english.formatChange(yuan("0"), yuan("0")), "as much"},
		{english.translate("customer %s", "<b>&"), "customer &lt;b&gt;&amp;"},
		{english.translate("customer %s", isolate("<b>")), "customer <bdi>&lt;b&gt;</bdi>"},
		{english.formatAge(time.Time{}, noon), "never"},
		{english.formatAge(noon.Add(-59*time.Second), noon), "just now"},
		{english.formatAge(noon.Add(-59*time.Minute), noon), "59 min ago"},
		{english.formatAge(noon.Add(-47*time.Hour), noon), "47 h ago"},
		{english.formatAge(noon.Add(-48*time.Hour), noon), "2 days ago"},
		{english.formatNext(noon, noon), "at once"},
		{english.formatNext(noon.Add(8*time.Hour), noon), "<time>20:00</time>"},
		{english.formatNext(noon.Add(12*time.Hour), noon), "<time>2026-11-03 00:00</time>"},
		{english.formatDataEnd(noon), "to <time>2026-11-02 12:00</time>"},
		{english.formatDataEnd(noon.Add(12 * time.Hour)), "to the end of <time>2026-11-02</time>"},
		{english.formatDataEnd(noon.Add(12*time.Hour - time.Second)), "to the end of <time>2026-11-02</time>"},
	} {
		if string(c.got) != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
