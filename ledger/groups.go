package ledger

// ProductGroups say how the product groups of bill-union are called elsewhere. Immutable.
type ProductGroups struct {
	byID, byName map[string]string // code of the group; empty where a name is that of several
	products     map[string]string // product code in the bill, by code of the group; empty where there are several
}

// addName adds the name of a group.
func (g ProductGroups) addName(name, code string) {
	if other, ok := g.byName[name]; ok && other != code {
		code = ""
	}
	if name != "" {
		g.byName[name] = code
	}
}

// learn adds what lines say of the product codes of groups.
func (g ProductGroups) learn(lines *ModeLines) {
	for key, codes := range lines.Codes {
		group := g.CodeOf(key, "")
		if lines.Named {
			group = g.CodeOf("", key)
		}
		for _, code := range codes {
			if other, ok := g.products[group]; ok && other != code {
				code = ""
			}
			if group != "" {
				g.products[group] = code
			}
		}
	}
}

// CodeOf returns the code of a group by its id, else by its name, empty if neither tells.
func (g ProductGroups) CodeOf(id, name string) string {
	if code := g.byID[id]; code != "" {
		return code
	}
	return g.byName[name]
}

// Product returns the product code of a group, by its code, empty if none or several are known.
func (g ProductGroups) Product(code string) string { return g.products[code] }

// Products returns the product code of each group that has one, by the group's code.
func (g ProductGroups) Products() map[string]string {
	products := map[string]string{}
	for group, code := range g.products {
		if code != "" {
			products[group] = code
		}
	}
	return products
}

// BilledProducts returns the product code of each postpaid instance that the lines of a month show, nil if there are no
// such lines. An instance of two products has none.
func BilledProducts(m Month) map[string]string {
	var products map[string]string
	for _, b := range []Book{m.Estimate, m.Bill} {
		if b.Lines == nil || !b.Lines.Summed {
			continue
		}
		if products == nil {
			products = map[string]string{}
		}
		for _, i := range b.Lines.Instances {
			product, instance := i.Key[0], i.Key[2]
			if product == None || instance == None || instance == Other {
				continue
			}
			if known, ok := products[instance]; ok && known != product {
				product = ""
			}
			products[instance] = product
		}
	}
	return products
}
