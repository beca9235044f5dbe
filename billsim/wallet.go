package billsim

import (
	"net/http"
	"slices"
)

// Wallet is what is left of the money that a customer has paid in.
type Wallet struct{ Available, Reward, Frozen Amount }

// readSubject reads whose wallet is asked for: 1 is the cloud's, 2 that of the edge.
func (x *exchange) readSubject() *refusal {
	if !slices.Contains([]string{"", "1", "2"}, x.query.Get("subject")) {
		return invalidParameter("subject")
	}
	return nil
}

// writeWallet answers QueryCashWalletAction. Amounts are numbers as in the samples of the page; in the vendor's SDK for
// Java, they are strings and the customer's id has another name. The wallet of the edge is empty.
// https://docs.ksyun.com/documents/27819
func writeWallet(x *exchange, b *body) error {
	var wallet Wallet
	if x.account.Wallet != nil && x.query.Get("subject") != "2" {
		wallet = x.account.Wallet()
	}
	l := Line{Cost: wallet.Available, CustomerID: x.account.CustomerID}
	x.completeLine(&l, "", 1)
	w := x.newWriter()
	w.openObject(x.rootName())
	w.writeCount("status", http.StatusOK)
	w.writeText("request_id", x.id)
	if w.openMember("data") {
		x.writeWalletData(w, &l, wallet)
	}
	return x.closeRoot(w, b)
}

func (x *exchange) writeWalletData(w writer, l *Line, wallet Wallet) {
	owner := "userId"
	if x.moneyForm() == AsString {
		owner = "customerId"
	}
	w.writeText(owner, l.CustomerID)
	x.writeMoney(w, "availableAmount", l.Cost, l.CostText)
	x.writeMoney(w, "rewardAmount", wallet.Reward, "")
	x.writeMoney(w, "frozenAmount", wallet.Frozen, "")
	w.writeText("currency", x.currency())
	w.closeObject("data")
}
