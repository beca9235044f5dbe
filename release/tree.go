package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// dirtySuffix ends a revision that is not all of what was built.
const dirtySuffix = "-dirty"

// tree is a commit as it lies in the repository's folder.
type tree struct {
	revision string
	date     time.Time
	files    []trackedFile // in the order of their names
}

// trackedFile is a file that git knows.
type trackedFile struct {
	name string // with slashes, as git has it
	mode int64
}

// readTree reads the commit of a folder. Unless dirty is true, it fails if the folder has changes that are in no
// commit, or files that git does not know: the revision would not be that of what is built.
func readTree(ctx context.Context, root string, dirty bool) (t tree, err error) {
	if t.revision, err = git(ctx, root, "rev-parse", "--verify", "HEAD"); err != nil {
		return t, err
	}
	changes, err := git(ctx, root, "status", "--porcelain")
	if err != nil {
		return t, err
	}
	switch {
	case changes != "" && !dirty:
		return t, fmt.Errorf("not all is committed, so that the revision would not be that of the release:\n%s\n"+
			"Commit this; or allow it, for a trial, by make release DIRTY=1 (-dirty)", changes)
	case changes != "":
		t.revision += dirtySuffix
	}
	if t.date, err = commitDate(ctx, root); err != nil {
		return t, err
	}
	t.files, err = trackedFiles(ctx, root)
	return t, err
}

// commitDate returns SOURCE_DATE_EPOCH if it is set, else the date of the commit.
func commitDate(ctx context.Context, root string) (time.Time, error) {
	const variable = "SOURCE_DATE_EPOCH"
	place, seconds := variable, os.Getenv(variable)
	if seconds == "" {
		place = "git show"
		var err error
		if seconds, err = git(ctx, root, "show", "--no-patch", "--format=%ct", "HEAD"); err != nil {
			return time.Time{}, err
		}
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: %w", place, err)
	}
	return time.Unix(unix, 0).UTC(), nil
}

func trackedFiles(ctx context.Context, root string) ([]trackedFile, error) {
	list, err := git(ctx, root, "ls-files", "--stage", "-z")
	if err != nil {
		return nil, err
	}
	var files []trackedFile
	for line := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		stage, name, _ := strings.Cut(line, "\t")
		modes := map[string]int64{"100644": 0o644, "100755": 0o755}
		mode, ok := modes[stage[:min(6, len(stage))]]
		if !ok {
			return nil, fmt.Errorf("git ls-files: %s is not a regular file: %s", name, stage)
		}
		// A file that was removed and not committed is still in git's list.
		if _, err := os.Stat(filepath.Join(root, name)); !errors.Is(err, os.ErrNotExist) {
			files = append(files, trackedFile{name, mode})
		}
	}
	return files, nil
}

// git returns what a command of git prints.
func git(ctx context.Context, root string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", args...)
	command.Dir = root
	command.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
	out, err := command.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}
