package reference

import (
	"fmt"
	"reflect"
	"strings"
)

// words are what the generator itself writes into a page.
type words struct {
	text, boolean, integer, number, duration, size, amount, list, texts string // types

	kind, between, least, above, defaultIs, unless string // formats of fmt
	required, optional                             string

	colon, comma, and, or, stop string // between words

	common, flag, flagDefault, flagMeaning string // of the tables of flags
}

var english = words{
	text: "text", boolean: "true or false", integer: "whole number", number: "number", duration: "duration",
	size: "size", amount: "amount", list: "list", texts: "list of texts",

	kind: "Type: %s", between: "`%s` to `%s`", least: "at least `%s`", above: "more than `%s`",
	defaultIs: "Default: `%s`.", unless: "Required, unless there is `%s`.", required: "Required.", optional: "Optional.",

	colon: ": ", comma: ", ", and: ", ", or: " or ", stop: ". ",

	common: "Of every command", flag: "flag", flagDefault: "default", flagMeaning: "what it does",
}

var chinese = words{
	text: "文本", boolean: "true 或 false", integer: "整数", number: "数字", duration: "时长",
	size: "大小", amount: "金额", list: "列表", texts: "文本列表",

	kind: "类型：%s", between: "`%s` 到 `%s`", least: "不小于 `%s`", above: "大于 `%s`",
	defaultIs: "默认值：`%s`。", unless: "必填，除非填写了 `%s`。", required: "必填。", optional: "可选。",

	colon: "：", comma: "，", and: "、", or: " 或 ", stop: "。",

	common: "所有命令", flag: "参数", flagDefault: "默认值", flagMeaning: "作用",
}

// contents returns the list of the keys of the top level.
func (l language) contents(keys []key) string {
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "* [`%s`](#%[1]s)%s%s\n", k.Name, l.words.colon, l.sel(k.Title))
	}
	return strings.TrimSpace(b.String())
}

// sections returns what the page says about all keys.
func (l language) sections(keys []key) string {
	var b strings.Builder
	for _, k := range keys {
		l.writeKey(&b, "###", k.Name, k)
	}
	return strings.TrimSpace(b.String())
}

// writeKey writes what the page says about a key and about those within its value.
func (l language) writeKey(b *strings.Builder, level, path string, k key) {
	fmt.Fprintf(b, "%s `%s`\n\n", level, path)
	if !isMapping(path) {
		b.WriteString(l.words.facts(path, k) + "\n\n")
	}
	fmt.Fprintf(b, "%s\n\n", strings.TrimSpace(l.sel(k.Text)))
	if k.Example != "" {
		fmt.Fprintf(b, "```yaml\n%s```\n\n", k.Example)
	}
	if isList(path) {
		path += "[]"
	}
	for _, member := range k.Keys {
		l.writeKey(b, "####", path+"."+member.Name, member)
	}
}

// facts returns the line about the type of a key, its range and its default.
func (w words) facts(path string, k key) string {
	kind := w.describe(types[path])
	if len(k.Choices) > 0 {
		last := len(k.Choices) - 1
		kind = "`" + strings.Join(k.Choices[:last], "`"+w.and+"`") + "`" + w.or + "`" + k.Choices[last] + "`"
	}
	facts := fmt.Sprintf(w.kind, kind)
	switch {
	case k.Most != "":
		facts += w.comma + fmt.Sprintf(w.between, k.Least, k.Most)
	case k.Least != "":
		facts += w.comma + fmt.Sprintf(w.least, k.Least)
	case k.Above != "":
		facts += w.comma + fmt.Sprintf(w.above, k.Above)
	}
	switch {
	case k.Or != "":
		return facts + w.stop + fmt.Sprintf(w.unless, k.Or)
	case k.Required:
		return facts + w.stop + w.required
	case strings.Contains(path, "[]"):
		return facts + w.stop + w.optional
	default:
		return facts + w.stop + fmt.Sprintf(w.defaultIs, k.Value)
	}
}

// describe returns what a type is for people who write YAML.
func (w words) describe(t reflect.Type) string {
	switch {
	case t == durationType:
		return w.duration
	case t == sizeType:
		return w.size
	case t == amountType:
		return w.amount
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return w.list
	}
	return map[reflect.Kind]string{
		reflect.Bool: w.boolean, reflect.Int: w.integer, reflect.Float64: w.number, reflect.String: w.text,
		reflect.Slice: w.texts,
	}[t.Kind()]
}
