package bounce

import "strings"

// fallback judges by codes alone, when no rule knows the words: the enhanced
// status (RFC 3463 and its registry) first, then the reply code and the stage at
// which it was given. x.7.0 and x.7.1 say too little to name a reputation.
func fallback(d Diagnostic) Category {
	if c := byStatus(d.ownStatus()); c != "" {
		return c
	}
	if strings.HasPrefix(d.Status, "5.7.") || strings.HasPrefix(d.Status, "4.7.") {
		return Policy // "delivery not authorized": somebody's rule, not a fault
	}
	if d.Stage == "greeting" && d.Reply != "" {
		// Before anything was said only the address can have been judged.
		if d.Reply[0] == '5' {
			return Policy
		}
		return System
	}
	switch d.Reply {
	case "550", "551", "553":
		if d.Stage == "mail" {
			return Policy
		}
		if d.Stage == "end of data" || d.Stage == "data" {
			return Other
		}
		return RecipientFault
	case "552":
		return RecipientFault
	case "421", "450", "451", "452":
		return System
	case "554", "521", "571":
		if d.Stage == "rcpt" {
			return RecipientFault
		}
		return Other
	case "500", "501", "502", "503", "504":
		return System
	}
	return Other
}

// byStatus gives the category that an enhanced status stands for; "" for none.
func byStatus(status string) Category {
	if len(status) < 5 {
		return ""
	}
	switch status[2:] {
	case "1.0":
		return "" // "other address status": of the sender's address as often as of the recipient's
	case "1.7", "1.8":
		return Policy // bad sender's mailbox or system address
	case "1.9":
		return System
	case "4.3", "4.5":
		return System // directory server, congestion
	case "3.4", "2.3":
		return RecipientFault // too big for the system, or for the mailbox
	case "7.2":
		return Policy
	case "7.3", "7.4", "7.6", "7.5", "7.10", "7.11":
		return Other
	case "7.7":
		return SpamContent
	case "7.8", "7.9", "7.12", "7.14", "7.15", "7.16", "7.19", "7.30":
		return Other // login (RFC 4954), priority (RFC 6710), RRVS (RFC 7293), REQUIRETLS (RFC 8689)
	case "7.13":
		return RecipientFault // user account disabled: RFC 5248's registry
	case "7.17", "7.18":
		return RecipientFault // the mailbox or the domain has another owner now: RFC 7293
	case "7.20", "7.21", "7.22", "7.23", "7.24", "7.26", "7.29", "7.32", "7.509", "7.515":
		return AuthFailure // RFC 7372, RFC 8617 and what providers made of it
	case "7.25":
		return RDNS // RFC 7372 section 3.3
	case "7.27":
		return Policy // sender's domain takes no mail: RFC 7505
	case "7.28":
		return RateLimited
	case "7.511":
		return IPReputation
	}
	switch {
	case strings.HasPrefix(status[1:], ".1."), strings.HasPrefix(status[1:], ".2."):
		return RecipientFault
	case strings.HasPrefix(status[1:], ".3."):
		return System
	case strings.HasPrefix(status[1:], ".4."):
		return Network
	case strings.HasPrefix(status[1:], ".5.") && status[1:] != ".5.0":
		return System
	case strings.HasPrefix(status[1:], ".6."):
		return Other
	}
	return ""
}

// senderWords are words of sentences that are about the sender.
var senderWords = newWordSet("client host", "your ip", "your host", "your server", "your network", "your address", "your domain", "sender address", "sender domain", "sending ip", "sending host", "sending domain", "your mail server", "your country", "helo", "ehlo", "envelope sender", "mail from")

// aboutSender says whether a refusal for policy speaks of who sent the mail.
func aboutSender(text string) bool { return senderWords.in(text) }
