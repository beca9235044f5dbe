package lake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ksyun_bill_exporter/billclient"

	"github.com/google/go-cmp/cmp"
)

// withKeys sets the keys of a bucket, and nothing else that says where one is.
func withKeys(t *testing.T, id, secret string) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_ACCESS_KEY_ID", id)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
}

func october(t *testing.T) Partition {
	t.Helper()
	m, err := billclient.ParseMonth("2026-10")
	if err != nil {
		t.Fatal(err)
	}
	return Partition{Customer: "73400575", Month: m}
}

// publish writes a text in the place of a file.
func publish(t *testing.T, l *Lake, text string) error {
	t.Helper()
	f, err := l.Stage()
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := io.WriteString(f, text); err != nil {
		return err
	}
	return l.Publish(t.Context(), october(t), f, Manifest{File: FileName})
}

// TestPlaces reads what can be said of a place, with the words of what is wrong.
func TestPlaces(t *testing.T) {
	withKeys(t, "", "")
	for place, want := range map[string]string{
		"lake":                "",
		"s3://bills":          "",
		"s3://bills/a/b/":     "",
		"s3://bills?region=x": "",
		"s3://bills?endpoint=ks3-cn-beijing.ksyuncs.com&region=BEIJING": "",
		"s3://bills?endpoint=http://127.0.0.1:9000&path_style=false":    "",
		"s3://": "s3:: want s3://BUCKET/PREFIX, perhaps with ?endpoint=HOST&region=REGION&path_style=true",
		"s3://k:s3cret@bills": "s3://bills: want s3://BUCKET/PREFIX, perhaps with" +
			" ?endpoint=HOST&region=REGION&path_style=true",
		"s3://bills?endpont=x": `s3://bills?endpont=x: "endpont" is none of endpoint, region, path_style`,
		"s3://bills?endpoint=http://ks3.example": "s3://bills?endpoint=http://ks3.example: endpoint http://ks3.example:" +
			" want https://, http:// is for this machine only",
		"s3://bills?endpoint=https://h/path": "s3://bills?endpoint=https://h/path: endpoint https://h/path: want a" +
			" host, or https:// and a host",
		"s3://bills?path_style=si": "s3://bills?path_style=si: path_style=si: want true or false",
	} {
		_, err := New(place)
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && got != want {
			t.Errorf("%s: %s, want %q", place, got, want)
		}
	}
}

// A folder has the file, its manifest, and nothing of what was not published.
func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "lake")
	l, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Read(t.Context(), october(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before: %v", err)
	}
	for _, text := range []string{"first", "second one"} {
		if err := publish(t, l, text); err != nil {
			t.Fatal(err)
		}
		r, err := l.Read(t.Context(), october(t))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size))
		if string(got) != text || err != nil || r.Close() != nil {
			t.Errorf("read %q, %v", got, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "billing_account_id=73400575/billing_period=2026-10", ManifestName))
	var m Manifest
	if err := errors.Join(err, json.Unmarshal(text, &m)); err != nil {
		t.Fatal(err)
	}
	want := Manifest{
		File: FileName, Bytes: 10, SHA256: "e468f3fb57f6fd47d88040c950497782d50d70a6e1927c8e9a4f32d3841fa9eb",
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
}

// What a program left that was killed goes after a day; what another one is writing stays.
func TestOldStagedFiles(t *testing.T) {
	withKeys(t, "AKIA", "s3cret")
	store := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer store.Close()
	dir, temporary := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	for place, staged := range map[string]string{
		dir:                                filepath.Join(dir, ".staged"),
		"s3://bills?endpoint=" + store.URL: filepath.Join(temporary, ".ksyun_bill_exporter-lake"),
	} {
		folder := filepath.Dir(staged)
		age(t, staged+"1", 25*time.Hour)
		age(t, staged+"2", time.Hour)
		age(t, filepath.Join(folder, "notes.txt"), 100*time.Hour)
		l, err := New(place)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{filepath.Base(staged) + "2", "notes.txt"}, names(entries)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", place, diff)
		}
	}
}

// age makes a file that was last written some time ago.
func age(t *testing.T, file string, since time.Duration) {
	t.Helper()
	err := os.WriteFile(file, nil, 0o600)
	if err := errors.Join(err, os.Chtimes(file, time.Time{}, time.Now().Add(-since))); err != nil {
		t.Fatal(err)
	}
}

