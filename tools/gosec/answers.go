package main

// answer is why the findings of one rule, or of any if that is empty, in files that begin with where are none.
type answer struct{ rule, where, why string }

// answers are for what is meant many times over; a single line is answered there.
var answers = []answer{
	{"G304", "", "names of files are those of the configuration and of the command line, whose writers are trusted (docs/threats.md); names that a folder gives are opened only if they are regular files"},

	{"G115", "blocklists/mirror/", "sizes of tables and offsets in blocks are held below maxBlock, lengths of names below 254; octets are cut out of an address on purpose"},
	{"G115", "checks/bounce/", "the built-in words are some hundred; two digits in hex are a byte"},
	{"G115", "checks/dnsbl/", "indices of slices are never negative"},
	{"G115", "checks/acceptance/round.go", "the hour as a seed: any value will do"},
	{"G115", "cmd/reputed/doctor_linux.go", "the size of a block of a file system is positive"},
	{"G115", "internal/monitor/plan.go", "a remainder of a positive duration"},
	{"G115", "internal/store/sent.go", "hashes: bits that are kept as SQLite keeps integers"},
	{"G115", "probes/spool_maildir.go", "hashes: bits that are kept as SQLite keeps integers"},
	{"G115", "probes/resolver_flight.go", "the low bits of a random number"},
	{"G115", "probes/mailbox_fetch.go", "no more were told than were asked for, or the loop before had ended"},
	{"G115", "probes/mailbox_reader.go", "an index that is below the length of a range of 32-bit numbers"},
	{"G115", "probes/resolver.go", "a port, from tests alone"},
	{"G115", "probes/resolver_tcp.go", "a question, which is far below 64 KiB"},
	{"G115", "probes/resolver_wire.go", "octets are cut out of a number on purpose; labels are held below 64"},

	{"G104", "probes/", "closing what is given up: there is nothing left to lose, and the failure that matters is told"},
	{"G104", "alerts/slack/bot.go", "edit tells its own failure; Follow makes up for it"},

	// Only tests import these.
	{"", "alerts/alertstest/", "doubles, for tests"},
	{"", "internal/daemon/daemontest/", "a world, for tests"},
	{"", "internal/reliability/", "what tests saw, for a page"},
	{"", "internal/slowdisk/", "a disk, for tests"},
	{"", "probes/probestest/", "doubles, for tests"},
	{"", "probes/serverstest/", "real servers, for tests"},
}
