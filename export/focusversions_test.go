package export

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// mustHave are the columns that FOCUS demands without a condition ("MUST include") in 1.2, 1.3 and 1.4. Which provider
// columns are demanded beside them depends on the version: 1.3 has the old and the new pair.
// Source: https://focus.finops.org.
var mustHave = []string{
	"BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
	"ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost",
	"EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit", "ServiceCategory", "ServiceName",
}

// providersOf are the columns that a version demands beside those.
var providersOf = map[string][]string{
	Focus12: {"ProviderName", "PublisherName"},
	Focus13: {"HostProviderName", "ProviderName", "PublisherName", "ServiceProviderName"},
	Focus14: {"HostProviderName", "ServiceProviderName"},
}

// exportVersion returns the cells of a file of all pay modes.
func exportVersion(t *testing.T, version, format string) (cells [][]string) {
	t.Helper()
	var text string
	synctest.Test(t, func(t *testing.T) {
		o := Options{Format: format, FocusVersion: version, Output: "DIR/bill"}
		text = runModes(t, noon, newKindsAPI(), o).files["bill"]
	})
	cells, _ = readTyped(t, format, text)
	return cells
}

// The columns of each version are those of testdata, in that order, and all that it demands are among them. Parquet has
// the tags once more.
func TestFocusVersions(t *testing.T) {
	versions := map[string]string{} // of each column
	var columns []string            // of 1.3, which has all
	for _, version := range FocusVersions {
		header := exportVersion(t, version, FormatFocusCSV)[0]
		if version == Focus13 {
			columns = header
		}
		for _, name := range header {
			versions[name] += " " + version
		}
		for _, name := range slices.Concat(mustHave, providersOf[version]) {
			if !slices.Contains(header, name) {
				t.Errorf("%s: no column %s", version, name)
			}
		}
		typed := exportVersion(t, version, FormatFocusParquet)[0]
		if diff := cmp.Diff(append(header, "x_Tags"), typed); diff != "" || !isOrdered(header) {
			t.Errorf("%s: order of %q, (-csv +parquet):\n%s", version, header, diff)
		}
	}
	var table strings.Builder
	for _, name := range columns {
		fmt.Fprintf(&table, "%s%s\n", name, versions[name])
		delete(versions, name)
	}
	compareFile(t, "focus_columns.txt", table.String())
	if len(versions) > 0 {
		t.Errorf("1.3 has not: %v", versions)
	}
}

// isOrdered reports whether the columns of FOCUS are in the order of their names, and those of the project's own behind
// them.
func isOrdered(header []string) bool {
	own := slices.IndexFunc(header, func(name string) bool { return strings.HasPrefix(name, "x_") })
	return own > 0 && slices.IsSorted(header[:own])
}

// The model is that of 1.2. Of what 1.3 and 1.4 add, these rules apply: the provider of a service is not null, and
// where it hosts the service as well, its name is the same. Nobody else hosts what is billed here.
func TestFocusProviders(t *testing.T) {
	for version, names := range providersOf {
		cells := exportVersion(t, version, FormatFocusParquet)
		for _, name := range names {
			column := slices.Index(cells[0], name)
			for _, row := range cells[1:] {
				if row[column] != "Kingsoft Cloud" {
					t.Errorf("%s: %s: %q", version, name, row[column])
				}
			}
		}
		if len(cells) != 11 {
			t.Errorf("%s: %d rows", version, len(cells)-1)
		}
	}
}
