package exposition

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"
)

// negotiateFormat is the best of the two formats in which a page's bytes are valid. Who asks for neither, but for
// OpenMetrics 0.0.1 or protobuf alone, gets the text format.
func negotiateFormat(h http.Header) expfmt.Format {
	return expfmt.NegotiateAccept(h, expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtText)
}

// acceptsGzip reports whether gzip is acceptable and not less welcome than no coding at all (RFC 9110, 12.5.3). Without
// the header anything would be acceptable; those clients, made by hand, are better off with plain text.
func acceptsGzip(h http.Header) bool {
	weights := map[string]float64{}
	for coding := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, params, err := mime.ParseMediaType(coding)
		if err != nil {
			continue // an empty element of the list, or nothing that could name gzip
		}
		weights[name] = weight(params["q"])
	}
	gzip, listed := weights["gzip"]
	if !listed {
		gzip = weights["*"]
	}
	return gzip > 0 && gzip >= weights["identity"]
}

// weight is the value of a q parameter; one that is no weight accepts nothing.
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
