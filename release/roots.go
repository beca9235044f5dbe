package main

import (
	"bytes"
	"encoding/pem"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// rootCertificates returns the root certificates of Mozilla, in the form of ca-certificates.crt. Those of the machine
// would make other images on other machines, and can be roots that are nobody's business but the machine's owner's.
// A root that is trusted only in part is left out, because the file has no way to say so.
func rootCertificates() []byte {
	var text bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a Buffer takes all
		}
	}
	return text.Bytes()
}
