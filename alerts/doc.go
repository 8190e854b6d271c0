// Package alerts decides whether a finding is news, whom to tell, and whether
// they were told.
//
// [Fold] is a pure function: open incidents, findings, impact and the time in,
// changes out. The store writes changes and the notices they cause in one transaction,
// [Deliver] carries notices to their channels at least once. Everything that
// is not told has a reason on record.
package alerts
