package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"
)

// writeSBOM writes which modules a program is made of, as CycloneDX JSON (https://cyclonedx.org/docs/1.6/json/). They
// are read from the program itself, because it has other modules on other platforms. Licenses are what their texts look
// like, which CycloneDX calls evidence.
func writeSBOM(ctx context.Context, r *release, p platform) error {
	raw := filepath.Join(r.scratch, p.suffix()[1:], "sbom.json")
	err := r.goTool(ctx, filepath.Join(r.root, "release"), hostPlatform, "tool", "cyclonedx-gomod", "bin", "-json",
		"-std", "-licenses", "-noserial", "-notimestamp", "-version", r.version, "-output", raw, r.binary(p))
	if err != nil {
		return err
	}
	sbom, err := readSBOM(raw)
	if err != nil {
		return err
	}
	if err := pinSBOM(r, sbom, p); err != nil {
		return err
	}
	return createSBOM(r.outFile(p.suffix()+".cdx.json"), sbom)
}

// pinSBOM gives a bill of materials what is its own, the same each time, and takes away the checksums of the tool,
// which was built on this machine.
func pinSBOM(r *release, sbom *cdx.BOM, p platform) error {
	program, err := os.ReadFile(r.binary(p))
	if err != nil {
		return err
	}
	sbom.SerialNumber = uuid.NewSHA1(uuid.NameSpaceOID, program).URN()
	sbom.Metadata.Timestamp = r.date.Format(time.RFC3339)
	for i := range *sbom.Metadata.Tools.Tools {
		(*sbom.Metadata.Tools.Tools)[i].Hashes = nil
	}
	sbom.Metadata.Component.Licenses = &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}}
	return nil
}

func readSBOM(file string) (*cdx.BOM, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sbom := new(cdx.BOM)
	return sbom, cdx.NewBOMDecoder(f, cdx.BOMFileFormatJSON).Decode(sbom)
}

func createSBOM(file string, sbom *cdx.BOM) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, f.Close()) }()
	return cdx.NewBOMEncoder(f, cdx.BOMFileFormatJSON).SetPretty(true).Encode(sbom)
}
