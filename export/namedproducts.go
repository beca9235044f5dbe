package export

import (
	"strings"

	"ksyun_bill_exporter/metrics"

	"golang.org/x/text/width"
)

// knownProducts has the codes of products by their names on the vendor's pages. A code is a name as well: the English
// pages have no other.
// Source: https://docs.ksyun.com/documents/39124, 39126, 39127 and 39128,
// https://endocs.ksyun.com/documents/37505 and 37512.
var knownProducts = map[string]string{
	"云主机": "KEC", "云服务器": "KEC",
	"云数据库redis": "Redis", "kingsoft cloud redis": "Redis",
	"关系型数据库": "KRDS",
	"对象存储":   "KS3", "kss存储": "KSS",
	"云硬盘": "EBS", "弹性ip": "EIP", "kls": "CDN_LIVE",
	"kec": "KEC", "krds": "KRDS", "redis": "Redis", "ks3": "KS3", "kss": "KSS", "ebs": "EBS", "eip": "EIP",
}

// namedProducts finds the code of a product that is named only, as in the vendor's file.
type namedProducts map[string]string // of the configuration, by themselves in lower case

func newNamedProducts(configured []metrics.ProductMapping) namedProducts {
	p := namedProducts{}
	for _, m := range configured {
		p[strings.ToLower(m.Code)] = m.Code
	}
	return p
}

// find returns the code of a product: a name that is known, or one that ends in a known code, as 云硬盘(EBS) does. It
// returns nothing for any other name.
func (p namedProducts) find(name string) string {
	plain := strings.ToLower(strings.TrimSpace(width.Fold.String(name)))
	if code := p.known(plain); code != "" {
		return code
	}
	inner, ok := strings.CutSuffix(plain, ")")
	if at := strings.LastIndexByte(inner, '('); ok && at >= 0 {
		return p.known(inner[at+1:])
	}
	return ""
}

func (p namedProducts) known(name string) string {
	if code := knownProducts[name]; code != "" {
		return code
	}
	return p[name]
}
