package billclient

import (
	"cmp"
	"context"
	"net/url"
)

// payService knows what an account has left to spend.
var payService = service{"kingpay", "api.pay_endpoint", func(o Options) string { return o.PayEndpoint }}

// QueryCashWalletAction is an action of kingpay, as it spells it.
const QueryCashWalletAction = "QueryCashWalletAction"

var walletAction = declareAction(payService, actionVersion{QueryCashWalletAction, versionWallet})

// The kinds of a balance. Reward is one as well.
const (
	Available = "available" // can be spent
	Frozen    = "frozen"
)

// Wallet is what an account has left to spend.
type Wallet struct {
	CustomerID CustomerID // empty where the API does not state it
	Currency   string     // as the API writes it: CNY, or another word for it
	Balances   []Balance  // in the order Available, Reward, Frozen; only Available is always there
}

// Balance is an amount of one kind.
type Balance struct {
	Kind   string
	Amount Amount
}

// balanceFields has the kinds of balances by the names of their fields.
var balanceFields = [...]struct{ field, kind string }{
	{"availableAmount", Available}, {"rewardAmount", Reward}, {"frozenAmount", Frozen},
}

// QueryCashWalletAction returns what the account has left to spend. An answer without what is Available, with an amount
// that cannot be read, or in another currency than CNY (see IsForeignCurrency) is an error. It tries again as Retry
// does. Its errors are an *Error; without a call, it is Invalid where Options.PayEndpoint is empty. Source:
// https://docs.ksyun.com/documents/27819.
func (c *Client) QueryCashWalletAction(ctx context.Context) (Wallet, error) {
	return fetch(ctx, c, walletAction, url.Values{}, readWallet)
}

func readWallet(r *response) (Wallet, error) {
	// The API's page has the first of these, the vendor's SDK the second.
	texts := []*topLevelText{{name: "userId"}, {name: "customerId"}, {name: currency}}
	for _, f := range balanceFields {
		texts = append(texts, &topLevelText{name: f.field})
	}
	if err := readEnvelope(r, "", nil, texts...); err != nil {
		return Wallet{}, err
	}
	x := newTextReader(texts)
	if x.text(balanceFields[0].field) == "" {
		return Wallet{}, classify(Incomplete, "answer has no %s", balanceFields[0].field)
	}
	wallet := Wallet{CustomerID: ParseCustomerID(x.firstText("customerId", "userId")), Currency: x.text(currency)}
	for _, f := range balanceFields {
		if amount, ok := x.optionalAmount(f.field); ok {
			wallet.Balances = append(wallet.Balances, Balance{f.kind, amount})
		}
	}
	return wallet, cmp.Or(requireCurrency(wallet.Currency), x.err)
}
