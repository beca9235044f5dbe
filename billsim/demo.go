package billsim

import "time"

// The billing modes of the demo's lines. The vendor's list is in English (Pay-By-Daily-Config and so on). The Chinese
// names on real bills are unknown.
const (
	modeDaily   = "按日配置付费"
	modeMonthly = "按月配置付费"
	modeHourly  = "按量付费(月结)"
	modeTraffic = "按流量付费(月结)"
	modePeak    = "按月峰值付费"

	modeSubscription = "包年包月" // of what is prepaid
)

// Demo returns the accounts of two made-up customers with different keys. The first is an e-commerce company: the bill
// of its running month grows from day to day and ends with today. The second is a game company: the bill of a month
// appears on the 3rd of the next month. Which of the two the real API does is unknown. When Demo is called, both have
// three years of closed months. Two days before the call, the traffic of the first EIP of the e-commerce company
// has a spike. All of that day is metered on the day of the call, and it is one of the three newest days until the end
// of the day after. Two calls on the same Beijing day return the same bills. On other days, only the spike and the
// newest day differ. The accounts are safe for concurrent use if now is.
//
// Consumption ends with yesterday, of which half of the instances are missing until 10:00. A bill is the sum of its
// days and of the lines that are billed by the month's peak, which are in no day. Both companies also have
// subscriptions, with some new ones in the running month, and pay for some products by the hour, which is known until
// yesterday. The group KS3_GROUP has two products of the bill, the group KIS has none: it is prepaid only.
func Demo(now func() time.Time) []Account {
	today := func() day { return dayOf(now()) }
	start := today()
	shop, game := newShop(), newGame()
	shop.opened, game.opened = start.monthStart(-36), start.monthStart(-36)
	shop.spike = start - 2
	metered := func() horizon { return newHorizon(now()) }
	return []Account{
		{
			AccessKeyID:     "DEMOSHOPACCESSKEY",
			SecretAccessKey: "demo-shop-secret-key",
			CustomerID:      shop.customerID,
			Bills:           shop.bills(today),
			Consume:         shop.consumption(metered),
			Prepaid:         shop.subscriptions(today),
			Realtime:        shop.hourlyUse(today),
			Wallet:          shop.wallet(metered),
			Payment:         &Payment{Voucher: 3},
		},
		{
			AccessKeyID:     "DEMOGAMEACCESSKEY",
			SecretAccessKey: "demo-game-secret-key",
			CustomerID:      game.customerID,
			Bills:           game.bills(today),
			Consume:         game.consumption(metered),
			Prepaid:         game.subscriptions(today),
			Realtime:        game.hourlyUse(today),
			Wallet:          game.wallet(metered),
			Payment:         &Payment{Reward: 1, Voucher: 2, CloudTicket: 1},
		},
	}
}

// growingBillEnd returns the last day of a bill that grows every day. There is a bill on the 1st of a month already.
func growingBillEnd(today day) day { return today }

// closedBillEnd returns the last day of a bill that appears whole, on the 3rd of the next month.
func closedBillEnd(today day) day {
	if today-today.monthStart(0) >= 2 {
		return today.monthStart(0) - 1
	}
	return today.monthStart(-1) - 1
}

func newShop() *company {
	return &company{
		customerID: "73990001",
		seed:       1,
		projects: []KeyValue{
			defaultProject,
			{"103801", "交易平台"},
			{"103802", "搜索推荐"},
			{"103805", "物流系统"},
			{"103809", "数据仓库"},
			{"103811", "大促活动"},
			{"103817", "测试环境"},
		},
		departments: []string{"交易技术部", "商品技术部", "数据平台部", "基础架构部"},
		stocks: []stock{
			{kec, 110, []string{"prod-order-api", "prod-search", "prod-gateway", "prod-pay-worker", "test-web"}},
			{kecHourly, 30, []string{"spark-worker", "promo-burst"}},
			{ebs, 90, []string{"order-data", "search-index", "log-disk"}},
			{eip, 36, []string{"gateway-ip", "nat-ip", "office-vpn"}},
			{krds, 24, []string{"订单库主库", "商品库主库", "会员库只读"}},
			{redis, 22, []string{"购物车缓存", "库存缓存", "session-cache"}},
			{ks3, 9, []string{"goods-images", "order-archive", "web-static"}},
			{kss, 2, nil},
			{cdnLive, 1, nil},
		},
		lastBilled: growingBillEnd,
	}
}

