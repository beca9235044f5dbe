package billsim

// documentedProducts has the codes and names that appear in the vendor's pages. A full list is not documented.
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

// productsOf returns the codes and names of the products that an account can buy.
func productsOf(a *Account) []KeyValue {
	if a.Products == nil {
		return documentedProducts
	}
	return a.Products
}

func writeProductCode(x *exchange, b *body) error {
	w := x.openRoot()
	writeSet(w, "ProductCodeSet", "ProductCodeSet", productsOf(x.account))
	return x.closeRoot(w, b)
}