// Files for a bucket are made in the folder for temporary files: nobody else may read them, old ones of programs that
// were killed are removed, and a folder that is not there is said at the start.
func TestFilesForABucket(t *testing.T) {
	withKeys(t, "AKIA", "s3cret")
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	l, err := New("s3://bills?endpoint=" + server.URL)
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.Stage()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Discard()
	staged, err := os.ReadDir(dir)
	if err != nil || len(staged) != 1 {
		t.Fatal(staged, err)
	}
	if info, err := staged[0].Info(); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	old := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, staged[0].Name()), old, old); err != nil {
		t.Fatal(err)
	}
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); len(left) != 0 || err != nil {
		t.Errorf("%v are left, %v", names(left), err)
	}
}

func names(entries []os.DirEntry) (all []string) {
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// refusal is what a store answers instead of taking what is sent.
type refusal struct {
	status    int
	code, key string
}

func (r refusal) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	_, _ = io.Copy(io.Discard, request.Body)
	w.Header().Set("x-amz-request-id", "REQUEST-1")
	w.WriteHeader(r.status)
	if request.Method != http.MethodHead {
		fmt.Fprintf(w, `<Error><Code>%s</Code><Message>no</Message><RequestId>REQUEST-1</RequestId></Error>`, r.code)
	}
}

// A store that refuses is quoted, with code and request id.
func TestRefusals(t *testing.T) {
	withKeys(t, "AKIA", "s3cret")
	for name, tt := range map[string]struct {
		refusal
		open, publish string
	}{
		"denied": {
			refusal{403, "AccessDenied", ""},
			"lake: s3://bills/p: Access Denied. (AccessDenied, HTTP 403, request id REQUEST-1)",
			"lake: s3://bills/p/billing_account_id=73400575/billing_period=2026-10/part-0.parquet: no" +
				" (AccessDenied, HTTP 403, request id REQUEST-1)",
		},
		"no bucket": {
			refusal{404, "NoSuchBucket", ""},
			"lake: s3://bills is not at HOST: make the bucket, or name another one",
			"lake: s3://bills/p/billing_account_id=73400575/billing_period=2026-10/part-0.parquet: no" +
				" (NoSuchBucket, HTTP 404, request id REQUEST-1)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tt.refusal)
			defer server.Close()
			l, err := New("s3://bills/p?endpoint=" + server.URL)
			if err != nil {
				t.Fatal(err)
			}
			host := strings.TrimPrefix(server.URL, "http://")
			for want, err := range map[string]error{tt.open: l.Open(t.Context()), tt.publish: publish(t, l, "text")} {
				if got := strings.ReplaceAll(fmt.Sprint(err), host, "HOST"); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
}

// Where no file can be made for it, as in a container without /tmp, a bucket is of no use, which the error explains.
func TestNoTemporaryFolder(t *testing.T) {
	withKeys(t, "AKIA", "s3cret")
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	l, err := New("s3://bills?endpoint=" + server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", "/none")
	const want = "lake: what a bucket gets is made in TMPDIR first: "
	for _, err := range []error{l.Open(t.Context()), publish(t, l, "text")} {
		if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want fs.ErrNotExist after %q", err, want)
		}
	}
}

// A key that may not delete can publish, unless there is a file to remove.
func TestKeyThatMayNotDelete(t *testing.T) {
	withKeys(t, "AKIA", "s3cret")
	head := http.StatusNotFound
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodHead:
			w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
			w.WriteHeader(head)
		case http.MethodPut:
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("ETag", `"1"`)
		default:
			refusal{403, "AccessDenied", ""}.ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	l, err := New("s3://bills?endpoint=" + server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := publish(t, l, "text"); err != nil {
		t.Error(err)
	}
	head = http.StatusOK
	const want = "lake: s3://bills/billing_account_id=73400575/billing_period=2026-10/part-0.parquet.unreconciled: no" +
		" (AccessDenied, HTTP 403, request id REQUEST-1)"
	if err := publish(t, l, "text"); fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Without a key, nothing is asked.
func TestNoKeys(t *testing.T) {
	withKeys(t, "", "")
	l, err := New("s3://bills")
	if err != nil {
		t.Fatal(err)
	}
	const want = "lake: there is no key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE"
	if err := l.Open(t.Context()); fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
