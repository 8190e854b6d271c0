package monitor

// The jobs of the daemon. A run is stored under the name of its job, so that a name stays as it is.
const (
	JobDNSBL    = "dnsbl"      // the scheduled round over all targets and lists
	JobNamed    = "named"      // targets that a bounce has just named, asked at once
	JobAwait    = "await"      // targets whose removal somebody has asked for
	JobTick     = "tick"       // what time alone changes
	JobAgain    = "again"      // sources of targets that have never been expanded
	JobFollow   = "follow"     // channels that keep a picture of what is open
	JobJudge    = "judge"      // what logs have just told
	JobScores   = "scores"     // scores and allow lists in the DNS
	JobRecorded = "recorded"   // ratings that people recorded, judged
	JobIdentity = "identity"   // what senders publish of themselves
	JobDoors    = "acceptance" // receivers that are knocked at
	JobOwn      = "own"        // mail servers of our own
	JobVendors  = "vendors"    // who stands at the front of each receiver
	JobReport   = "report"     // the report of a period
	JobBackup   = "backup"     // a copy of the database
	JobForget   = "forget"     // what is older than it is to be kept
)
