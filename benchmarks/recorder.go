package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// recorder writes each answer of an API into a file, once for each query, and sends it from there: a reader that is
// faster than the simulator does not wait for it, and others can read the same bytes again.
type recorder struct {
	dir string
	api http.Handler

	mu      sync.Mutex
	answers map[string]recording // by query
	sent    []recording          // in their order, since they were forgotten
}

// recording is an answer in a file.
type recording struct {
	Action string
	Month  string // of a document with lines
	File   string // name in the directory
	header http.Header
	status int
}

// answersPath has the list of the answers that were sent, which DELETE empties, and below it their bytes.
const answersPath = "/answers"

func newRecorder(dir string, api http.Handler) *recorder {
	return &recorder{dir: dir, api: api, answers: map[string]recording{}}
}

// ServeHTTP answers a query. The API checks only the first request with the query.
func (p *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := p.answer(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	maps.Copy(w.Header(), answer.header)
	w.WriteHeader(answer.status)
	_ = p.send(w, answer.File) // fails only if the reader has gone, which then fails itself
}

func (p *recorder) answer(r *http.Request) (recording, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	answer, ok := p.answers[r.URL.RawQuery]
	if !ok {
		var err error
		if answer, err = p.record(r); err != nil {
			return answer, err
		}
		p.answers[r.URL.RawQuery] = answer
	}
	p.sent = append(p.sent, answer)
	return answer, nil
}

// record writes the API's answer into a new file.
func (p *recorder) record(r *http.Request) (recording, error) {
	query := r.URL.Query()
	name := fmt.Sprintf("answer-%06d", len(p.answers))
	file, err := os.Create(filepath.Join(p.dir, name))
	if err != nil {
		return recording{}, err
	}
	defer file.Close()
	to := &fileWriter{ResponseRecorder: httptest.NewRecorder(), file: bufio.NewWriterSize(file, 1<<20)}
	p.api.ServeHTTP(to, r)
	if err := to.file.Flush(); err != nil {
		return recording{}, err
	}
	header := to.Header()
	header.Set("Content-Length", strconv.FormatInt(to.n, 10))
	month := query.Get("BillMonth") + query.Get("BillStartMonth")
	return recording{query.Get("Action"), month, name, header, to.Code}, nil
}

// fileWriter is a ResponseWriter whose body goes to a file.
type fileWriter struct {
	*httptest.ResponseRecorder
	file *bufio.Writer
	n    int64
}

// Write writes to the file.
func (f *fileWriter) Write(p []byte) (int, error) {
	n, err := f.file.Write(p)
	f.n += int64(n)
	return n, err
}

func (p *recorder) send(w io.Writer, name string) error {
	file, err := os.Open(filepath.Join(p.dir, filepath.Base(name)))
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}

// list answers with what was sent, as JSON.
func (p *recorder) list(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	writeJSON(w, p.sent)
}

// forget empties the list.
func (p *recorder) forget(http.ResponseWriter, *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = nil
}

// serveAgain sends the bytes of a recorded answer.
func (p *recorder) serveAgain(w http.ResponseWriter, r *http.Request) {
	name := filepath.Join(p.dir, filepath.Base(r.PathValue("file")))
	info, err := os.Stat(name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	_ = p.send(w, name) // as above
}

// countingWriter counts the bytes of a body.
type countingWriter struct {
	http.ResponseWriter
	n int64
}

// Write writes to the client.
func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n += int64(n)
	return n, err
}

// ReadFrom lets a file be sent without a copy.
func (c *countingWriter) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(c.ResponseWriter, r)
	c.n += n
	return n, err
}

// Unwrap lets the simulator flush.
func (c *countingWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// copyAnswer sends an answer that is in memory.
func copyAnswer(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), answer.Header())
	w.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()))
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // fails only if the reader has gone, which then fails itself
}

func writeJSON(w http.ResponseWriter, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(text) // as above
}

// getJSON reads what a server of this program has at a path.
func getJSON(ctx context.Context, at string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	return fetch(http.DefaultClient, req, func(res *http.Response) error { return json.NewDecoder(res.Body).Decode(v) })
}
