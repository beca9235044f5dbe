package billsim

import (
	"cmp"
	"net/http"
)

// Envelope is what is around the rows of an answer about days.
type Envelope int

// The envelopes. The vendor's SDKs of 2026-05-12 and later have CapitalEnvelope for QueryInstanceConsume alone.
// https://github.com/kingsoftcloud/sdk-go/tree/master/ksyun/client/bill_union/v20221222
const (
	UsualEnvelope   Envelope = iota // that of the newest SDKs
	LowerEnvelope                   // {"status","requestId","data":{"page","size","total","bills"},"error","ok"}
	CapitalEnvelope                 // {"Success","RequestId","Data":{"page","size","total","bills"}}
)

// WithEnvelope sets the envelope of QueryInstanceConsume, QueryProductConsume, QueryProjectConsume, DescribeCostBill
// and QueryItemBills, the last of which has a cursor in place of page, size and total.
func WithEnvelope(e Envelope) Option { return func(s *Server) { s.variant.envelope = e } }

// WithMoney makes the server write the amounts of the actions about days, of the wallet and of DescribeCostBill
// AsString or AsNumber. Without it, they are as in pages and newest SDKs: strings in QueryProductConsume, in
// QueryProjectConsume and in LowerEnvelope of QueryInstanceConsume, numbers elsewhere. Amounts before discount are
// always strings.
func WithMoney(f Form) Option { return func(s *Server) { s.variant.money = f } }

// WithDayText makes the server write billDay as 2026-11-16. Without it, it is the number 20261116. The SDKs have an
// integer, whose form is not documented.
func WithDayText() Option { return func(s *Server) { s.variant.dayText = true } }

// WithObjectSets makes the server write the elements of configInfo and tagInfo as objects of key and value. Without it,
// they are texts. The SDKs have had both, and no sample shows one.
func WithObjectSets() Option { return func(s *Server) { s.variant.objectSets = true } }

// envelope returns the envelope of the call's answer.
func (x *exchange) envelope() Envelope {
	usual := LowerEnvelope
	if x.action == "QueryInstanceConsume" {
		usual = CapitalEnvelope
	}
	return cmp.Or(x.variant.envelope, usual)
}

// writeBills writes the answer of an action about days. rows writes the list, whose name is given.
func (x *exchange) writeBills(b *body, p LinePage, rows func(w writer, list string) error) error {
	if x.envelope() == CapitalEnvelope {
		return x.writeCapital(b, p, rows)
	}
	w := x.newWriter()
	w.openObject(x.rootName())
	w.writeCount("status", http.StatusOK)
	w.writeText("requestId", x.id)
	if err := writeData(w, "data", p, rows); err != nil {
		return err
	}
	w.writeLiteral("error", "null")
	w.writeLiteral("ok", "true")
	return x.closeRoot(w, b)
}

func (x *exchange) writeCapital(b *body, p LinePage, rows func(w writer, list string) error) error {
	w := x.newWriter()
	w.openObject(x.rootName())
	w.writeLiteral("Success", "true")
	w.writeText("RequestId", x.id)
	if err := writeData(w, "Data", p, rows); err != nil {
		return err
	}
	return x.closeRoot(w, b)
}

func writeData(w writer, name string, p LinePage, rows func(w writer, list string) error) error {
	if !w.openMember(name) {
		return nil
	}
	w.writeCount("page", p.PageNo)
	w.writeCount("size", p.PageSize)
	w.writeCount("total", p.Total)
	if err := rows(w, "bills"); err != nil {
		return err
	}
	w.closeObject(name)
	return nil
}

// moneyForm returns how amounts are written.
func (x *exchange) moneyForm() Form {
	usual := AsString
	switch {
	case x.action == "QueryCashWalletAction", x.action == "DescribeCostBill",
		x.action == "QueryInstanceConsume" && x.envelope() == CapitalEnvelope:
		usual = AsNumber
	}
	return cmp.Or(x.variant.money, usual)
}

// writeMoney writes an amount in the form of the answer, or the text instead of it unless that is empty.
func (x *exchange) writeMoney(w writer, name string, a Amount, text string) {
	switch {
	case x.moneyForm() == AsString:
		w.writeText(name, cmp.Or(text, a.String()))
	case text == "":
		w.writeMoney(name, a)
	case isDecimal(text):
		w.writeLiteral(name, text)
	default:
		w.writeText(name, text)
	}
}

// writeDay writes a day in the form of the answer.
func (x *exchange) writeDay(w writer, name, day string) {
	if x.variant.dayText {
		w.writeText(name, day)
		return
	}
	w.writeID(name, withoutHyphens(day))
}
