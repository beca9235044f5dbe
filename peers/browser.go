//go:build e2e

package peers

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Browser is a Chromium with one empty page, driven by its DevTools protocol: JSON texts, each ended by a zero byte,
// over file descriptors 3 and 4. Source: https://chromedevtools.github.io/devtools-protocol/.
type Browser struct {
	t       *testing.T
	in      *json.Encoder
	out     *bufio.Reader
	calls   int
	session string
}

// OpenBrowser returns a Chromium for one goroutine of one test.
func OpenBrowser(t *testing.T) *Browser {
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
	Start(t, chromium)
	_, _ = theirIn.Close(), theirOut.Close()
	t.Cleanup(func() { _, _ = in.Close(), out.Close() })

	b := &Browser{t: t, in: json.NewEncoder(zeroEnded{in}), out: bufio.NewReader(out)}
	var target struct{ TargetID, SessionID string }
	b.unmarshal(b.Call("Target.createTarget", map[string]any{"url": "about:blank"}), &target)
	b.unmarshal(b.Call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}), &target)
	b.session = target.SessionID
	return b
}

// zeroEnded writes texts as the protocol wants them, in place of the lines of an Encoder.
type zeroEnded struct{ file *os.File }

func (z zeroEnded) Write(text []byte) (int, error) {
	return z.file.WriteString(strings.TrimSuffix(string(text), "\n") + "\x00")
}

// Call returns the result of a call. What the browser says unasked is passed over.
func (b *Browser) Call(method string, params map[string]any) json.RawMessage {
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

// Open returns once the page is there.
func (b *Browser) Open(url string) {
	b.t.Helper()
	b.Call("Page.navigate", map[string]any{"url": url})
	var state string
	b.Evaluate(`new Promise(loaded => {
		const state = () => loaded(document.readyState);
		document.readyState === "complete" ? state() : addEventListener("load", state);
	})`, &state)
}

// Evaluate reads the value of a JavaScript expression in the open page, awaited if it is a promise.
func (b *Browser) Evaluate(expression string, into any) {
	b.t.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.unmarshal(b.Call("Runtime.evaluate", map[string]any{
		"expression": expression, "returnByValue": true, "awaitPromise": true,
	}), &answer)
	if answer.ExceptionDetails != nil {
		b.t.Fatalf("in the page: %s", answer.ExceptionDetails)
	}
	b.unmarshal(answer.Result.Value, into)
}

func (b *Browser) unmarshal(text []byte, into any) {
	b.t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		b.t.Fatal(err)
	}
}
