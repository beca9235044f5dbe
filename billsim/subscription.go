package billsim

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// The states of an instance, as the vendor's SDK for Java lists them.
const (
	stateOpen     = 2
	stateExpired  = 4
	stateRecycled = 5
	stateRefunded = 6
)

var stateNames = map[int]string{
	stateOpen: "已开通", stateExpired: "已到期", stateRecycled: "已回收", stateRefunded: "已退订",
}

// longestTerm is how many months ago an instance may have been bought.
const longestTerm = 36

// recycledAfter is how long an instance that nobody renewed is kept. The number is made up.
const recycledAfter = 7 * 24 * time.Hour

// subscription is an instance that was bought for a term. Its Line is that of the newest purchase.
type subscription struct {
	Line
	created string
	months  int
	auto    bool
	state   int
}

// subscriptions returns the instances of the account, in the order of their first purchases.
func (x *exchange) subscriptions() []subscription {
	index := map[string]int{}
	var all []subscription
	today := dayOf(x.now)
	for n := -longestTerm; n <= 0; n++ {
		if x.account.Prepaid == nil {
			break
		}
		month := today.monthStart(n).month()
		for _, p := range x.account.Prepaid(month) {
			if p.InstanceID == "" {
				continue
			}
			i, ok := index[p.InstanceID]
			if !ok {
				i = len(all)
				index[p.InstanceID] = i
				all = append(all, subscription{created: cmp.Or(p.ServiceStartTime, p.StartTime)})
			}
			all[i].add(&p, p.line(x.account.CustomerID, month))
		}
	}
	for i := range all {
		all[i].age(x.now)
	}
	return all
}

// add takes over a purchase, which is newer than those before it.
func (s *subscription) add(p *Purchase, l Line) {
	s.auto = p.AutoRenew
	if p.Kind == Refunded {
		if s.InstanceID == "" { // bought longer ago
			s.Line, s.months = l, termMonths(&l)
		}
		s.EndTime, s.state = l.StartTime, stateRefunded
		return
	}
	start := s.StartTime
	s.Line, s.months, s.state = l, termMonths(&l), stateOpen
	if p.Kind == Renewed && start != "" {
		s.StartTime = start
	}
}

// age sets the state of an instance whose term has ended.
func (s *subscription) age(now time.Time) {
	end, err := time.Parse(time.DateTime, s.EndTime)
	switch over := now.Add(beijingOffset).Sub(end); {
	case err != nil || s.state != stateOpen || over <= 0:
	case over > recycledAfter:
		s.state = stateRecycled
	default:
		s.state = stateExpired
	}
}

// readInstanceFilter reads the page and the filters of QueryInstances. How big a page may be is not documented.
func (x *exchange) readInstanceFilter() *refusal {
	if _, err := x.numberParameter("status", 1, 12, 0); err != nil {
		return err
	}
	if _, err := x.numberParameter("renewStrategy", 0, 1, 0); err != nil {
		return err
	}
	for _, name := range []string{"billingEndTimeFrom", "billingEndTimeTo"} {
		if text := x.query.Get(name); text != "" {
			if _, err := time.Parse(time.DateTime, text); err != nil {
				return invalidParameter(name)
			}
		}
	}
	return x.readPage("page", "size", 10, 1000)
}

// matches reports whether an instance is one that the query asks for. Both ends of the time are part of it.
func (x *exchange) matches(s *subscription) bool {
	is := func(name, value string) bool { return x.query.Get(name) == "" || x.query.Get(name) == value }
	from, to := x.query.Get("billingEndTimeFrom"), x.query.Get("billingEndTimeTo")
	return is("status", strconv.Itoa(s.state)) && is("renewStrategy", s.strategy()) &&
		is("productGroup", x.account.groupOf(s.ProductCode, s.ProductName).Code) &&
		from <= s.EndTime && (to == "" || s.EndTime <= to)
}

func (s *subscription) strategy() string {
	if s.auto {
		return "1"
	}
	return "0"
}

// writeSubscriptions answers QueryInstances of trade. Its fields are those of the vendor's SDK for Java; no page shows
// a sample.
// https://github.com/kingsoftcloud/sdk-java (trade/queryinstances)
func writeSubscriptions(x *exchange, b *body) error {
	matching := slices.DeleteFunc(x.subscriptions(), func(s subscription) bool { return !x.matches(&s) })
	p, rows := pageOf(x, slices.Values(matching), func(s *subscription) *Line { return &s.Line })
	w := x.openRoot()
	if w.openMember("data") {
		w.writeCount("total", p.Total)
		if err := writeRows(w, b, "retResponse", rows, x.writeSubscription); err != nil {
			return err
		}
		w.closeObject("data")
	}
	return x.closeRoot(w, b)
}

func (x *exchange) writeSubscription(w writer, s *subscription) {
	g := x.account.groupOf(s.ProductCode, s.ProductName)
	t := typeOf(g, s.ProductSubTypeName)
	strategy := "手动续费"
	if s.auto {
		strategy = "自动续费"
	}
	w.writeText("instanceId", s.InstanceID)
	w.writeCount("billType", 1)
	w.writeText("billTypeName", modeSubscription)
	w.writeText("billingBeginTime", s.StartTime)
	w.writeText("billingEndTime", s.EndTime)
	w.writeText("createTime", s.created)
	w.writeID("iamProjectId", s.ProjectID)
	w.writeText("instanceType", t.name)
	w.writeText("payTypeName", x.variant.modes[prepaid])
	w.writeText("productGroup", g.Code)
	w.writeText("productType", t.code)
	w.writeText("productTypeName", t.name)
	w.writeText("region", regionCodes[s.RegionName])
	w.writeText("regionName", s.RegionName)
	w.writeCount("renewDuration", s.months)
	w.writeID("renewStrategy", s.strategy())
	w.writeText("renewStrategyName", strategy)
	w.writeCount("status", s.state)
	w.writeText("statusName", stateNames[s.state])
	w.writeID("userId", s.CustomerID)
}
