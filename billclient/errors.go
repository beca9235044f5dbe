package billclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Reason is the class of a failure: what an operator can do about it, and whether to try again.
type Reason string

// The reasons, as the reason label of the exporter's metrics has them.
const (
	Auth       Reason = "auth"       // HTTP 401, 403, or a code that speaks of keys, signatures or permissions
	Invalid    Reason = "invalid"    // any other 4xx: the request is at fault
	Throttled  Reason = "throttled"  // HTTP 429, or a throttling code under any status
	Server     Reason = "server"     // HTTP 5xx, or "Server unavailable"
	Network    Reason = "network"    // refused, reset, no such host, no TLS, or the caller gave up
	Timeout    Reason = "timeout"    // no byte in time, or the whole answer took too long
	Decode     Reason = "decode"     // not what the API documents: HTML, malformed, a bad amount, a wrong month
	Incomplete Reason = "incomplete" // an empty or early ending body, a set that is missing
	CallLimit  Reason = "call_limit" // the account's daily_calls are used up
)

// Reasons lists every Reason.
func Reasons() []Reason {
	return []Reason{Auth, Invalid, Throttled, Server, Network, Timeout, Decode, Incomplete, CallLimit}
}

// Error is a call that failed. Its text names the action, the code, the HTTP status and the request id, says what to
// do about a refusal, is one line of printable characters, and never holds a credential or a signature.
type Error struct {
	Action     string
	Reason     Reason
	Code       string        // of the API; empty where the API did not answer with an error body
	Message    string        // of the API, without anything like a credential
	HTTPStatus int           // 0 where there was no answer
	RequestID  string        // what the vendor's support asks for
	RetryAfter time.Duration // how long the server asked to wait; 0 where it did not ask
	Err        error         // the cause, where the failure is not the API's own
}

// Error returns "Action: code (HTTP 403, request id ...): message; advice".
func (e *Error) Error() string {
	head := e.Action
	if e.Code != "" {
		head += ": " + e.Code
	}
	if facts := e.facts(); facts != "" {
		head += " (" + facts + ")"
	}
	said := []string{head}
	if e.Message != "" {
		said = append(said, e.Message)
	}
	if e.Err != nil {
		said = append(said, e.Err.Error())
	}
	text := strings.Join(said, ": ")
	if advice := e.advice(); advice != "" {
		text += "; " + advice
	}
	return text
}

func (e *Error) facts() string {
	var facts []string
	if e.HTTPStatus != 0 {
		facts = append(facts, fmt.Sprintf("HTTP %d", e.HTTPStatus))
	}
	if e.RequestID != "" {
		facts = append(facts, "request id "+e.RequestID)
	}
	return strings.Join(facts, ", ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// unknownAction tells whether the API does not know the action. A 404 without a code is not the API's own.
func (e *Error) unknownAction() bool { return e.notFound() && e.Code != "" }

// notFound tells whether nothing that was asked answers there, be it the API that says so or a gateway before it.
func (e *Error) notFound() bool {
	return e.Reason == Invalid && (e.HTTPStatus == http.StatusNotFound || plainCode(e.Code) == "invalidaction")
}

// denied tells whether the key is known, but may not call the action.
func (e *Error) denied() bool { return e.Reason == Auth && aboutPermission(e.Code) }

// advice says in half a sentence what an operator can do about a refusal; whatever else fails explains itself.
func (e *Error) advice() string {
	const keys = "check access_key_id, secret_access_key and "
	service := serviceOf(e.Action)
	_, known := reasonOfCode(e.Code)
	switch {
	case e.HTTPStatus == 0:
		return ""
	case e.denied():
		return "grant " + Permission(e.Action) + " to this key"
	case e.Reason == Auth && e.Code == "":
		return keys + "what answers at " + service.endpoint
	case e.HTTPStatus == http.StatusForbidden && !known:
		return "grant " + Permission(e.Action) + " to this key, or " + keys + "this machine's clock"
	case e.Reason == Auth:
		return keys + "this machine's clock"
	case e.unknownAction() && e.Action == GetPostpayDetailBillCSV:
		return "" // nobody asks for it who has not had a bill from there
	case e.notFound():
		return "check that " + service.endpoint + " is the billing API's"
	case e.Reason == Invalid:
		return "check api.region and the months asked for"
	default:
		return ""
	}
}

// ReasonOf returns the class of err; an error that is no *Error counts as Network.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Timeout
	}
	return Network
}

