package billclient

import (
	"context"
	"fmt"
	"net/url"
)

// ProductCode is a product's code with its name (type KvPair of the API).
type ProductCode struct {
	Code string
	Name string
}

// GetProductCode returns the product codes that DetailQuery.ProductCode can have. The API asks to keep them for a
// while. It tries again as Retry does. Failures are an *Error. Source: https://endocs.ksyun.com/documents/37505.
func (c *Client) GetProductCode(ctx context.Context) ([]ProductCode, error) {
	return c.fetchProductCodes(ctx, form{GetProductCode, version2018}, "ProductCodeSet")
}

func (c *Client) fetchProductCodes(ctx context.Context, f form, set string) ([]ProductCode, error) {
	var codes []ProductCode
	err := c.Retry(ctx, f.action, func() error {
		codes = nil
		return c.call(ctx, f, url.Values{}, func(r *response) error {
			return readItems(r, set, func(d document, n int) error {
				code, err := readProductCode(d)
				codes = append(codes, code)
				return locate(fmt.Sprintf("%s %d", set, n), err)
			})
		})
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
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
