package lake

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"ksyun_bill_exporter/output"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	bucketScheme = "s3://"

	// defaultEndpoint and defaultRegion are those of the tools of AWS.
	defaultEndpoint = "https://s3.amazonaws.com"
	defaultRegion   = "us-east-1"

	// temporaryName is what the names of staged files begin with, after a dot, among the temporary files of others.
	temporaryName = "ksyun_bill_exporter-lake"

	// partBytes is how much is sent at once; a larger file is sent in several requests, and appears after the last one.
	partBytes = 64 << 20

	// bucketRetries is how often a request is made. Between two, the client waits up to a second.
	bucketRetries = 5
	// probeTimeout is for finding out, at the start, whether the bucket is there and may be used.
	probeTimeout = 30 * time.Second
)

// bucket is a lake in a store with the API of S3.
type bucket struct {
	bucketURL
	client *minio.Client
	keys   *credentials.Credentials
}

// bucketURL is where a bucket is.
type bucketURL struct {
	name, prefix string
	endpoint     *url.URL
	region       string
	lookup       minio.BucketLookupType
}

// IsBucket reports whether a place is the URL of a bucket, and no folder.
func IsBucket(place string) bool { return strings.HasPrefix(place, bucketScheme) }

// parseBucket reads s3://bucket/prefix?endpoint=HOST&region=REGION&path_style=true. What it does not say, the
// environment does, by the names that the tools of AWS have for it. Source:
// https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html.
func parseBucket(place string) (b bucketURL, err error) {
	u, err := url.Parse(place)
	if err != nil {
		return b, err
	}
	if u.Host == "" || u.User != nil || u.Fragment != "" {
		u.User = nil // it may be a secret
		return b, fmt.Errorf("%s: want s3://BUCKET/PREFIX, perhaps with ?endpoint=HOST&region=REGION&path_style=true", u)
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return b, fmt.Errorf("%s: %w", place, err)
	}
	for key := range q {
		if key != "endpoint" && key != "region" && key != "path_style" {
			return b, fmt.Errorf("%s: %q is none of endpoint, region, path_style", place, key)
		}
	}
	b = bucketURL{name: u.Host, prefix: strings.Trim(u.Path, "/")}
	b.region = cmp.Or(q.Get("region"), os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), defaultRegion)
	endpoint := cmp.Or(q.Get("endpoint"), os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"), defaultEndpoint)
	if b.endpoint, err = parseEndpoint(endpoint); err == nil {
		b.lookup, err = parsePathStyle(q.Get("path_style"), b.endpoint)
	}
	if err != nil {
		return b, fmt.Errorf("%s: %w", place, err)
	}
	return b, nil
}

