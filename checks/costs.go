package checks

// codeCosts says what a problem does that costs no mail that could be counted, or none yet. What is listed, refused or rated is not in it:
// of that the counted mail tells.
var codeCosts = map[Code]string{
	CodeNoPTR:        "many receivers refuse mail from an address without a name, Google among them",
	CodeUnconfirmed:  "many receivers refuse mail from an address whose name does not lead back, Google among them",
	CodeGeneric:      "points at spam filters, and refusals at some receivers",
	CodeHELO:         "points at spam filters",
	CodeUnauthorised: "refusals where SPF or DMARC decides",
	CodeSPF:          "SPF passes nowhere",
	CodeSPFOpen:      "anybody can send as the domain, and it is rated for that",
	CodeDKIM:         "signatures by it fail",
	CodeDMARC:        "bulk mail to Google, Yahoo and Microsoft needs one",
	CodeDMARCReports: "no mail; the reports are not seen",
	CodeAlignment:    "all mail of the domain, once its policy is enforced",
	CodeMX:           "replies and bounces are lost, and receivers refuse such senders",
	CodeMTASTS:       "incoming mail, where the policy is enforced",
	CodeTLSRPT:       "no mail; the reports are not seen",
	CodeOpenRelay:    "the reputation of the address: spammers find it within hours, lists soon after",
	CodeCertificate:  "incoming mail from senders that insist on TLS (MTA-STS, DANE), as soon as it has ended",
	CodeNoStartTLS:   "incoming mail from senders that insist on TLS; all other comes in the clear",
	CodePortClosed:   "incoming mail, if the world sees the same",
	CodePortOpen:     "nothing yet",
	CodeNoRole:       "complaints go to lists in place of you",
	CodeMailbox:      "no mail; refusals that only bounces tell of are not seen meanwhile",
	CodeLog:          "no mail; what incidents cost is not counted meanwhile",
	CodeLogUnread:    "no mail; what incidents cost is not counted meanwhile",
	CodeUnproved:     "no mail; what comes back there counts for nothing",
	CodeTargets:      "no mail; the addresses that were known last are watched on",
	CodeSource:       "no mail; what it says is not known meanwhile",
	CodeNoWayOut:     "no mail; the doors of receivers are not looked at meanwhile",
	CodeChannelDown:  "no mail; its alerts are kept, and told when it takes them again",
	CodeBackup:       "no mail; if the disk is lost, so is what came since the last backup",
	CodeDatabase:     "no mail; what is found meanwhile is told, and forgotten if the daemon is restarted",
	CodeListRefused:  "no mail; it is left out until it answers us, and nothing is known about any address or domain there",
	CodeListUnusable: "no mail of yours alone: it is left out until it answers properly, and receivers that still use it refuse everybody's",
	CodeListUnknown:  "no mail; it is left out until it answers, and nothing is known about any address or domain there",
	CodeBlind:        "no mail; nothing is known to be listed or clean meanwhile, and open incidents stay as they are",
	CodeRewriting:    "no mail; nothing is known to be listed or clean meanwhile, and open incidents stay as they are",
}

// Costs is what a problem with this code costs where no mail can be counted, for after "Cost: ", or "" where the counted mail says it.
func (c Code) Costs() string { return codeCosts[c] }
