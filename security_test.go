package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ksyun_bill_exporter/billsim"
)

// The key of these tests, and names that would be markup where nobody escapes them.
const (
	secretID  = "AKLTzQ7wnB2vR9mKfX4e"
	secretKey = "OJ0pfKx3+Vw/9hTqYbL5sDgNcE7uRm2ZaWi8XtQk"
	script    = "<script>alert(1)</script>"
)

// guarded is an API that remembers what every request was signed with.
type guarded struct {
	*httptest.Server
	mu      sync.Mutex
	secrets []string
}

var signatureOf = regexp.MustCompile(`Signature=([0-9a-f]{64})`)

func guard(t *testing.T, api http.Handler) *guarded {
	t.Helper()
	g := &guarded{secrets: []string{secretID, secretKey}}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization := r.Header.Get("Authorization")
		found := signatureOf.FindStringSubmatch(authorization)
		if found == nil {
			t.Errorf("a request without a signature: %q", authorization)
			return
		}
		g.mu.Lock()
		g.secrets = append(g.secrets, authorization, found[1])
		g.mu.Unlock()
		api.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

// check looks for what must not be seen.
func (g *guarded) check(t *testing.T, place string, text []byte) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.secrets) == 2 {
		t.Errorf("%s: nothing was asked", place)
	}
	for _, secret := range g.secrets {
		if i := bytes.Index(text, []byte(secret)); i >= 0 {
			t.Errorf("%s shows %q:\n%s", place, secret, text[max(0, i-200):min(len(text), i+len(secret)+200)])
			return
		}
	}
}

// guardedConfig is a configuration with a key in it, for one account with a hostile name.
func guardedConfig(t *testing.T, endpoint string) (file, stateDir string) {
	t.Helper()
	dir := t.TempDir()
	file, stateDir = filepath.Join(dir, "config.yaml"), filepath.Join(dir, "state")
	write(t, file, fmt.Sprintf(`
accounts: [{name: "%s", access_key_id: %s, secret_access_key: %s}]
api: {endpoint: '%s', union_endpoint: '%s', timeout: 300ms, max_retries: 0, requests_per_second: 1000}
state_dir: %s
`, script, secretID, secretKey, endpoint, endpoint, stateDir))
	return file, stateDir
}

// guardedBill is a simulated API with one bill, full of hostile names.
func guardedBill() *billsim.Server {
	line := sampleLine
	line.InstanceName, line.RegionName, line.ProjectName, line.ProductName = script, script, script, script
	running := time.Now().In(time.FixedZone("UTC+8", 8*60*60)).Format("2006-01")
	return billsim.New([]billsim.Account{{
		AccessKeyID: secretID, SecretAccessKey: secretKey, CustomerID: "73400575",
		Bills: func(m string) (billsim.Bill, bool) {
			return billsim.Bill{Lines: slices.Values([]billsim.Line{line, line})}, m == running
		},
	}})
}

// Whatever the API answers, no log line of any level, no page, no file and no command shows the secret, the signature
// or the Authorization header, though an answer may repeat what was sent.
func TestNoSecretIsShown(t *testing.T) {
	api := func(form billsim.ErrorForm, status int, code string) billsim.Fault {
		return billsim.Refuse(form, status, code, "denied for "+secretID)
	}
	for name, fault := range map[string]billsim.Fault{
		"none":                       {},
		"500":                        api(billsim.JSONError, 500, "Server unavailable"),
		"503":                        billsim.Busy(503, time.Minute),
		"429":                        billsim.Busy(429, time.Minute),
		"throttling under 400":       api(billsim.JSONError, 400, "RequestLimitExceeded"),
		"no permission":              api(billsim.XMLError, 400, "Forbidden Request"),
		"invalid parameter":          api(billsim.JSONError, 400, "InvalidParameter"),
		"wrong signature":            api(billsim.JSONError, 403, "SignatureDoesNotMatch"),
		"unknown key":                api(billsim.JSONError, 403, "InvalidClientTokenId"),
		"unknown action":             api(billsim.JSONError, 404, "INVALID_ACTION"),
		"an error under 200":         api(billsim.JSONError, 200, "500"),
		"an error under 200, in XML": api(billsim.XMLError, 200, "500"),
		"HTML under 502":             billsim.Page(502),
		"HTML under 200":             billsim.Page(200),
		"an empty body":              billsim.Raw(200, "application/json", ""),
		"no JSON":                    billsim.Raw(200, "application/json", `{"MonthBillSet": [}`),
		"an amount that is none":     billsim.BadAmount(1, secretID),
		"a line of another month":    billsim.WrongMonth(2, "2018-07"),
		"cut":                        billsim.Break(billsim.Cut, 1),
		"dropped":                    billsim.Break(billsim.Drop, 1),
		"reset":                      {End: billsim.Reset, AfterBytes: 30},
		"a stall":                    billsim.Break(billsim.Stall, 1),
		"no answer":                  billsim.Never(),
		"a drip":                     {Drip: 400 * time.Millisecond},
		"gzip":                       {Gzip: true},
		"total changing":             billsim.ChangedTotal(0, 1),
		"a page missing":             billsim.MissingPage(0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bill := guardedBill()
			bill.Fault(fault)
			lookEverywhere(t, guard(t, bill))
		})
	}
	for name, echo := range echoes {
		t.Run("the request in "+name, func(t *testing.T) {
			t.Parallel()
			lookEverywhere(t, guard(t, echo))
		})
	}
}

