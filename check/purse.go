package check

import (
	"context"
	"strconv"

	"ksyun_bill_exporter/billclient"
)

// askWallet keeps the kinds of balances, not their amounts.
func askWallet(i *inspection, ctx context.Context) (bool, error) {
	const action = billclient.QueryCashWalletAction
	wallet, err := i.client.QueryCashWalletAction(ctx)
	i.learnRefusal(action, err)
	if err != nil {
		return false, err
	}
	i.currencies = append(i.currencies, namedCurrency{action, wallet.Currency})
	for _, b := range wallet.Balances {
		i.balances = append(i.balances, b.Kind)
		i.facts = append(i.facts, action+": has the balance "+b.Kind)
	}
	learnCustomers(i, action, keySet{string(wallet.CustomerID): true})
	return true, nil
}

// askEnds looks at the first page of the instances that end soon.
func askEnds(i *inspection, ctx context.Context) (bool, error) {
	const action = billclient.QueryInstances
	until := i.now.Add(i.within)
	ending, beyond := 0, 0
	customers, groups := keySet{}, keySet{}
	isCut, err := readFirstPage(i, i.client.StreamInstances(ctx, i.now, until), func(t billclient.TradeInstance) {
		if !t.EndsWithin(i.now, until) {
			beyond++
			return
		}
		ending++
		customers[string(t.CustomerID)], groups[t.ProductGroup] = true, true
		i.facts = append(i.facts, action+": "+describeRenewal(t.Renewal))
	})
	if err != nil {
		return false, err
	}
	i.ends = strconv.Itoa(ending)
	if isCut {
		i.ends += ", first page"
	}
	if beyond > 0 {
		i.facts = append(i.facts, action+": some instances end outside of the time that was asked for")
	}
	learnCustomers(i, action, customers)
	i.compareKeys("codes of product groups", action, groups, billclient.ListProductGroups, i.groupCodes)
	return ending > 0, nil
}

// describeRenewal says what happens at the end of an instance. A word for it that is not known is not shown, because it
// can be the account's.
func describeRenewal(renewal string) string {
	switch renewal {
	case billclient.RenewAuto, billclient.RenewManual:
		return "renewal is " + renewal
	case "":
		return "renewal is not stated"
	default:
		return "renewal has an unknown word"
	}
}

// learnCustomers learns whether an answer names the customer that the lines of the bill name.
func learnCustomers(i *inspection, action string, customers keySet) {
	ofLines := billclient.ParseCustomerID(i.customer)
	for customer := range customers {
		fact := action + ": names the customer of the lines"
		switch id := billclient.ParseCustomerID(customer); {
		case id == "":
			fact = action + ": names no customer"
		case ofLines == "":
			fact = action + ": names a customer"
		case ofLines.DiffersFrom(id):
			fact = action + ": names another customer than that of the lines"
		}
		i.facts = append(i.facts, fact)
	}
}