// IsDenied tells whether err says that the key may not call the action, rather than that the key is wrong or unknown:
// who grants Permission mends it.
func IsDenied(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.denied()
}

// Permission returns what a policy has to allow for an action to be called, such as bill:GetMonthBill. Source:
// https://endocs.ksyun.com/documents/37672, where case does not matter.
func Permission(action string) string { return serviceOf(action).name + ":" + action }

// retryable tells whether the same call can succeed when it is made again at once.
func (r Reason) retryable() bool {
	switch r {
	case Throttled, Server, Network, Timeout, Incomplete:
		return true
	default:
		return false
	}
}

// codeReasons is what the beginnings of error codes say, whatever the HTTP status: "Forbidden Request" comes with 400.
// They are in lower case and without blanks, hyphens and underscores, which differ from product to product.
var codeReasons = []struct {
	prefix string
	reason Reason
}{
	{"throttling", Throttled},
	{"requestlimitexceeded", Throttled},
	{"forbidden", Auth},
	{"auth", Auth},
	{"signature", Auth},
	{"invalidauthenticationcode", Auth},
	{"missingsignature", Auth},
	{"missingaccesskey", Auth},
	{"missingauthenticationtoken", Auth},
	{"invalidclienttokenid", Auth},
	{"internalfailure", Server},
	{"servicetimeout", Server},
	{"serverunavailable", Server},
}

var codeFiller = strings.NewReplacer(" ", "", "_", "", "-", "")

func plainCode(code string) string { return codeFiller.Replace(strings.ToLower(code)) }

// reasonOfAnswer classifies an error that the API, or something before it, answered with.
func reasonOfAnswer(status int, codes ...string) Reason {
	for _, code := range codes {
		if reason, known := reasonOfCode(code); known {
			return reason
		}
		// The old form of an error body comes under HTTP 200, with an HTTP status as its code.
		if number, err := strconv.Atoi(code); err == nil && status < http.StatusMultipleChoices {
			status = number
		}
	}
	return reasonOfStatus(status)
}

func reasonOfCode(code string) (reason Reason, known bool) {
	code = plainCode(code)
	for _, c := range codeReasons {
		if strings.HasPrefix(code, c.prefix) {
			return c.reason, true
		}
	}
	return "", false
}

func reasonOfStatus(status int) Reason {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return Auth
	case status == http.StatusTooManyRequests:
		return Throttled
	case status >= http.StatusInternalServerError && status < 600:
		return Server
	default:
		return Invalid
	}
}

// aboutPermission tells a key that may not from a key that is not known, or whose signature is wrong.
func aboutPermission(code string) bool {
	code = plainCode(code)
	return strings.HasPrefix(code, "forbidden") || strings.HasPrefix(code, "auth") ||
		code == "invalidauthenticationcode"
}

// classified is an error on its way up whose Reason is known where it happens.
type classified struct {
	reason Reason
	err    error
}

func (c *classified) Error() string { return c.err.Error() }
func (c *classified) Unwrap() error { return c.err }

// because makes an error of the given class.
func because(reason Reason, format string, args ...any) error {
	return &classified{reason, fmt.Errorf(format, args...)}
}

// reasonOfCause classifies what went wrong on the way to a decoded answer. What nobody classified is the decoders' own.
func reasonOfCause(err error) Reason {
	if c, ok := errors.AsType[*classified](err); ok {
		return c.reason
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return Incomplete
	}
	return Decode
}

// scrubbed is a cause with a harmless text.
type scrubbed struct {
	text string
	err  error
}

func (s *scrubbed) Error() string { return s.text }
func (s *scrubbed) Unwrap() error { return s.err }

// A gateway's error text may repeat the request, Authorization header and all.
var secretLike = regexp.MustCompile(
	`(?i)[0-9a-f]{64,}|(?:credential|signature|secret[a-z_-]*|token)\s*=\s*[^\s,;&"'<>]+`)

const (
	maxErrorText = 500
	maxExcerpt   = 200 // of a body that is not the API's
)

// scrub makes a text from outside fit for a log line: no credentials, one line, printable, at most about most bytes.
func scrub(text string, keys Credentials, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	for _, secret := range []string{keys.SecretAccessKey, keys.AccessKeyID} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	text = secretLike.ReplaceAllString(text, "***")
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	return shorten(strings.Join(strings.Fields(text), " "), most)
}

// shorten keeps an error readable whatever the API sent.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
