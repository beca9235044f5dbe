package billsim

// payMode is a way to pay, numbered as the payType of bill-union.
type payMode int

const (
	prepaid payMode = iota
	realtime
	postpaid
)

// payModes are the names of the pay modes: prepaid, by the hour or the day, by the month.
type payModes [3]string

var (
	englishModes = payModes{"Prepaid", "Pay-As-You-Go", "Postpaid"}
	chineseModes = payModes{"预付费", "按量付费", "后付费"}
)

// WithEnglish makes the server write pay modes in English, as the vendor's English pages do. Without it, they are in
// Chinese, as in the comments of the vendor's SDKs. On what it depends in the real API is unknown.
func WithEnglish() Option { return func(s *Server) { s.variant.modes = englishModes } }
