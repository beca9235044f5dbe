//go:build e2e

package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The page of the demo in a real browser: its style is let in, nothing is wider than a phone or a desk, and its numbers
// are those of /metrics.
func TestStatusPage(t *testing.T) {
	r := launch(t, "--demo")
	for _, account := range demoNames {
		r.waitForLines(account)
	}
	b := openBrowser(t)
	for _, width := range []int{390, 1440} {
		b.call("Emulation.setDeviceMetricsOverride",
			map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600})
		for _, language := range []string{"en", "zh-CN"} {
			b.call("Emulation.setUserAgentOverride", map[string]any{"userAgent": "test", "acceptLanguage": language})
			b.open(r.url)
			var page struct {
				Language             string
				Rules, Width, Scroll int
				Accounts             map[string]map[string][]float64
			}
			b.evaluate(statusFacts, &page)
			if page.Language != language || page.Rules == 0 || page.Width != width || page.Scroll > width {
				t.Errorf("%s at %d pixels: %s, %d rules of style, %d wide, %d to scroll",
					language, width, page.Language, page.Rules, page.Width, page.Scroll)
			}
			if diff := cmp.Diff(costs(t, body(t, r.url+"/metrics")), page.Accounts); diff != "" {
				t.Errorf("%s at %d pixels (-/metrics +page):\n%s", language, width, diff)
			}
		}
	}
}

// statusFacts is what the test wants to know of the open page, all that is folded unfolded.
const statusFacts = `(() => {
	document.querySelectorAll("details").forEach(d => d.open = true);
	const accounts = {};
	for (const account of document.querySelectorAll(".account")) {
		const amounts = selector => [...account.querySelectorAll(selector)]
			.map(e => parseFloat(e.firstChild.textContent.replaceAll(",", ""))).sort((a, b) => a - b);
		accounts[account.querySelector("h2 bdi").textContent] = {
			account: amounts(".figure:nth-child(1) dd"),
			past_month_to_date_account: amounts(".figure:nth-child(2) data"),
			product: amounts(".products .number"),
			day_account: amounts("details td.number"),
		};
	}
	return {
		Language: document.documentElement.lang,
		Rules: document.styleSheets[0]?.cssRules.length ?? 0,
		Width: window.innerWidth,
		Scroll: document.documentElement.scrollWidth,
		Accounts: accounts,
	};
})()`

var costSample = regexp.MustCompile(
	`(?m)^ksyun_bill_(account|past_month_to_date_account|product|day_account)_cost_cny{account="(\w+)".*} (\S+)$`)

// costs returns the costs that the page shows by account and family, in ascending order.
func costs(t *testing.T, metrics string) map[string]map[string][]float64 {
	t.Helper()
	costs := map[string]map[string][]float64{}
	for _, sample := range costSample.FindAllStringSubmatch(metrics, -1) {
		family, account := sample[1], sample[2]
		value, err := strconv.ParseFloat(sample[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		if costs[account] == nil {
			costs[account] = map[string][]float64{}
		}
		costs[account][family] = append(costs[account][family], value)
	}
	for _, families := range costs {
		for _, values := range families {
			slices.Sort(values)
		}
	}
	return costs
}

// browser is a Chromium with one empty page, driven by its DevTools protocol: JSON texts, each ended by a zero byte,
// over file descriptors 3 and 4. Source: https://chromedevtools.github.io/devtools-protocol/.
type browser struct {
	t       *testing.T
	in      *json.Encoder
	out     *bufio.Reader
	calls   int
	session string
}

func openBrowser(t *testing.T) *browser {
	t.Helper()
	theirIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	chromium := exec.CommandContext(t.Context(), "chromium", "--headless", "--no-sandbox", "--disable-gpu",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe")
	chromium.ExtraFiles = []*os.File{theirIn, theirOut}
	start(t, chromium)
	_, _ = theirIn.Close(), theirOut.Close()
	t.Cleanup(func() { _, _ = in.Close(), out.Close() })

	b := &browser{t: t, in: json.NewEncoder(zeroEnded{in}), out: bufio.NewReader(out)}
	var target struct{ TargetID, SessionID string }
	b.unmarshal(b.call("Target.createTarget", map[string]any{"url": "about:blank"}), &target)
	b.unmarshal(b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}), &target)
	b.session = target.SessionID
	return b
}

// zeroEnded writes texts as the protocol wants them, in place of the lines of an Encoder.
type zeroEnded struct{ file *os.File }

func (z zeroEnded) Write(text []byte) (int, error) {
	return z.file.WriteString(strings.TrimSuffix(string(text), "\n") + "\x00")
}

// call returns the result of a call. What the browser says unasked is passed over.
func (b *browser) call(method string, params map[string]any) json.RawMessage {
	b.t.Helper()
	b.calls++
	call := map[string]any{"id": b.calls, "method": method, "params": params}
	if b.session != "" {
		call["sessionId"] = b.session
	}
	if err := b.in.Encode(call); err != nil {
		b.t.Fatal(err)
	}
	for {
		text, err := b.out.ReadBytes(0)
		if err != nil {
			b.t.Fatal(err)
		}
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		b.unmarshal(text[:len(text)-1], &answer)
		switch {
		case answer.ID != b.calls:
		case answer.Error != nil:
			b.t.Fatalf("%s: %s", method, answer.Error.Message)
		default:
			return answer.Result
		}
	}
}

// open returns once the page is there.
func (b *browser) open(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url})
	var state string
	b.evaluate(`new Promise(loaded => {
		const state = () => loaded(document.readyState);
		document.readyState === "complete" ? state() : addEventListener("load", state);
	})`, &state)
}

func (b *browser) evaluate(expression string, into any) {
	b.t.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.unmarshal(b.call("Runtime.evaluate", map[string]any{
		"expression": expression, "returnByValue": true, "awaitPromise": true,
	}), &answer)
	if answer.ExceptionDetails != nil {
		b.t.Fatalf("in the page: %s", answer.ExceptionDetails)
	}
	b.unmarshal(answer.Result.Value, into)
}

func (b *browser) unmarshal(text []byte, into any) {
	b.t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		b.t.Fatal(err)
	}
}
