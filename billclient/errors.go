package billclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Reason is the class of a failure: it decides what an operator can do about it, and whether the call is tried again.
type Reason string

// The reasons, as the reason label of the exporter's metrics has them.
const (
	// Auth is HTTP 401, 403, or a code about keys, signatures, clocks or permissions; also the bills of two customers.
	Auth       Reason = "auth"
	Invalid    Reason = "invalid"    // any other 4xx: the request is wrong
	Throttled  Reason = "throttled"  // HTTP 429, or a throttling code under any status
	Server     Reason = "server"     // HTTP 5xx, or "Server unavailable"
	Network    Reason = "network"    // refused, reset, no such host, no TLS, or canceled by the caller
	Timeout    Reason = "timeout"    // no byte in time, or the whole answer took too long
	Decode     Reason = "decode"     // not what the API documents: HTML, malformed, a bad amount, a wrong month
	Incomplete Reason = "incomplete" // an empty body, one that ended early, or a missing set
	CallLimit  Reason = "call_limit" // the account's daily_calls are used up
)

// Reasons lists every Reason.
func Reasons() []Reason {
	return []Reason{Auth, Invalid, Throttled, Server, Network, Timeout, Decode, Incomplete, CallLimit}
}

// Error is a call that failed. Its text names the action, the code, the HTTP status and the request id, and says what
// an operator can do. The text is one line of printable characters and never contains a credential or a signature.
type Error struct {
	Action     string
	Reason     Reason
	Code       string        // of the API; empty where the API did not answer with an error body
	Message    string        // of the API, without anything that looks like a credential
	HTTPStatus int           // 0 where there was no answer
	RequestID  string        // the vendor's support asks for it
	RetryAfter time.Duration // how long the server asked to wait; 0 where it did not ask
	// ClockSkew is how far this machine's clock was ahead of the answer's Date, or behind it if negative. It is 0 up to
	// five minutes, which requests of the vendor's model may be off (AWS Signature Version 4), and without a Date.
	ClockSkew time.Duration
	Err       error // the cause; nil where the API itself reported the failure
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
	parts := []string{head}
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	text := strings.Join(parts, ": ")
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

// isUnknownAction reports whether the API does not know the action. A 404 without a code does not come from the API.
func (e *Error) isUnknownAction() bool { return e.isNotFound() && e.Code != "" }

// isNotFound reports whether the endpoint does not serve the action, be it the API that says so or a gateway before
// it.
func (e *Error) isNotFound() bool {
	return e.Reason == Invalid && (e.HTTPStatus == http.StatusNotFound || normalizeCode(e.Code) == "invalidaction")
}

// isDenied reports whether the key is valid but has no permission to call the action.
func (e *Error) isDenied() bool { return e.Reason == Auth && isPermissionCode(e.Code) }

// expiredToken is the code of a temporary key whose time is over, as the vendor's own client expects it
// (https://github.com/kingsoftcloud/vpc-route-controller, pkg/http/kophttp.go).
const expiredToken = "SecurityTokenExpired"

// isExpiredToken reports whether the key is a temporary one, and its time is over.
func (e *Error) isExpiredToken() bool {
	code := normalizeCode(e.Code)
	return e.Reason == Auth && (code == normalizeCode(expiredToken) || code == "expiredtoken")
}

// advice returns, in half a sentence, what an operator can do about an answer that refuses the call. It is empty where
// the rest of the error's text says enough. A clock that is off makes every signature invalid, so it is named as the
// cause, and beside a cause that is sure.
func (e *Error) advice() string {
	advice, clock := e.adviceOnRequest(), e.adviceOnClock()
	switch {
	case IsTwoCustomers(e):
		return "use a key that reads the bills of one customer only"
	case clock == "" || advice == "":
		return advice
	case e.Reason == Auth && !e.isDenied():
		return clock
	default:
		return advice + ", and " + clock
	}
}

// adviceOnClock returns what to do about this machine's clock, an empty text if it is right as far as is known.
func (e *Error) adviceOnClock() string {
	switch {
	case e.ClockSkew > 0:
		return fmt.Sprintf("set this machine's clock: it is %v ahead of the API's", e.ClockSkew)
	case e.ClockSkew < 0:
		return fmt.Sprintf("set this machine's clock: it is %v behind the API's", -e.ClockSkew)
	default:
		return ""
	}
}

// laterActions are asked for only where the same endpoint has answered other actions before: if they are not known,
// that does not speak against the endpoint.
var laterActions = []string{GetPostpayDetailBillCSV, DescribeCostBill, QueryItemBills}

// adviceOnRequest returns what to do about the key, the endpoint or the parameters.
func (e *Error) adviceOnRequest() string {
	const keys = "check access_key_id, secret_access_key and "
	service := serviceOf(e.Action)
	_, isKnownCode := reasonOfCode(e.Code)
	switch {
	case e.HTTPStatus == 0:
		return ""
	case e.isDenied():
		return "grant " + Permission(e.Action) + " to this key"
	case e.isExpiredToken():
		return "replace the security token of this key, which has expired"
	case e.Reason == Auth && e.Code == "":
		return keys + "what answers at " + service.endpoint
	case e.HTTPStatus == http.StatusForbidden && !isKnownCode:
		return "grant " + Permission(e.Action) + " to this key, or " + keys + "this machine's clock"
	case e.Reason == Auth:
		return keys + "this machine's clock"
	case e.isUnknownAction() && slices.Contains(laterActions, e.Action):
		return ""
	case e.isNotFound():
		return "check that " + service.endpoint + " is the billing API's"
	case e.Reason == Invalid:
		return "check api.region and the months asked for"
	default:
		return ""
	}
}

// ReasonOf returns the class of err. An error that is not an *Error is Timeout if a deadline has passed, else Network.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Timeout
	}
	return Network
}

