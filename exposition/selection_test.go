package exposition

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNames(t *testing.T) {
	split := strings.Index(pageText, "# HELP b_cny")
	a, b := pageText[:split], pageText[split:]
	tests := []struct {
		query, accept string
		code          int
		want          string
	}{
		{"name[]=a_cny", "", 200, a},
		{"name%5B%5D=b_cny&name[]=a_cny&name[]=a_cny", "", 200, a + b},
		{"name[]=b_cny&name[]=live_calls_total", "", 200, b + liveText},
		{"name[]=b_cny&name[]=live_calls_total", acceptOpenMetrics, 200, b + liveOpenMetrics},
		{"name[]=live_calls_total", "", 200, liveText},
		{"name[]=absent_cny", "", 200, ""},
		{"name[]=absent_cny", acceptOpenMetrics, 200, "# EOF\n"},
		{"name=a_cny", "", 200, pageText + liveText},
		{"name[]=a_cny&name[]=c_cny", "", 400, "name[]: unknown metric family \"c_cny\"\n"},
		{"name[]=live_calls", "", 400, "name[]: unknown metric family \"live_calls\"\n"},
		{"name[]=", "", 400, "name[]: unknown metric family \"\"\n"},
		{"name[]=a%2", "", 400, "query: invalid URL escape \"%2\"\n"},
	}
	h := testHandler(t)
	for _, tt := range tests {
		for _, coding := range []string{"", "gzip"} {
			t.Run(tt.query+" "+tt.accept+" "+coding, func(t *testing.T) {
				res := get(t, h, "/metrics?"+tt.query, "Accept", tt.accept, "Accept-Encoding", coding)
				if tt.code == http.StatusOK {
					if diff := cmp.Diff(tt.want, readBody(t, res)); diff != "" {
						t.Error(diff)
					}
					if got := res.Header().Get("Content-Encoding"); got != coding {
						t.Errorf("Content-Encoding %q", got)
					}
					return
				}
				if res.Code != tt.code || res.Body.String() != tt.want {
					t.Errorf("got %d %q", res.Code, res.Body)
				}
			})
		}
	}
}
