package billsim

import "slices"

// ProductGroup is a product line of bill-union, which has other codes than bill.
type ProductGroup struct {
	ID           int
	Code         string
	Name, EnName string
	ProductCodes []string // of bill, whose costs the group has; none if it has no postpaid product
}

// vendorGroups are groups of the vendor's pages, which show codes and names. The ids are made up, as is which products
// are in a group: no page says it. KSS is an older name of object storage.
var vendorGroups = []ProductGroup{
	{ID: 101, Code: "VM_GROUP", Name: "云服务器", EnName: "KEC", ProductCodes: []string{"KEC"}},
	{ID: 102, Code: "EBS_GROUP", Name: "云硬盘", EnName: "EBS", ProductCodes: []string{"EBS"}},
	{ID: 103, Code: "EIP_GROUP", Name: "弹性IP", EnName: "EIP", ProductCodes: []string{"EIP"}},
	{ID: 104, Code: "NAT_GROUP", Name: "网络地址转换NAT", EnName: "NAT", ProductCodes: []string{"NAT"}},
	{ID: 105, Code: "KS3_GROUP", Name: "对象存储", EnName: "KS3", ProductCodes: []string{"KS3", "KSS"}},
	{ID: 106, Code: "KIS", Name: "云数据中心(KIS)", EnName: "KIS"},
}

// groupOf returns the group of a product. If it is not known, it is made like those that are.
func (a *Account) groupOf(code, name string) ProductGroup {
	for _, g := range a.groups() {
		if g.Code == code || slices.Contains(g.ProductCodes, code) {
			return g
		}
	}
	id := 1000 + int(hash(code)%9000)
	return ProductGroup{ID: id, Code: code + "_GROUP", Name: name, EnName: code, ProductCodes: []string{code}}
}

// groups returns the groups that are not made.
func (a *Account) groups() []ProductGroup {
	if a.Groups == nil {
		return vendorGroups
	}
	return a.Groups
}

// allGroups returns the groups of the products of GetProductCode, then those that have no postpaid product.
func (a *Account) allGroups() []ProductGroup {
	var all []ProductGroup
	add := func(g ProductGroup) {
		if !slices.ContainsFunc(all, func(other ProductGroup) bool { return other.Code == g.Code }) {
			all = append(all, g)
		}
	}
	for _, p := range productsOf(a) {
		add(a.groupOf(p.Key, p.Value))
	}
	for _, g := range a.groups() {
		if len(g.ProductCodes) == 0 {
			add(g)
		}
	}
	return all
}