// echoes answer with what they were asked, as a proxy may that wants to help.
var echoes = map[string]http.HandlerFunc{
	"an error":     echo(403, "application/json", `{"Error":{"Code":"AuthFailure","Message":"%s"}}`),
	"an old error": echo(200, "application/json", `{"code":"%[1]s","message":"%[1]s","requestId":"%[1]s"}`),
	"XML":          echo(500, "text/xml", `<R><Error><Code>%[1]s</Code><Message>%[1]s</Message></Error></R>`),
	"HTML":         echo(502, "text/html", `<html>%s</html>`),
	"text":         echo(200, "text/plain", `%s`),
	"a field":      echo(200, "application/json", `{"MonthBillSet":[{"BillMonth":"%[1]s"}],"%[1]s":{"%[1]s":`),
	"a redirect": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "https://elsewhere.example/?"+r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusFound)
	},
	"headers": func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Content-Type", "Content-Encoding", "Retry-After", "X-Ksc-Request-Id"} {
			w.Header().Set(name, r.Header.Get("Authorization"))
		}
	},
	"what is no HTTP": func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "%s\r\n\r\n", r.Header.Get("Authorization"))
	},
	"a status": func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 %s\r\n\r\n", r.Header.Get("Authorization"))
	},
}

func echo(status int, contentType, format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprintf(w, format, r.Header.Get("Authorization"))
	}
}

// lookEverywhere runs the program until it has asked, and looks at all that it shows.
func lookEverywhere(t *testing.T, api *guarded) {
	t.Helper()
	config, stateDir := guardedConfig(t, api.URL)
	r := launch(t, "--config.file="+config, "--log.level=debug", "--web.enable-lifecycle", "--web.enable-pprof")
	r.waitFor("/metrics", `ksyun_bill_source_up{account="`+script+`",source="project_summary"}`)
	for _, path := range []string{"/metrics", "/", "/-/ready", "/debug/pprof/cmdline", "/debug/pprof/heap?debug=1"} {
		_, body := r.get(path)
		api.check(t, path, []byte(body))
		if path == "/" && strings.Contains(body, script) {
			t.Errorf("a name is markup on the status page:\n%s", body)
		}
	}
	write(t, config, "accounts: [{secret_access_key: "+secretKey+"}, "+secretKey+"]\napi: "+secretKey+"\n")
	_, body := r.post("/-/reload")
	api.check(t, "/-/reload", []byte(body))
	r.stop()
	api.check(t, "the log", []byte(r.log.String()))
	files, err := filepath.Glob(filepath.Join(stateDir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("state: %q, %v", files, err)
	}
	for _, file := range files {
		api.check(t, file, unpackedFile(t, file))
	}
	config, _ = guardedConfig(t, api.URL)
	var out bytes.Buffer
	run(t.Context(), []string{"check", "--config.file=" + config, "--log.level=debug"}, noEnvironment, &out, &out)
	api.check(t, "check", out.Bytes())
}

// unpackedFile is a file as it is, and what is packed behind its first line, if anything is.
func unpackedFile(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, packed, ok := bytes.Cut(text, []byte("\n"))
	if !ok || len(packed) == 0 {
		return text
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(unpacked)
	if err != nil || len(plain) == 0 {
		t.Fatalf("%s: %d bytes, %v", file, len(plain), err)
	}
	return append(text, plain...)
}

// What the runtime writes at an end like a panic, all goroutines with a call under way, shows no secret either.
func TestNoSecretInCrash(t *testing.T) {
	if config := os.Getenv("CRASHING_CONFIG"); config != "" { // the one that is to crash
		args := []string{"--config.file=" + config, "--web.listen-address=127.0.0.1:0"}
		run(t.Context(), args, noEnvironment, io.Discard, os.Stderr)
		return
	}
	bill := guardedBill()
	bill.Fault(billsim.Never())
	asked := make(chan struct{})
	api := guard(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		bill.ServeHTTP(w, r)
	}))
	config, _ := guardedConfig(t, api.URL)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, strings.Replace(string(text), "timeout: 300ms", "timeout: 1m", 1))
	crash := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoSecretInCrash$")
	crash.Env = append(os.Environ(), "CRASHING_CONFIG="+config, "GOTRACEBACK=all")
	var said bytes.Buffer
	crash.Stdout, crash.Stderr = &said, &said
	if err := crash.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := crash.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	_ = crash.Wait() // it has crashed
	if !strings.Contains(said.String(), "billclient.(*Client).call(") {
		t.Errorf("the crash does not show the call:\n%s", &said)
	}
	api.check(t, "the crash", said.Bytes())
}

// A redirect is not followed: nobody else gets a request, let alone a signed one.
func TestRedirectIsNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was asked elsewhere", r.Method, r.URL)
	}))
	defer elsewhere.Close()
	bill := guardedBill()
	bill.Fault(billsim.Redirect(elsewhere.URL))
	api := guard(t, bill)
	config, _ := guardedConfig(t, api.URL)
	r := launch(t, "--config.file="+config)
	r.log.wait(t, regexp.MustCompile(`HTTP 302\): a redirect to .{0,2}`+regexp.QuoteMeta(elsewhere.URL)))
}