// parseEndpoint reads the address of a store, https:// if it does not say which. What is sent are bills, and without
// TLS anybody on the way reads them: only this machine may do without.
func parseEndpoint(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("endpoint: %w", err)
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "":
		return nil, fmt.Errorf("endpoint %s: want a host, or https:// and a host", u.Redacted())
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("endpoint %s: want https://, http:// is for this machine only", u.Redacted())
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// parsePathStyle reads whether the name of the bucket is in the path of requests, or before the name of the host; not
// said, it is before a name, and an address has it in the path.
func parsePathStyle(text string, endpoint *url.URL) (minio.BucketLookupType, error) {
	isPath := endpoint.Hostname() == "localhost" || net.ParseIP(endpoint.Hostname()) != nil
	if text != "" {
		var err error
		if isPath, err = strconv.ParseBool(text); err != nil {
			return 0, fmt.Errorf("path_style=%s: want true or false", text)
		}
	}
	if isPath {
		return minio.BucketLookupPath, nil
	}
	return minio.BucketLookupDNS, nil
}

// newBucket returns the bucket at a URL. The keys are those that the tools of AWS use: in the environment, or in the
// file of its name.
func newBucket(place string) (*bucket, error) {
	u, err := parseBucket(place)
	if err != nil {
		return nil, err
	}
	keys := credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{}, &credentials.FileAWSCredentials{},
	})
	client, err := minio.New(u.endpoint.Host, &minio.Options{
		Creds: keys, Secure: u.endpoint.Scheme == "https", Region: u.region, BucketLookup: u.lookup,
		MaxRetries: bucketRetries,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	return &bucket{bucketURL: u, client: client, keys: keys}, nil
}

var errNoKeys = errors.New("there is no key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY," +
	" or AWS_SHARED_CREDENTIALS_FILE")

// checkKeys fails without a key. A store would say that access is denied.
func (b *bucket) checkKeys() error {
	if keys, err := b.keys.GetWithContext(b.client.CredContext()); err != nil || keys.AccessKeyID == "" {
		return errNoKeys
	}
	return nil
}

// probe looks whether the bucket is there and may be used, and whether files for it can be made.
func (b *bucket) probe(ctx context.Context) error {
	if err := b.checkKeys(); err != nil {
		return err
	}
	f, err := b.stage()
	if err != nil {
		return err
	}
	f.Discard()
	_ = removeOld(os.TempDir(), temporaryName, time.Now()) // room is all that it is about
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	exists, err := b.client.BucketExists(ctx, b.name)
	switch {
	case err != nil:
		return b.explain("", err)
	case !exists:
		return fmt.Errorf("%s%s is not at %s: make the bucket, or name another one", bucketScheme, b.name, b.endpoint.Host)
	}
	return nil
}

// stage opens the file in the folder for temporary files, which others may read, too, and which an image or a sandbox
// may lack.
func (b *bucket) stage() (*output.Target, error) {
	f, err := output.OpenPrivate(os.TempDir(), temporaryName)
	if err != nil {
		return nil, fmt.Errorf("what a bucket gets is made in TMPDIR first: %w", err)
	}
	return f, nil
}

func (b *bucket) place(ctx context.Context, f *output.Target, key string) error {
	content, err := f.Content()
	if err != nil {
		return err
	}
	return b.put(ctx, key, io.NewSectionReader(content, 0, f.Bytes()), f.Bytes(), "application/vnd.apache.parquet")
}

func (b *bucket) write(ctx context.Context, key string, text []byte) error {
	return b.put(ctx, key, bytes.NewReader(text), int64(len(text)), "application/json")
}

func (b *bucket) put(ctx context.Context, key string, r io.Reader, size int64, contentType string) error {
	_, err := b.client.PutObject(ctx, b.name, b.key(key), r, size, minio.PutObjectOptions{
		ContentType: contentType, PartSize: partBytes, NumThreads: 1,
	})
	return b.explain(key, err)
}

func (b *bucket) open(ctx context.Context, key string) (*Reader, error) {
	object, err := b.client.GetObject(ctx, b.name, b.key(key), minio.GetObjectOptions{})
	if err != nil {
		return nil, b.explain(key, err)
	}
	info, err := object.Stat()
	if err != nil {
		return nil, errors.Join(b.explain(key, err), object.Close())
	}
	return &Reader{ReaderAt: object, Size: info.Size, Closer: object}, nil
}

// remove looks first: a key that may not delete has to be good enough as long as there is nothing to remove.
func (b *bucket) remove(ctx context.Context, key string) error {
	_, err := b.client.StatObject(ctx, b.name, b.key(key), minio.StatObjectOptions{})
	if err == nil {
		err = b.client.RemoveObject(ctx, b.name, b.key(key), minio.RemoveObjectOptions{})
	}
	if err = b.explain(key, err); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// key returns the whole key of something in the lake.
func (u bucketURL) key(key string) string { return path.Join(u.prefix, key) }

// explain returns an error of the store with the code and the id of the request, by which its operator finds it.
func (u bucketURL) explain(key string, err error) error {
	if err == nil {
		return nil
	}
	place, answer := bucketScheme+path.Join(u.name, u.key(key)), minio.ToErrorResponse(err)
	switch {
	case answer.StatusCode == http.StatusNotFound && answer.Code == minio.NoSuchKey:
		return fmt.Errorf("%s: %w", place, fs.ErrNotExist)
	case answer.Code == "":
		return fmt.Errorf("%s: %w", place, err)
	}
	return fmt.Errorf("%s: %w (%s, HTTP %d, request id %s)", place, err, answer.Code, answer.StatusCode,
		cmp.Or(answer.RequestID, "none"))
}
