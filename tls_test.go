package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// scraper is a user whose password is opensesame, as bcrypt writes it.
const scraper = "prometheus: $2a$04$nNSV71l.OZ67ZQPO/Bi2LupXVipvOwoq/pP.TGqavL6g/JG/n2yiS"

// With a certificate and a password in --web.config.file, nothing is told in the clear or to strangers, probes
// included; a probe passes with the password in its header, as SECURITY.md says.
func TestTLSAndPassword(t *testing.T) {
	_, config := simulate(t, sampleLine)
	webConfig, pool := webConfigFile(t)
	r := launch(t, "--config.file="+config, "--web.config.file="+webConfig, "--web.enable-lifecycle")
	r.log.wait(t, regexp.MustCompile(`source=detail_bill`))
	plain := r.url
	r.url = strings.Replace(r.url, "http:", "https:", 1)
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
		status, body, err := getAs(t, trusting, r.url+c.path, c.password)
		if err != nil || status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d, %v, want %d and %q in it:\n%s", c.name, status, err, c.status, c.want, body)
		}
	}
	status, body, err := getAs(t, trusting, plain+"/metrics", "opensesame")
	if want := "Client sent an HTTP request to an HTTPS server.\n"; err != nil || status != 400 || body != want {
		t.Errorf("in the clear: %d, %v: %s", status, err, body)
	}
	if _, _, err := getAs(t, http.DefaultClient, r.url+"/metrics", "opensesame"); err == nil ||
		!strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("who does not know the certificate: %v", err)
	}
	if log := r.log.String(); strings.Contains(log, "opensesame") {
		t.Errorf("the log has the password:\n%s", log)
	}
}

// getAs asks as the scraper with a password, or as nobody without one.
func getAs(t *testing.T, client *http.Client, url, password string) (status int, body string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if password != "" {
		request.SetBasicAuth("prometheus", password)
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// webConfigFile returns a web configuration with a certificate made for it, and who trusts that.
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
