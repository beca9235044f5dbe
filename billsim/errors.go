package billsim

import (
	"fmt"
	"net/http"
	"strings"
)

// refusal is an error of the API: what it says instead of an answer.
type refusal struct {
	status  int
	code    string
	message string
}

// The three error rows of every bill page of the vendor have only invalidParameter and forbidden for a sound server.
func invalidParameter(name string) *refusal {
	return &refusal{http.StatusBadRequest, "InvalidParameter", "There is one or more invalid parameter(" + name + ")."}
}

// forbidden has a space in its code and the status 400, as documented.
func forbidden(user string) *refusal {
	return &refusal{http.StatusBadRequest, "Forbidden Request", "user " + user + " forbidden request this api"}
}

// lackOfPolicy is what a sub-user without rights was seen to get, the action in lower case.
func lackOfPolicy(action string) *refusal {
	message := "lack of policy to [" + serviceOf(action) + ":" + strings.ToLower(action) + "] the resources[]"
	return &refusal{http.StatusForbidden, "InvalidAuthenticationCode", message}
}

// missingParameter has its code and status from sister services, the wording is ours.
func missingParameter(name string) *refusal {
	return &refusal{http.StatusBadRequest, "MissingParameter", "The parameter " + name + " is missing."}
}

// unknownAction was recorded live by others, without its status.
func unknownAction() *refusal {
	return &refusal{http.StatusNotFound, "INVALID_ACTION", "Not Found"}
}

// unknownKey is named as AWS names it: no page of the vendor has it.
func unknownKey() *refusal {
	return &refusal{http.StatusForbidden, "InvalidClientTokenId", "The access key is not valid."}
}

// otherMethod is our guess: the vendor documents GET and says nothing of the rest.
func otherMethod(method string) *refusal {
	return &refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", "Method " + method + " is not allowed."}
}

// ErrorForm is one of the ways in which services of the vendor spell an error.
type ErrorForm int

// The forms, with the pages that show them.
const (
	JSONError      ErrorForm = iota // {"RequestId","Error":{"Code","Message"}}: the billing pages
	JSONTypedError                  // the same with Error.Type: other products
	JSONLowerError                  // {"requestid","error":{"type","code","message"}}: Monitor
	XMLError                        // ErrorResponse: the billing pages, by default
	OldError                        // {"code":400,"message","codeDesc"}: the vendor's Go SDK
)

func (f ErrorForm) contentType() string {
	if f == XMLError {
		return typeXML
	}
	return typeJSON
}

// body spells the error.
func (f ErrorForm) body(requestID string, no *refusal) string {
	id, code, message := quote(requestID), quote(no.code), quote(no.message)
	switch f {
	case JSONTypedError:
		return fmt.Sprintf(`{"RequestId":%s,"Error":{"Type":"Sender","Code":%s,"Message":%s}}`, id, code, message)
	case JSONLowerError:
		return fmt.Sprintf(`{"requestid":%s,"error":{"type":"Sender","code":%s,"message":%s}}`, id, code, message)
	case OldError:
		return fmt.Sprintf(`{"code":%d,"message":%s,"codeDesc":%s}`, no.status, message, code)
	case XMLError:
		return fmt.Sprintf("<ErrorResponse><RequestId>%s</RequestId>"+
			"<Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>",
			markup(requestID), markup(no.code), markup(no.message))
	}
	return fmt.Sprintf(`{"RequestId":%s,"Error":{"Code":%s,"Message":%s}}`, id, code, message)
}
