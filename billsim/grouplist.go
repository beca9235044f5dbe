package billsim

import (
	"iter"
	"slices"
)

// writeGroupList answers ListProductGroups.
// https://github.com/kingsoftcloud/sdk-java (bill_union/listproductgroups)
func writeGroupList(x *exchange, b *body) error {
	return writeList(x, b, slices.Values(x.account.allGroups()), func(w writer, g *ProductGroup) {
		w.writeCount("Id", g.ID)
		w.writeText("Code", g.Code)
		w.writeText("Name", g.Name)
		w.writeText("EnName", g.EnName)
	})
}

// productType is a kind of product within a group.
type productType struct {
	group      ProductGroup
	id         int
	code, name string
}

// typeOf returns the type of a group with a name; without one, that of the group itself. Ids and codes are made up.
func typeOf(g ProductGroup, name string) productType {
	if name == "" {
		return productType{g, 10*g.ID + 1, g.EnName, g.Name}
	}
	id := 100_000 + int(hash(g.Code+name)%900_000)
	return productType{g, id, "TYPE_" + fifteenDigits(uint64(id))[9:], name}
}

// writeProductTypes answers QueryProductTypes with the types of the lines of this month and the previous one.
func writeProductTypes(x *exchange, b *body) error {
	wanted := x.query.Get("ProductGroupCode")
	var types []productType
	for t := range x.recentTypes() {
		seen := slices.ContainsFunc(types, func(other productType) bool { return other.id == t.id })
		if !seen && (wanted == "" || wanted == t.group.Code) {
			types = append(types, t)
		}
	}
	return writeList(x, b, slices.Values(types), func(w writer, t *productType) {
		w.writeCount("ProductGroupId", t.group.ID)
		w.writeText("ProductGroupName", t.group.Name)
		w.writeText("ProductGroupCode", t.group.Code)
		w.writeCount("ProductTypeId", t.id)
		w.writeText("ProductTypeName", t.name)
		w.writeText("ProductTypeCode", t.code)
	})
}

// recentTypes yields the type of each line of this month and the previous one.
func (x *exchange) recentTypes() iter.Seq[productType] {
	return func(yield func(productType) bool) {
		today := dayOf(x.now)
		for _, month := range []string{today.month(), today.monthStart(-1).month()} {
			x.months = []string{month}
			for l := range x.linesOfMonth() {
				g := x.account.groupOf(l.ProductCode, l.ProductName)
				if !yield(typeOf(g, l.ProductSubTypeName)) {
					return
				}
			}
		}
	}
}

// writeList writes an answer with a list and nothing else.
func writeList[R any](x *exchange, b *body, rows iter.Seq[R], write func(writer, *R)) error {
	w := x.openRoot()
	w.writeLiteral("Success", "true")
	if err := writeRows(w, b, "Data", rows, write); err != nil {
		return err
	}
	return x.closeRoot(w, b)
}
