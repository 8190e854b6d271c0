//go:build race

package store

// scale is how much the tests that repeat something do: the race detector makes
// SQLite some twenty times slower.
const scale = 1
