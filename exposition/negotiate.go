package exposition

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"
)

// negotiateFormat returns the format that the client prefers of the two in which a page's bytes are valid. A client
// that accepts neither, only OpenMetrics 0.0.1 or protobuf, gets the text format.
func negotiateFormat(h http.Header) expfmt.Format {
	return expfmt.NegotiateAccept(h, expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtText)
}

// acceptsGzip reports whether the client accepts gzip and does not prefer no coding (RFC 9110, 12.5.3). Without the
// header a client accepts any coding, but it is likely that a simple client without it cannot decompress.
func acceptsGzip(h http.Header) bool {
	weights := map[string]float64{}
	for coding := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, params, err := mime.ParseMediaType(coding)
		if err != nil {
			continue // the element is empty or cannot be gzip
		}
		weights[name] = weight(params["q"])
	}
	gzip, listed := weights["gzip"]
	if !listed {
		gzip = weights["*"]
	}
	return gzip > 0 && gzip >= weights["identity"]
}

// weight returns the value of a q parameter, 1 if there is none, 0 if it is not valid.
func weight(q string) float64 {
	if q == "" {
		return 1
	}
	w, err := strconv.ParseFloat(q, 64)
	if err != nil || !(w >= 0 && w <= 1) {
		return 0
	}
	return w
}
