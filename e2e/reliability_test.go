package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"ksyun_bill_exporter/billsim"
	"ksyun_bill_exporter/e2e/peers"

	"github.com/google/go-cmp/cmp"
)

const promisesPage = "docs/reliability.md"

// Every promise of docs/reliability.md has tests, and those exist.
func TestPromisesAreKept(t *testing.T) {
	t.Chdir(root)
	promises := slices.Concat(promisedTests(t, promisesPage)...)
	if len(promises) < 20 {
		t.Errorf("%s has %d promises", promisesPage, len(promises))
	}
	for _, test := range slices.Concat(promises...) {
		pkg, name, _ := strings.Cut(test, ".")
		if !hasTest(t, pkg, name) {
			t.Errorf("%s: there is no %s", promisesPage, test)
		}
	}
}

// The Chinese page makes the same promises: as many in each section, each kept by the same tests.
func TestPromisesInChinese(t *testing.T) {
	t.Chdir(root)
	want, got := promisedTests(t, promisesPage), promisedTests(t, "docs/reliability.zh-CN.md")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tests by section and promise (-English +Chinese):\n%s", diff)
	}
}

// promisedTests returns the tests that a page names, by section and by promise.
func promisedTests(t *testing.T, page string) (sections [][][]string) {
	t.Helper()
	for _, section := range strings.Split(read(t, page), "\n## ")[1:] {
		var promises [][]string
		for _, promise := range strings.Split(section, "\n* ")[1:] {
			var tests []string
			for _, test := range namedTest.FindAllStringSubmatch(promise, -1) {
				tests = append(tests, test[1])
			}
			if len(tests) == 0 {
				t.Errorf("%s: nothing keeps this: %s", page, promise)
			}
			promises = append(promises, tests)
		}
		sections = append(sections, promises)
	}
	return sections
}

var namedTest = regexp.MustCompile("`([a-z0-9]+\\.(?:Test|Fuzz)\\w+)`")

func hasTest(t *testing.T, pkg, name string) bool {
	t.Helper()
	if pkg == "main" {
		pkg = "."
	}
	files, err := filepath.Glob(filepath.Join(pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.Contains(read(t, file), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}

// No scrape makes a call to the API, however many there are.
func TestScrapeMakesNoCall(t *testing.T) {
	api, config := peers.Simulate(t, peers.SampleLine)
	write(t, config, read(t, config)+"refresh: {interval: 7d, max_staleness: 8d}\n")
	r := launch(t, "--config.file="+config)
	r.AwaitLines("main")
	api.ResetCalls()
	for range 20 {
		for _, path := range []string{"/metrics", "/", "/-/ready"} {
			r.Get(path)
		}
	}
	if calls := api.Calls(); len(calls) != 0 {
		t.Errorf("%d calls", len(calls))
	}
}

// An exporter that is killed while it writes its state has complete numbers at its next start, without the API.
func TestKilled(t *testing.T) {
	api, config := peers.Simulate(t, peers.SampleLine, peers.SampleLine)
	stateDir := filepath.Join(t.TempDir(), "state")
	write(t, config, strings.Replace(read(t, config), "max_retries: 0", "max_retries: 0, requests_per_second: 1000", 1)+
		"refresh: {interval: 1s}\nstate_dir: "+stateDir+"\n")
	for range 3 {
		killWhileItWrites(t, config, stateDir)
		undo := api.Fault(billsim.Never())
		r := launch(t, "--config.file="+config)
		page := r.Await("/metrics", `ksyun_bill_source_from_disk{account="main",source="month_bill"} 1`)
		const cost = `ksyun_bill_account_cost_cny{account="main",pay_mode="postpaid"} 110` + "\n"
		if !strings.Contains(page, cost) {
			t.Errorf("no %s in\n%s", cost, page)
		}
		r.Stop()
		undo()
	}
	if aside, _ := filepath.Glob(filepath.Join(stateDir, "*.aside")); len(aside) > 0 {
		t.Errorf("set aside: %q", aside)
	}
}

// killWhileItWrites starts the program, and kills it when it has all numbers and its state files change again.
func killWhileItWrites(t *testing.T, config, stateDir string) {
	t.Helper()
	victim := program(t, "--config.file="+config, "--web.listen-address=127.0.0.1:0")
	var log peers.Log
	victim.Stderr = &log
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	log.Await(t, regexp.MustCompile(`(?s)source=month_consume.*source=month_bill`))
	for before := stateFiles(t, stateDir); stateFiles(t, stateDir) == before; {
		runtime.Gosched()
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // it was killed
}

// stateFiles describes all state files, unfinished ones too. The text changes with each of them.
func stateFiles(t *testing.T, dir string) (files string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && strings.Contains(entry.Name(), ".state") { // not renamed meanwhile
			files += fmt.Sprintln(info.Name(), info.Size(), info.ModTime())
		}
	}
	return files
}
