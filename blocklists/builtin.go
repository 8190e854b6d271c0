package blocklists

import (
	"fmt"

	"reputed/blocklists/catalog"
)

// Builtin returns the lists of the embedded catalogue, validated, whether they are asked by
// default or not, in the order of the file names and then of the files. It reads the catalogue
// anew on each call. An error means that the program was built with a broken catalogue.
func Builtin() ([]Zone, error) {
	c, err := BuiltinCatalog()
	return c.Zones, err
}

// BuiltinCatalog returns everything that the embedded catalogue says, as [ReadCatalog] reads
// it. What is said of [Builtin] holds for it too.
func BuiltinCatalog() (Catalog, error) {
	c, err := ReadCatalog(catalog.Files(), "")
	if err != nil {
		return Catalog{}, fmt.Errorf("built-in blocklists: %w", err)
	}
	for i := range c.Zones {
		c.Zones[i].BuiltIn = true
	}
	for i := range c.Scores {
		c.Scores[i].BuiltIn = true
	}
	for i := range c.Unasked {
		c.Unasked[i].BuiltIn = true
	}
	return c, nil
}