// IsDenied reports whether err says that the key has no permission to call the action, rather than that the key is
// wrong or unknown. Granting Permission to the key helps then.
func IsDenied(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.isDenied()
}

// IsUnknownAction reports whether err says that the API does not know the action, rather than that it refuses a month
// or another parameter. The vendor's API was seen to answer INVALID_ACTION, under a status that was not recorded. A
// 404 counts as well, but only with an error body of the API: the page of a gateway may be gone a moment later.
func IsUnknownAction(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.isUnknownAction()
}

// retryable reports whether the same call can succeed when it is made again soon.
func (r Reason) retryable() bool {
	switch r {
	case Throttled, Server, Network, Timeout, Incomplete:
		return true
	default:
		return false
	}
}

// codeReasons has the reasons by the beginnings of error codes, whatever the HTTP status: "Forbidden Request" comes
// with 400. The beginnings are spelled as normalizeCode returns them. No page lists the codes of a wrong key, signature
// or clock, so the list has those that the vendor's own clients know, with others of the same form
// (https://github.com/kingsoftcloud/ksadk-python, ksadk/cli/error_utils.py;
// https://github.com/kingsoftcloud/vpc-route-controller, pkg/http/kophttp.go;
// https://github.com/KscSDK/ksc-sdk-java, RetryUtils.java).
var codeReasons = []struct {
	prefix string
	reason Reason
}{
	{"throttling", Throttled},
	{"requestlimitexceeded", Throttled},
	{"forbidden", Auth},
	{"auth", Auth},
	{"accessdenied", Auth},
	{"unauthorized", Auth},
	{"signature", Auth},
	{"invalidsignature", Auth},
	{"incompletesignature", Auth},
	{"requestexpired", Auth},
	{"requesttimetooskewed", Auth},
	{"invalidaccesskey", Auth},
	{"securitytoken", Auth},
	{"invalidsecuritytoken", Auth},
	{"expiredtoken", Auth},
	{"missingsecretkey", Auth},
	{"invalidauthenticationcode", Auth},
	{"missingsignature", Auth},
	{"missingaccesskey", Auth},
	{"missingauthenticationtoken", Auth},
	{"invalidclienttokenid", Auth},
	{"internalfailure", Server},
	{"servicetimeout", Server},
	{"serverunavailable", Server},
}

var codeFillers = strings.NewReplacer(" ", "", "_", "", "-", "")

// normalizeCode returns a code in lower case, and without blanks, hyphens and underscores: their use differs from
// product to product.
func normalizeCode(code string) string { return codeFillers.Replace(strings.ToLower(code)) }

// reasonOfAnswer classifies an error that the API, or something before it, answered with.
func reasonOfAnswer(status int, codes ...string) Reason {
	for _, code := range codes {
		if reason, ok := reasonOfCode(code); ok {
			return reason
		}
		// An error body in the old form comes under HTTP 200 and has the HTTP status as its code.
		if number, err := strconv.Atoi(code); err == nil && status < http.StatusMultipleChoices {
			status = number
		}
	}
	return reasonOfStatus(status)
}

func reasonOfCode(code string) (reason Reason, ok bool) {
	code = normalizeCode(code)
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

// isPermissionCode reports whether a code of the class Auth says that the key lacks a permission, rather than that the
// key is unknown or the signature wrong.
func isPermissionCode(code string) bool {
	code = normalizeCode(code)
	for _, prefix := range [...]string{"forbidden", "auth", "accessdenied", "unauthorized"} {
		if strings.HasPrefix(code, prefix) {
			return true
		}
	}
	return code == "invalidauthenticationcode"
}

// classifiedError is an error whose Reason is known at the place where it happens. response.asError makes an *Error of
// it.
type classifiedError struct {
	reason Reason
	err    error
}

func (c *classifiedError) Error() string { return c.err.Error() }
func (c *classifiedError) Unwrap() error { return c.err }

// classify returns an error of the given class, with a text that is formatted as by fmt.Errorf.
func classify(reason Reason, format string, args ...any) error {
	return &classifiedError{reason, fmt.Errorf(format, args...)}
}

// reasonOfCause returns the class of an error that ended a call. An error that nobody classified comes from the
// decoders.
func reasonOfCause(err error) Reason {
	if c, ok := errors.AsType[*classifiedError](err); ok {
		return c.reason
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return Incomplete
	}
	return Decode
}

// scrubbedError is a cause whose text went through scrub.
type scrubbedError struct {
	text string
	err  error
}

func (s *scrubbedError) Error() string { return s.text }
func (s *scrubbedError) Unwrap() error { return s.err }

// secretPattern finds signatures and credentials: the error text of a gateway may repeat the request, with its
// Authorization header.
var secretPattern = regexp.MustCompile(
	`(?i)[0-9a-f]{64,}|(?:credential|signature|secret[a-z_-]*|token)\s*=\s*[^\s,;&"'<>]+`)

const (
	maxErrorText = 500
	maxExcerpt   = 200 // of a body that is not the API's
)

// scrub returns a text from outside as it may stand in a log line: on one line, printable, without credentials and
// signatures, and shortened to limit bytes.
func scrub(text string, keys Credentials, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	for _, secret := range []string{keys.SecurityToken, keys.SecretAccessKey, keys.AccessKeyID} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	text = secretPattern.ReplaceAllString(text, "***")
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	return shorten(strings.Join(strings.Fields(text), " "), limit)
}

// shorten returns the first limit bytes of a longer text, so that an error stays readable whatever the API sent.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "..."
}
