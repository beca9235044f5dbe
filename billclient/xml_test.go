package billclient

import "testing"

// FuzzXML writes the lines that it reads as JSON, and reads those.
func FuzzXML(f *testing.F) {
	f.Add(xmlAnswer(goodItem("<InstanceName>&lt;<![CDATA[a]]></InstanceName><TagSet><T><key>k</key></T></TagSet>")))
	f.Add(`<?xml version="1.0" encoding="GBK"?>` + xmlAnswer(goodItem("<ProductName>\xd4\xc6</ProductName>")))
	f.Add(readTestdata(f, "detail_bill.xml"))
	f.Fuzz(func(t *testing.T, body string) {
		got, err := readAny("text/xml", []byte(body))
		checkAsJSON(t, got, err)
	})
}
