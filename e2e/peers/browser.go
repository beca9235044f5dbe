package peers

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Browser is a Chromium with one page, controlled by its DevTools protocol: JSON texts, each with a zero byte at its
// end, over file descriptors 3 and 4. Source: https://chromedevtools.github.io/devtools-protocol/.
// It is not safe for concurrent use.
type Browser struct {
	t       *testing.T
	in      *json.Encoder
	out     *bufio.Reader
	calls   int
	session string
}

// OpenBrowser starts a Chromium with an empty page.
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

	b := &Browser{t: t, in: json.NewEncoder(zeroTerminated{in}), out: bufio.NewReader(out)}
	var target struct{ TargetID, SessionID string }
	b.unmarshal(b.Call("Target.createTarget", map[string]any{"url": "about:blank"}), &target)
	b.unmarshal(b.Call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}), &target)
	b.session = target.SessionID
	return b
}

// zeroTerminated replaces the newline that an Encoder writes with the zero byte that the protocol wants.
type zeroTerminated struct{ file *os.File }

func (z zeroTerminated) Write(text []byte) (int, error) {
	return z.file.WriteString(strings.TrimSuffix(string(text), "\n") + "\x00")
}

// Call makes a call and returns its result. It ignores events of the browser.
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

// Open opens a page and waits until it is loaded.
func (b *Browser) Open(url string) {
	b.t.Helper()
	b.Call("Page.navigate", map[string]any{"url": url})
	var state string
	b.Evaluate(`new Promise(loaded => {
		const state = () => loaded(document.readyState);
		document.readyState === "complete" ? state() : addEventListener("load", state);
	})`, &state)
}

// Evaluate stores the value of a JavaScript expression in the open page in into. It waits for a promise.
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
