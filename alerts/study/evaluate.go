package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// A ruleSet is a directory with the rule files, made ready for promtool.
type ruleSet struct {
	files, groups []string
}

// prepareRules copies the rule files of a directory without their texts, which cost most of the time and decide
// nothing.
func prepareRules(from, to string) (ruleSet, error) {
	names, err := filepath.Glob(filepath.Join(from, "*.rules.yml"))
	if err == nil && len(names) == 0 {
		err = errors.New("no *.rules.yml")
	}
	if err != nil {
		return ruleSet{}, fmt.Errorf("rules %s: %w", from, err)
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	var set ruleSet
	for _, name := range names {
		if err := set.prepare(name, to); err != nil {
			return ruleSet{}, fmt.Errorf("rules %s: %w", name, err)
		}
	}
	return set, nil
}

// rank orders the files as their recordings need it.
func rank(name string) int {
	switch filepath.Base(name) {
	case "thresholds.rules.yml":
		return 0
	case "recordings.rules.yml":
		return 1
	}
	return 2
}

func (s *ruleSet) prepare(name, to string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var file struct{ Groups []map[string]any }
	if err := yaml.Unmarshal(text, &file); err != nil {
		return err
	}
	for _, group := range file.Groups {
		s.groups = append(s.groups, fmt.Sprint(group["name"]))
		rules, _ := group["rules"].([]any)
		for _, rule := range rules {
			if fields, is := rule.(map[string]any); is {
				delete(fields, "annotations")
			}
		}
	}
	if text, err = yaml.Marshal(map[string]any{"groups": file.Groups}); err != nil {
		return err
	}
	path := filepath.Join(to, filepath.Base(name))
	s.files = append(s.files, path)
	return os.WriteFile(path, text, 0o600)
}

const scrapeHours = 24 / scrapesADay

// evaluate returns what fires at each scrape. The tests of promtool are made to fail: it prints what fires where
// nothing should.
func (s ruleSet) evaluate(ctx context.Context, r *recorder, dir string) (firing, error) {
	path := filepath.Join(dir, r.life.account+"_"+strconv.Itoa(r.life.anomalyAt)+"_test.yml")
	if err := os.WriteFile(path, s.test(r), 0o600); err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(path) }()
	out, err := exec.CommandContext(ctx, "promtool", "test", "rules", path).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		return nil, fmt.Errorf("promtool: %w", err)
	}
	found, parseErr := parseFiring(out)
	if parseErr != nil || err != nil && len(found) == 0 {
		return nil, fmt.Errorf("promtool: %w: %.2000s", errors.Join(err, parseErr), out)
	}
	return found, nil
}

func (s ruleSet) test(r *recorder) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "rule_files: [%s]\n", strings.Join(s.files, ", "))
	fmt.Fprintf(&b, "group_eval_order: [%s]\n", strings.Join(s.groups, ", "))
	fmt.Fprintf(&b, "evaluation_interval: %dh\n", scrapeHours)
	fmt.Fprintf(&b, "tests:\n  - interval: %dh\n    input_series:\n", scrapeHours)
	r.write(&b)
	b.WriteString("    promql_expr_test:\n")
	for i := range scrapes {
		fmt.Fprintf(&b, "      - {expr: 'ALERTS{alertstate=\"firing\"}', eval_time: %dh}\n",
			i*scrapeHours)
	}
	return b.Bytes()
}

var (
	resultPattern = regexp.MustCompile(`(?s)time: ((?:\d+[wdhms])+),\s+exp:.*?\s+got:(.*)`)
	labelSets     = regexp.MustCompile(`\{[^}]*\}`)
	timePart      = regexp.MustCompile(`(\d+)([wdhms])`)
	ruleError     = regexp.MustCompile(`(?m)^.*(err:|error).*$`)
)

// parseFiring reads promtool's list of failures.
func parseFiring(out []byte) (firing, error) {
	if found := ruleError.Find(out); found != nil {
		return nil, fmt.Errorf("%s", found)
	}
	found := firing{}
	for _, part := range strings.Split(string(out), "expr: ")[1:] {
		result := resultPattern.FindStringSubmatch(part)
		if result == nil {
			return nil, fmt.Errorf("unknown result %.200q", part)
		}
		scrape, err := scrapeOf(result[1])
		if err != nil {
			return nil, err
		}
		for _, labels := range labelSets.FindAllString(result[2], -1) {
			found.add(strings.ReplaceAll(labels, `\"`, `"`), scrape)
		}
	}
	return found, nil
}

func scrapeOf(elapsed string) (int, error) {
	hours := 0
	for _, part := range timePart.FindAllStringSubmatch(elapsed, -1) {
		n, err := strconv.Atoi(part[1])
		if err != nil {
			return 0, fmt.Errorf("time %q: %w", elapsed, err)
		}
		hours += n * map[string]int{"w": 7 * 24, "d": 24, "h": 1}[part[2]]
	}
	return hours / scrapeHours, nil
}