func newGame() *company {
	return &company{
		customerID: "73990002",
		seed:       2,
		projects: []KeyValue{
			defaultProject,
			{"210034", "星海远征"},
			{"210035", "龙渊传说"},
			{"210041", "登录与支付"},
			{"210042", "运营平台"},
			{"210050", "海外发行"},
		},
		departments: []string{"星海工作室", "龙渊工作室", "平台技术部"},
		stocks: []stock{
			{kec, 130, []string{"battle-srv", "lobby", "match-node", "chat", "gm-tool"}},
			{kecHourly, 20, []string{"burst-battle"}},
			{ebs, 50, []string{"battle-data", "log-disk"}},
			{eip, 48, []string{"battle-ip", "lobby-ip"}},
			{krds, 14, []string{"角色库", "充值库", "日志库"}},
			{redis, 26, []string{"排行榜", "match-cache"}},
			{ks3, 6, []string{"game-patch", "replay", "crash-dump"}},
			{kss, 1, nil},
		},
		lastBilled: closedBillEnd,
	}
}

// The products have codes that appear in the vendor's pages. Their prices are made up.
var (
	kec = &product{
		code: "KEC", name: "云服务器(KEC)", subTypes: []string{"本地高性能云主机", "IO优化型云主机", "通用型N3"},
		low: 8, high: 64, percent: 75, sized: true,
		charges: []charge{{mode: modeDaily, share: 100}},
	}
	kecHourly = &product{
		code: "KEC", name: "云服务器(KEC)", subTypes: []string{"IO优化型云主机"},
		low: 6, high: 40, percent: 90, sized: true,
		charges: []charge{{mode: modeHourly, share: 100, usage: true}},
	}
	ebs = &product{
		code: "EBS", name: "云硬盘(EBS)", subTypes: []string{"SSD3.0", "EHDD"},
		low: 1, high: 12, percent: 90,
		charges: []charge{{mode: modeDaily, share: 100}},
	}
	eip = &product{
		code: "EIP", name: "弹性IP(EIP)", subTypes: []string{"BGP", "电信单线"},
		low: 1, high: 4, percent: 85,
		charges: []charge{
			{mode: modeDaily, share: 100},
			{mode: modeTraffic, subType: "BGP流量", share: 600, usage: true},
		},
	}
	krds = &product{
		code: "KRDS", name: "关系型数据库", subTypes: []string{"MySQL高可用版", "MySQL只读实例"},
		low: 20, high: 160, percent: 80, sized: true,
		charges: []charge{
			{mode: modeDaily, share: 100},
			{mode: modeHourly, subType: "备份空间(免费额度内)", usage: true},
		},
	}
	redis = &product{
		code: "Redis", name: "云数据库Redis", subTypes: []string{"主从版", "集群版"},
		low: 10, high: 90, percent: 80, sized: true,
		charges: []charge{{mode: modeDaily, share: 100}},
	}
	ks3 = &product{
		code: "KS3", name: "对象存储", lasting: true, subTypes: []string{"标准存储"},
		low: 20, high: 150, percent: 100,
		charges: []charge{
			{mode: modeTraffic, subType: "标准存储容量", share: 100, usage: true},
			{mode: modeTraffic, subType: "外网下行流量", share: 180, usage: true},
			{mode: modeTraffic, subType: "请求次数(免费额度内)", usage: true},
		},
	}
	kss = &product{
		code: "KSS", name: "KSS存储", anonymous: true,
		low: 60, high: 240, percent: 95,
		charges: []charge{{mode: modePeak, subType: "存储峰值", share: 100, usage: true}},
	}
	cdnLive = &product{
		code: "CDN_LIVE", name: "云直播(KLS)", anonymous: true,
		low: 700, high: 1400, percent: 88,
		charges: []charge{{mode: modePeak, subType: "下行带宽", share: 100, usage: true}},
	}
)
