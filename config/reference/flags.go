package reference

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Command is a command of the program with its flags.
type Command struct {
	Name  string // empty: the flags of every command
	About Text   // the Chinese is added from flags.yaml
	Flags []Flag
}

// Flag is a flag of a command.
type Flag struct {
	Name    string // without dashes
	Value   string // a word that stands for the value; empty: the default shows what it is like, or there is none
	Default string
	About   Text // the Chinese is added from flags.yaml
}

// commandText is what flags.yaml has of a command.
type commandText struct {
	About string            `yaml:"about"`
	Flags map[string]string `yaml:"flags"` // by their names
}

// UntranslatedError says that flags.yaml is not about the commands and flags that the program has.
type UntranslatedError struct {
	Lacking []string // in flags.yaml
	Stale   []string // there, but not in the program
}

// Error implements error.
func (e *UntranslatedError) Error() string {
	return fmt.Sprintf("config/reference/flags.yaml: lacks %q, and has %q, which the program does not have",
		e.Lacking, e.Stale)
}

// translate adds the Chinese of all commands and flags. What flags.yaml lacks stays in English, and an
// *UntranslatedError says so.
func translate(commands []Command) error {
	left, err := readFlagTexts()
	if err != nil {
		return err
	}
	var lacking []string
	find := func(name string, about *Text) {
		var ok bool
		if about.Chinese, ok = left[name]; !ok {
			about.Chinese = about.English
			lacking = append(lacking, name)
		}
		delete(left, name)
	}
	for i := range commands {
		c := &commands[i]
		if c.Name != "" {
			find(c.Name, &c.About)
		}
		for n := range c.Flags {
			f := &c.Flags[n]
			find(strings.TrimSpace(c.Name+" --"+f.Name), &f.About)
		}
	}
	if len(lacking) == 0 && len(left) == 0 {
		return nil
	}
	return &UntranslatedError{lacking, slices.Sorted(maps.Keys(left))}
}

// readFlagTexts returns what flags.yaml has, by the name of a command, or by that and a flag.
func readFlagTexts() (map[string]string, error) {
	commands := map[string]commandText{}
	if err := decode("flags.yaml", &commands); err != nil {
		return nil, err
	}
	texts := map[string]string{}
	for name, c := range commands {
		if name != "" {
			texts[name] = c.About
		}
		for flag, about := range c.Flags {
			texts[strings.TrimSpace(name+" --"+flag)] = about
		}
	}
	return texts, nil
}

// flagTables returns a section with a table for each command.
func flagTables(l language, commands []Command) string {
	var b strings.Builder
	for _, c := range commands {
		if c.Name == "" {
			fmt.Fprintf(&b, "### %s\n\n", l.words.common)
		} else {
			fmt.Fprintf(&b, "### `%s`\n\n%s\n\n", c.Name, l.sel(c.About))
		}
		if len(c.Flags) > 0 {
			fmt.Fprintf(&b, "| %s | %s | %s |\n|---|---|---|\n", l.words.flag, l.words.flagDefault, l.words.flagMeaning)
		}
		for _, f := range c.Flags {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.usage(), quote(f.Default), strings.ReplaceAll(l.sel(f.About), "|", `\|`))
		}
		b.WriteString("\n")
	}
	return strings.TrimSpace(b.String())
}

// usage returns a flag as it is written on the command line.
func (f Flag) usage() string {
	if f.Value == "" {
		return "--" + f.Name
	}
	return "--" + f.Name + "=" + f.Value
}

// quote returns a value as code, and nothing for none.
func quote(value string) string {
	if value == "" {
		return ""
	}
	return "`" + value + "`"
}
