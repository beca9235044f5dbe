package billsim

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestHostileNames checks that every character of a name can be read back from JSON, and from XML if XML can have it.
func TestHostileNames(t *testing.T) {
	const name = "quote \" back\\slash \x00\x1f\t\r\n 中文 12345678\"</Name>&amp;"
	_, c := serve(t, accountOf(map[string]Bill{"2018-06": billOf(Line{InstanceName: name, ProjectID: "0x7"})}))
	_, body := c.get(linesQuery)
	line := decodeJSON(t, []byte(body)).(map[string]any)["PostpayDetailBillSet"].([]any)[0].(map[string]any)
	if line["InstanceName"] != name {
		t.Errorf("JSON: %q", line["InstanceName"])
	}
	_, body = c.get("Action=GetMonthBill&" + monthQuery)
	month := decodeJSON(t, []byte(body)).(map[string]any)["MonthBillSet"].([]any)[0].(map[string]any)
	if got := month["BillProjectSet"].([]any)[0].(map[string]any)["Id"]; got != "0x7" {
		t.Errorf("project id %v", got)
	}
	c.accept = ""
	_, body = c.get(linesQuery)
	const want = "quote \" back\\slash \uFFFD\uFFFD\t\r\n 中文 12345678\"</Name>&amp;"
	if got := decodeXML(t, []byte(body)).(node).Nodes[0].Nodes[0].Nodes[9].Text; got != want {
		t.Errorf("XML: %q", got)
	}
}

// TestQuote checks every character up to U+0100 at every place of a text.
func TestQuote(t *testing.T) {
	for c := rune(0); c <= 0x100; c++ {
		for n := range 10 {
			want := strings.Repeat("x", n) + string(c) + strings.Repeat("y", 10-n)
			var got string
			if err := json.Unmarshal([]byte(quote(want)), &got); err != nil || got != want {
				t.Errorf("%q is %s: %v", want, quote(want), err)
			}
		}
	}
}
