//go:build !race

package store

// scale is how much the tests that repeat something do.
const scale = 5
