package maillog

import "reputed/probes"

// Try is [Reader.Read], and gives a fault of the reader in place of dying of it: a daemon would meet the same
// lines again, for ever. After a fault the reader is of no use any more.
func (r *Reader) Try(lines []probes.LogLine) (events []Event, fault any) {
	defer func() { fault = recover() }()
	return r.Read(lines), nil
}
