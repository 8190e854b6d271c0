package store

import "strconv"

const roleVariable = "REPUTED_STORE_TEST_ROLE"

func child(role string) int { return 0 }

func itoa(n int) string { return strconv.Itoa(n) }
