package billsim

// documentedProducts are the codes and names that appear in the vendor's pages; there is no full list.
var documentedProducts = []KeyValue{
	{"KEC", "云服务器(KEC)"},
	{"EBS", "云硬盘(EBS)"},
	{"EIP", "弹性IP(EIP)"},
	{"KRDS", "关系型数据库"},
	{"Redis", "云数据库Redis"},
	{"KS3", "对象存储"},
	{"KSS", "KSS存储"},
	{"CDN_LIVE", "KLS"},
}

func productsOf(a *Account) []KeyValue {
	if a.Products == nil {
		return documentedProducts
	}
	return a.Products
}

func writeProductCode(x *exchange, b *body) error {
	w := x.begin()
	writeSet(w, "ProductCodeSet", "ProductCodeSet", productsOf(x.account))
	return x.end(w, b)
}
