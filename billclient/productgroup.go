package billclient

import (
	"context"
	"fmt"
	"net/url"
)

// ListProductGroups is an action of bill-union, as it spells it.
const ListProductGroups = "ListProductGroups"

var productGroupsAction = declareAction(unionService, actionVersion{ListProductGroups, version2020})

// ProductGroup is a product group of bill-union, by the id that QueryProductConsume and QueryInstanceConsume have, and
// by the code that DescribeBillSummaryByProduct has.
type ProductGroup struct {
	ID   string // digits
	Code string // such as VM_GROUP; none of the codes in ProductCost
	Name string // may change
}

// ListProductGroups returns the product groups. A group without an id or a code, and two groups of one id, are an
// error. It tries again as Retry does. Its errors are an *Error; without a call, it is Invalid where
// Options.UnionEndpoint is empty. No page documents the action. Source:
// https://github.com/kingsoftcloud/sdk-java, bill_union/listproductgroups.
func (c *Client) ListProductGroups(ctx context.Context) ([]ProductGroup, error) {
	return fetch(ctx, c, productGroupsAction, url.Values{}, readProductGroups)
}

func readProductGroups(r *response) ([]ProductGroup, error) {
	const set = "Data"
	var groups []ProductGroup
	ids := map[string]bool{}
	err := readEnvelope(r, set, func(d document, number int) error {
		n, err := readNode(d)
		x := nodeReader{node: n, err: err}
		group := readProductGroup(&x)
		if ids[group.ID] {
			x.keep(classify(Decode, "Id %q: twice in one answer", shorten(group.ID, 60)))
		}
		ids[group.ID] = true
		groups = append(groups, group)
		return locate(fmt.Sprintf("%s %d", set, number), x.err)
	})
	return groups, err
}

func readProductGroup(x *nodeReader) ProductGroup {
	group := ProductGroup{
		ID: canonicalNumberID(x.text("Id")), Code: x.text("Code"), Name: x.firstText("Name", "EnName"),
	}
	if group.ID == "" {
		x.fail("Id", errMissing)
	}
	if group.Code == "" {
		x.fail("Code", errMissing)
	}
	return group
}
