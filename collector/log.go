package collector

import (
	"ksyun_bill_exporter/billclient"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// LogCalls returns a function for billclient.Options.Observe that logs each call at the level debug. It is safe for
// concurrent use.
func LogCalls(logger log.Logger) func(billclient.Attempt) {
	debug := level.Debug(logger)
	return func(a billclient.Attempt) {
		about := []any{"msg", "called", "action", a.Action, "version", a.Version}
		if a.Period != "" {
			about = append(about, "period", a.Period)
		}
		if a.HTTPStatus != 0 {
			about = append(about, "status", a.HTTPStatus)
		}
		about = append(about, "duration", a.Duration, "bytes", a.Bytes)
		for _, fact := range [][2]string{
			{"request_id", a.RequestID}, {"reason", string(a.Reason)}, {"code", a.Code},
		} {
			if fact[1] != "" {
				about = append(about, fact[0], fact[1])
			}
		}
		debug.Log(about...)
	}
}

// logLeftOut returns a function that logs elements of an answer that are not in the numbers.
func logLeftOut(logger log.Logger) func(billclient.LeftOutBill) {
	return func(b billclient.LeftOutBill) {
		level.Warn(logger).Log("msg", "part of an answer is not in the numbers", "err", b.Err)
	}
}
