package blocklists

import (
	"fmt"
	"sync"

	"reputed/blocklists/catalog"
)

// Builtin reads the embedded catalogue and gives its lists: every one, asked by
// default or not, validated, in the order of file names and then of the files. It reads
// anew on each call; call it once. An error means that the program was built with a
// broken catalogue.
func Builtin() ([]Zone, error) {
	c, err := BuiltinCatalog()
	return c.Zones, err
}

// BuiltinCatalog is all that the embedded catalogue says, as [ReadCatalog] reads it.
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

// builtinDead reads the table once: every bounce that names a list asks for it.
var builtinDead = sync.OnceValues(func() ([]DeadZone, error) {
	c, err := BuiltinCatalog()
	return c.Dead, err
})
