package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/e2e/peers"
)

// The key of these tests, and a name that would be markup in a page that does not escape it.
const (
	secretID  = "AKLTzQ7wnB2vR9mKfX4e"
	secretKey = "OJ0pfKx3+Vw/9hTqYbL5sDgNcE7uRm2ZaWi8XtQk"
	script    = "<script>alert(1)</script>"
)

// guardedAPI is an API that remembers what every request was signed with.
type guardedAPI struct {
	*httptest.Server
	mu      sync.Mutex
	secrets []string
}

var signatureOf = regexp.MustCompile(`Signature=([0-9a-f]{64})`)

func guard(t *testing.T, api http.Handler) *guardedAPI {
	t.Helper()
	g := &guardedAPI{secrets: []string{secretID, secretKey}}
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

// check fails if a text shows a secret.
func (g *guardedAPI) check(t *testing.T, place string, text []byte) {
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
	line := peers.SampleLine
	line.InstanceName, line.RegionName, line.ProjectName, line.ProductName = script, script, script, script
	running := peers.RunningMonth()
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

// echoes answer with what they were asked, as a proxy may do to be helpful.
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

// lookEverywhere runs the program until it has asked the API, and looks at all that it shows.
func lookEverywhere(t *testing.T, api *guardedAPI) {
	t.Helper()
	config, stateDir := guardedConfig(t, api.URL)
	r := launch(t, "--config.file="+config, "--log.level=debug", "--web.enable-lifecycle", "--web.enable-pprof")
	r.Await("/metrics", `ksyun_bill_source_up{account="`+script+`",source="project_summary"}`)
	for _, path := range []string{"/metrics", "/", "/-/ready", "/debug/pprof/cmdline", "/debug/pprof/heap?debug=1"} {
		_, body := r.Get(path)
		api.check(t, path, []byte(body))
		if path == "/" && strings.Contains(body, script) {
			t.Errorf("a name is markup on the status page:\n%s", body)
		}
	}
	write(t, config, "accounts: [{secret_access_key: "+secretKey+"}, "+secretKey+"]\napi: "+secretKey+"\n")
	_, body := r.Post("/-/reload")
	api.check(t, "/-/reload", []byte(body))
	r.Stop()
	api.check(t, "the log", []byte(r.Log.String()))
	files, err := filepath.Glob(filepath.Join(stateDir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("state: %q, %v", files, err)
	}
	for _, file := range files {
		api.check(t, file, unpackedFile(t, file))
	}
	config, _ = guardedConfig(t, api.URL)
	out, _ := program(t, "check", "--config.file="+config, "--log.level=debug").CombinedOutput() // it may fail
	api.check(t, "check", out)
}

// unpackedFile returns a file as it is, followed by the unpacked text that is behind its first line, if there is one.
func unpackedFile(t *testing.T, file string) []byte {
	t.Helper()
	text := []byte(read(t, file))
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

// What the runtime writes at a crash, all goroutines during a call, shows no secret either.
func TestNoSecretInCrash(t *testing.T) {
	bill := guardedBill()
	bill.Fault(billsim.Never())
	asked := make(chan struct{})
	api := guard(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		bill.ServeHTTP(w, r)
	}))
	config, _ := guardedConfig(t, api.URL)
	write(t, config, strings.Replace(read(t, config), "timeout: 300ms", "timeout: 1m", 1))
	crash := program(t, "--config.file="+config, "--web.listen-address=127.0.0.1:0")
	crash.Env = append(os.Environ(), "GOTRACEBACK=all")
	var out bytes.Buffer
	crash.Stdout, crash.Stderr = &out, &out
	if err := crash.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := crash.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	_ = crash.Wait() // it has crashed
	if !strings.Contains(out.String(), "billclient.(*Client).call(") {
		t.Errorf("the crash does not show the call:\n%s", &out)
	}
	api.check(t, "the crash", out.Bytes())
}

// A redirect is not followed: no other server gets a request, signed or not.
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
	r.Log.Await(t, regexp.MustCompile(`HTTP 302\): a redirect to .{0,2}`+regexp.QuoteMeta(elsewhere.URL)))
}

// scraper is a user with the password opensesame, as bcrypt writes it.
const scraper = "prometheus: $2a$04$nNSV71l.OZ67ZQPO/Bi2LupXVipvOwoq/pP.TGqavL6g/JG/n2yiS"

// With a certificate and a password in --web.config.file, nothing is sent in the clear, and strangers get nothing, not
// even from the paths for probes. A probe works with the password in its header, as SECURITY.md says.
func TestTLSAndPassword(t *testing.T) {
	_, config := peers.Simulate(t, peers.SampleLine)
	webConfig, pool := webConfigFile(t)
	r := launch(t, "--config.file="+config, "--web.config.file="+webConfig, "--web.enable-lifecycle")
	r.Log.Await(t, regexp.MustCompile(`source=detail_bill`))
	secure := strings.Replace(r.URL, "http:", "https:", 1)
	if want := "msg=open page=" + secure + "/ "; !strings.Contains(r.Log.String(), want) {
		t.Errorf("no %s in the log:\n%s", want, r.Log)
	}
	trusting := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer trusting.CloseIdleConnections()
	for _, c := range []struct {
		name, path, password string
		status               int
		want                 string
	}{
		{"no password", "/metrics", "", 401, "Unauthorized\n"},
		{"another password", "/metrics", "opensesame2", 401, "Unauthorized\n"},
		{"a probe without", "/-/healthy", "", 401, "Unauthorized\n"},
		{"a reload without", "/-/reload", "", 401, "Unauthorized\n"},
		{"the status page without", "/", "", 401, "Unauthorized\n"},
		{"the password", "/metrics", "opensesame", 200, "# HELP ksyun_bill_account_cost_cny "},
		{"liveness with it", "/-/healthy", "opensesame", 200, "Healthy.\n"},
		{"readiness with it", "/-/ready", "opensesame", 200, "Ready.\n"},
	} {
		status, body, err := getAs(t, trusting, secure+c.path, c.password)
		if err != nil || status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d, %v, want %d and %q in it:\n%s", c.name, status, err, c.status, c.want, body)
		}
	}
	status, body, err := getAs(t, trusting, r.URL+"/metrics", "opensesame")
	if want := "Client sent an HTTP request to an HTTPS server.\n"; err != nil || status != 400 || body != want {
		t.Errorf("in the clear: %d, %v: %s", status, err, body)
	}
	if _, _, err := getAs(t, http.DefaultClient, secure+"/metrics", "opensesame"); err == nil ||
		!strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("who does not know the certificate: %v", err)
	}
	if log := r.Log.String(); strings.Contains(log, "opensesame") {
		t.Errorf("the log has the password:\n%s", log)
	}
}

// getAs asks as the user scraper with a password, or without a user if it is empty.
func getAs(t *testing.T, client *http.Client, url, password string) (status int, body string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if password != "" {
		request.SetBasicAuth("prometheus", password)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// webConfigFile returns a web configuration with a new certificate, and a pool that trusts it.
func webConfigFile(t *testing.T) (file string, pool *x509.CertPool) {
	t.Helper()
	certificate, key, pool := selfSigned(t)
	dir := t.TempDir()
	file = filepath.Join(dir, "web.yaml")
	write(t, filepath.Join(dir, "tls.crt"), certificate)
	write(t, filepath.Join(dir, "tls.key"), key)
	write(t, file, "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\nbasic_auth_users: {"+scraper+"}\n")
	return file, pool
}

func selfSigned(t *testing.T) (certificate, key string, pool *x509.CertPool) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public}))
	key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	pool = x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(certificate)) {
		t.Fatal("no certificate")
	}
	return certificate, key, pool
}
