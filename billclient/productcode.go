package billclient

import (
	"context"
	"fmt"
	"net/url"
)

// GetProductCode is an action of the API, as it spells it.
const GetProductCode = "GetProductCode"

var productCodeAction = declareAction(billService, actionVersion{GetProductCode, version2018})

// ProductCode is the code of a product with its name (type KvPair of the API).
type ProductCode struct {
	Code string
	Name string
}

// GetProductCode returns the product codes that DetailQuery.ProductCode can have. The API asks its callers to keep
// them for a while. GetProductCode tries again as Retry does. Its errors are an *Error. Source:
// https://endocs.ksyun.com/documents/37505.
func (c *Client) GetProductCode(ctx context.Context) ([]ProductCode, error) {
	return fetch(ctx, c, productCodeAction, url.Values{}, func(r *response) ([]ProductCode, error) {
		return readProductCodes(r, "ProductCodeSet")
	})
}

func readProductCodes(r *response, set string) ([]ProductCode, error) {
	var codes []ProductCode
	err := readItems(r, set, func(d document, number int) error {
		code, err := readProductCode(d)
		codes = append(codes, code)
		return locate(fmt.Sprintf("%s %d", set, number), err)
	})
	return codes, err
}

func readProductCode(d document) (ProductCode, error) {
	n, err := readNode(d)
	if err != nil {
		return ProductCode{}, err
	}
	x := nodeReader{node: n}
	code := ProductCode{Code: x.text("Key"), Name: x.text("Value")}
	if code.Code == "" {
		x.fail("Key", errMissing)
	}
	return code, x.err
}
