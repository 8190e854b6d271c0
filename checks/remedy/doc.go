// Package remedy says what to do about a finding: it turns the finding's code
// and facts, and what the catalogue knows of the list, into a
// [checks.Remediation] with its links filled in for this very address.
//
// Runbooks are data (runbooks/*.toml, embedded): one file for a list, a vendor
// or a subject. Their texts hold placeholders in braces, "{address}", "{receiver}";
// a step that needs a fact nobody knows is left out or says it another way
// (see [Book.For]). The order is the same everywhere, because it is the one that
// works: contain first (find the sender, stop it, change the password, shut port
// 25), repair, and only then ask. A removal that is asked for before the cause is gone
// is undone within hours, and the next request is weighed worse.
//
// Everything here is pure: no clock, no network, no disk but the embedded files.
// Facts may come from outside (a diagnostic, a list's TXT); they are data: they are cleaned to one
// line, never expanded again, reach a link only escaped, and reach a command only
// if no shell could read them as anything but a word.
package remedy
