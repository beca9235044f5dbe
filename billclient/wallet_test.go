package billclient

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// walletTexts has the members of the sample of https://docs.ksyun.com/documents/27819.
const walletTexts = `{"userId":"73400575","availableAmount":"126.06","rewardAmount":"0","frozenAmount":"0",` +
	`"currency":"CNY"}`

func wantWallet() Wallet {
	return Wallet{"73400575", "CNY", []Balance{
		{Available, mustAmount("126.06")}, {Reward, mustAmount("0")}, {Frozen, mustAmount("0")},
	}}
}

// TestWallets tests answers that are unusual and valid.
func TestWallets(t *testing.T) {
	for body, want := range map[string]Wallet{
		`{"status":"200","request_id":"r","data":{"customerId":7.3400575E7,"availableAmount":-1e2,"currency":"rmb"}}`: {
			"73400575", "rmb", []Balance{{Available, mustAmount("-100")}},
		},
		`{"data":{"currency":"CNY","availableAmount":0,"rewardAmount":null,"frozenAmount":"8.00"}}`: {
			"", "CNY", []Balance{{Available, mustAmount("0")}, {Frozen, mustAmount("8")}},
		},
		`<R><status>200</status><data><currency>CNY</currency><availableAmount>1</availableAmount></data></R>`: {
			"", "CNY", []Balance{{Available, mustAmount("1")}},
		},
	} {
		c := newEnvelopeClient(t, respondWith(200, "", body))
		got, err := c.QueryCashWalletAction(t.Context())
		if diff := cmp.Diff(want, got, equalAmounts); diff != "" || err != nil {
			t.Errorf("%s: %v, (-want +got):\n%s", body, err, diff)
		}
	}
}

func TestBadWallets(t *testing.T) {
	const foreign = `Currency "USD": only amounts in CNY are taken`
	for data, tt := range map[string]struct {
		reason Reason
		text   string
	}{
		`"currency":"CNY"`:                          {Incomplete, "answer has no availableAmount"},
		`"currency":"CNY","availableAmount":null`:   {Incomplete, "answer has no availableAmount"},
		`"currency":"CNY","availableAmount":"much"`: {Decode, `availableAmount: amount "much": not a decimal number`},
		`"currency":"CNY","availableAmount":1,"frozenAmount":"x"`: {
			Decode, `frozenAmount: amount "x": not a decimal number`,
		},
		`"availableAmount":1`: {
			Decode, `Currency "": only amounts in CNY are taken`,
		},
		`"availableAmount":1,"currency":"USD"`:                     {Decode, foreign},
		`"availableAmount":1,"availableamount":2,"currency":"CNY"`: {Decode, "availableAmount: twice in one answer"},
		`"availableAmount":[1],"currency":"CNY"`: {
			Decode, "availableAmount: an object or a list in place of a text",
		},
	} {
		c := newEnvelopeClient(t, respondWith(200, "", `{"status":200,"data":{`+data+`}}`))
		got, err := c.QueryCashWalletAction(t.Context())
		checkError(t, err, tt.reason, tt.text)
		if diff := cmp.Diff(Wallet{}, got); diff != "" || IsForeignCurrency(err) != (tt.text == foreign) {
			t.Errorf("%s: a wallet in spite of the error:\n%s", data, diff)
		}
	}
}
