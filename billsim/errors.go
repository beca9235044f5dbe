package billsim

import (
	"fmt"
	"net/http"
	"strings"
)

// refusal is an error of the API, which is sent instead of an answer.
type refusal struct {
	status  int
	code    string
	message string
}

// invalidParameter and forbiddenRequest are documented on every bill page of the vendor. The third error there is one
// of a server that has failed.
func invalidParameter(name string) *refusal {
	return &refusal{http.StatusBadRequest, "InvalidParameter", "There is one or more invalid parameter(" + name + ")."}
}

// forbiddenRequest returns the documented error, with the space in its code and the status 400.
func forbiddenRequest(user string) *refusal {
	return &refusal{http.StatusBadRequest, "Forbidden Request", "user " + user + " forbidden request this api"}
}

// lackOfPolicy returns what a sub-user without rights was seen to get, with the action in lower case.
func lackOfPolicy(action string) *refusal {
	message := "lack of policy to [" + serviceOf(action) + ":" + strings.ToLower(action) + "] the resources[]"
	return &refusal{http.StatusForbidden, "InvalidAuthenticationCode", message}
}

// missingParameter returns an error with the code and the status of sister services. Its wording is a guess.
func missingParameter(name string) *refusal {
	return &refusal{http.StatusBadRequest, "MissingParameter", "The parameter " + name + " is missing."}
}

// unknownAction returns an error that others have recorded from the real API, without its status.
func unknownAction() *refusal {
	return &refusal{http.StatusNotFound, "INVALID_ACTION", "Not Found"}
}

// unknownKey returns an error with the code of AWS: no page of the vendor has one.
func unknownKey() *refusal {
	return &refusal{http.StatusForbidden, "InvalidClientTokenId", "The access key is not valid."}
}

// otherMethod returns an error that is a guess: the vendor documents GET and no other method.
func otherMethod(method string) *refusal {
	return &refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", "Method " + method + " is not allowed."}
}

// ErrorForm is one of the forms in which services of the vendor write an error.
type ErrorForm int

// The forms of errors, with the pages that show them.
const (
	JSONError      ErrorForm = iota // {"RequestId","Error":{"Code","Message"}}: the billing pages
	JSONTypedError                  // the same with Error.Type: other products
	JSONLowerError                  // {"requestid","error":{"type","code","message"}}: Monitor
	XMLError                        // ErrorResponse: the billing pages, by default
	OldError                        // {"code":400,"message","codeDesc"}: the vendor's Go SDK
	StatusError                     // {"status":400,"requestId","data":null,"error","ok":false}: a guess
	SuccessError                    // {"Success":false,"RequestId","Error":{"Code","Message"}}: a guess too
)

func (f ErrorForm) contentType() string {
	if f == XMLError {
		return typeXML
	}
	return typeJSON
}

// format returns the error in the form f.
func (f ErrorForm) format(requestID string, err *refusal) string {
	id, code, message := quote(requestID), quote(err.code), quote(err.message)
	switch f {
	case JSONTypedError:
		return fmt.Sprintf(`{"RequestId":%s,"Error":{"Type":"Sender","Code":%s,"Message":%s}}`, id, code, message)
	case JSONLowerError:
		return fmt.Sprintf(`{"requestid":%s,"error":{"type":"Sender","code":%s,"message":%s}}`, id, code, message)
	case OldError:
		return fmt.Sprintf(`{"code":%d,"message":%s,"codeDesc":%s}`, err.status, message, code)
	case StatusError:
		return fmt.Sprintf(`{"status":%d,"requestId":%s,"data":null,"error":%s,"ok":false}`,
			err.status, id, quote(err.code+": "+err.message))
	case SuccessError:
		return fmt.Sprintf(`{"Success":false,"RequestId":%s,"Error":{"Code":%s,"Message":%s}}`, id, code, message)
	case XMLError:
		return fmt.Sprintf("<ErrorResponse><RequestId>%s</RequestId>"+
			"<Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>",
			escapeText(requestID), escapeText(err.code), escapeText(err.message))
	}
	return fmt.Sprintf(`{"RequestId":%s,"Error":{"Code":%s,"Message":%s}}`, id, code, message)
}
