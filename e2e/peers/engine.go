package peers

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Engine is an engine that reads Parquet, as a library in a process of its own. It is safe for concurrent use; one
// statement is answered after the other.
type Engine struct {
	t       *testing.T
	mu      sync.Mutex
	asks    io.Writer
	answers *bufio.Scanner
}

// StartEngine starts duckdb or clickhouse in a folder, to which the files of statements are relative. make peers has
// installed it below the root of the repository.
func StartEngine(t *testing.T, root, name, folder string) *Engine {
	t.Helper()
	process := exec.CommandContext(t.Context(), "node", filepath.Join(root, "e2e", "engines", "engine.cjs"), name)
	process.Dir = folder
	process.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(root, ".build", "engines", "node_modules"))
	asks, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	process.Stderr = &Log{}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		asks.Close()
		if err := process.Wait(); err != nil && t.Failed() {
			t.Logf("%s: %v\n%s", name, err, process.Stderr)
		}
	})
	scanner := bufio.NewScanner(answers)
	scanner.Buffer(nil, 64<<20)
	return &Engine{t: t, asks: asks, answers: scanner}
}

// Ask returns the rows that answer a statement. The test fails if there are none because of an error.
func (e *Engine) Ask(sql string) [][]string {
	e.t.Helper()
	rows, err := e.Try(sql)
	if err != nil {
		e.t.Fatalf("%v\n%s", err, sql)
	}
	return rows
}

// Try returns the rows that answer a statement, numbers without zeros that say nothing, null as "NULL".
func (e *Engine) Try(sql string) ([][]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := json.NewEncoder(e.asks).Encode(sql); err != nil {
		return nil, err
	}
	if !e.answers.Scan() {
		return nil, errors.Join(errors.New("the engine has ended"), e.answers.Err())
	}
	var answer struct {
		Rows  [][]*string
		Error string
	}
	if err := json.Unmarshal(e.answers.Bytes(), &answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	rows := make([][]string, len(answer.Rows))
	for i, row := range answer.Rows {
		for _, value := range row {
			rows[i] = append(rows[i], textOf(value))
		}
	}
	return rows, nil
}

func textOf(value *string) string {
	if value == nil {
		return "NULL"
	}
	return Plain(*value)
}

// Plain returns a decimal number without zeros at its end, of which engines show more or fewer. Another text stays.
func Plain(text string) string {
	whole, fraction, isFraction := strings.Cut(text, ".")
	if !isFraction || strings.Trim(strings.TrimPrefix(whole, "-")+fraction, "0123456789") != "" {
		return text
	}
	return strings.TrimSuffix(whole+"."+strings.TrimRight(fraction, "0"), ".")
}
