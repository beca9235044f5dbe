package e2e

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/e2e/peers"
)

// The environment says through which proxy the API is asked and whose certificates count, as docs/operations.md has it.
// Where that is wrong, the error is the one of its table.
func TestProxy(t *testing.T) {
	api := httptest.NewTLSServer(billsim.New(billsim.Demo(time.Now)))
	t.Cleanup(api.Close)
	proxy, authorities := serveProxy(t, api.Listener.Addr().String()), writeCertificate(t, api)
	through := "HTTPS_PROXY=http://user:opensesame@" + proxy
	const works = "1 of 1: shop: 5 ok; "
	for _, c := range []struct {
		name, endpoint string
		environment    []string
		want           string
	}{
		{"a folder", "https://example.com", []string{through, "SSL_CERT_DIR=" + filepath.Dir(authorities)}, works},
		{"a file", "https://example.com", []string{through, "SSL_CERT_FILE=" + authorities}, works},
		{
			"lower case",
			"https://example.com",
			[]string{"https_proxy" + through[len("HTTPS_PROXY"):], "SSL_CERT_FILE=" + authorities},
			works,
		},
		{"unknown authority", "https://example.com", []string{through}, "certificate signed by unknown authority"},
		{
			"no password",
			"https://example.com",
			[]string{"HTTPS_PROXY=http://" + proxy, "SSL_CERT_FILE=" + authorities},
			"Proxy Authentication Required",
		},
		{"no proxy", "https://example.com", []string{"HTTPS_PROXY=http://" + peers.FreeAddress(t)}, "proxyconnect tcp: "},
		{"an exception", "https://bill.invalid", []string{through, "NO_PROXY=.invalid"}, "lookup bill.invalid"},
		{
			"this machine",
			api.URL,
			[]string{"HTTPS_PROXY=http://" + peers.FreeAddress(t), "SSL_CERT_FILE=" + authorities},
			works,
		},
	} {
		if out := checkBehindProxy(t, c.endpoint, c.environment); !strings.Contains(out, c.want) {
			t.Errorf("%s: no %q in\n%s", c.name, c.want, out)
		}
	}
}

// checkBehindProxy returns what the command check says of an account of the demo.
func checkBehindProxy(t *testing.T, endpoint string, environment []string) string {
	t.Helper()
	shop := billsim.Demo(time.Now)[0]
	config := filepath.Join(t.TempDir(), "config.yaml")
	write(t, config, "accounts: [{name: shop, access_key_id: "+shop.AccessKeyID+
		", secret_access_key: "+shop.SecretAccessKey+"}]\n"+
		"api: {endpoint: '"+endpoint+"', max_retries: 0, requests_per_second: 100}\n")
	check := exec.CommandContext(t.Context(), binary(t), "check", "--config.file="+config)
	check.Env = append(withoutProxy(os.Environ()), environment...)
	out, _ := check.CombinedOutput() // its text says what the exit code means
	return string(out)
}

// serveProxy returns the address of a proxy with a password, which connects to an address whatever it is asked for.
func serveProxy(t *testing.T, address string) string {
	t.Helper()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "Basic dXNlcjpvcGVuc2VzYW1l" {
			http.Error(w, "a password, please", http.StatusProxyAuthRequired)
			return
		}
		server, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", address)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer server.Close()
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer client.Close()
		if _, err := io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(server, client)
			server.Close()
		}()
		_, _ = io.Copy(client, server)
	}))
	t.Cleanup(proxy.Close)
	return proxy.Listener.Addr().String()
}

// writeCertificate writes the certificate of a server into a file that is alone in its folder.
func writeCertificate(t *testing.T, server *httptest.Server) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "company.pem")
	write(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return file
}

// withoutProxy returns an environment without what names a proxy.
func withoutProxy(environment []string) (rest []string) {
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			rest = append(rest, variable)
		}
	}
	return rest
}
