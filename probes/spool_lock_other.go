//go:build !unix

package probes

import "os"

// lockShared is always true: these systems have no locks that a mail server would take.
func lockShared(*os.File) bool { return true }
