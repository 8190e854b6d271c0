package acceptance

import "strings"

// Kind says what a vendor is to the receivers behind it.
type Kind string

const (
	Filter   Kind = "filter"   // stands before other people's servers, whose owners set how strict it is
	Provider Kind = "provider" // holds the mailboxes
	Unknown  Kind = ""         // nothing is written about it here
)

// Facts are what is known of how a vendor judges senders.
type Facts struct {
	Vendor   string // as refusals and [Vendor] name it
	Title    string // for people
	Kind     Kind
	JudgedBy string // whose opinion of a sender decides: "Cisco Talos"; "itself" where it is the vendor's own
	// Page is where a person looks up what that opinion is, or asks for another, with {ip} or
	// without; empty where package reputation has the page for this vendor, or there is none.
	Page   string
	Source string // where it was read
	Read   string // when, "2006-01-02"
}

// About are the facts of a vendor. For one of whom nothing is written they hold its name, and say
// that it is taken to judge by itself.
func About(vendor string) Facts {
	for _, f := range facts() {
		if strings.EqualFold(f.Vendor, vendor) {
			return f
		}
	}
	return Facts{Vendor: vendor, Title: vendor, JudgedBy: "itself"}
}

const read = "2026-11-22"

// facts are those whose confidence is high, sorted by vendor.
func facts() []Facts {
	return []Facts{
		{"AT&T", "AT&T", Provider, "itself", "", "replies of its gateways", read},
		{"Apple", "Apple iCloud Mail", Provider, "itself, Proofpoint and Spamhaus", "https://support.apple.com/en-us/HT204137", "support.apple.com", read},
		{"Barracuda", "Barracuda", Filter, "Barracuda Reputation Block List", "", "barracudacentral.org", read},
		{"Cisco Talos", "Cisco Secure Email", Filter, "Cisco Talos", "", "talosintelligence.com", read},
		{"Cloudflare", "Cloudflare Email Routing", Filter, "itself", "", "developers.cloudflare.com/email-service", "2026-11-25"},
		{"Cloudmark", "Cloudmark", Filter, "Cloudmark Sender Intelligence", "", "csi.cloudmark.com", read},
		{"Comcast", "Comcast Xfinity", Provider, "itself, Spamhaus and Cloudmark", "https://spa.xfinity.com/report", "postmaster.comcast.net", read},
		{"Cox", "Cox", Provider, "itself", "", "replies of its gateways", read},
		{"Deutsche Telekom", "T-Online", Provider, "itself", "", "postmaster.t-online.de", read},
		{"Facebook", "Facebook", Provider, "itself", "https://www.facebook.com/postmaster/response_codes", "facebook.com/postmaster", read},
		{"Fortinet", "Fortinet FortiMail", Filter, "FortiGuard", "https://www.fortiguard.com/services/antispam", "fortiguard.com", read},
		{"Free", "Free", Provider, "itself", "https://postmaster.free.fr/", "postmaster.free.fr", read},
		{"GoDaddy", "GoDaddy", Provider, "itself, Cloudmark and Spamhaus", "https://unblock.secureserver.net/", "unblock.secureserver.net", read},
		{"Google", "Google", Provider, "itself", "https://postmaster.google.com/", "support.google.com/mail/answer/81126", read},
		{"Italiaonline", "Libero and Virgilio", Provider, "Cloudmark", "https://csi.cloudmark.com/en/reset/?ip={ip}", "replies of its gateways", read},
		{"La Poste", "La Poste", Provider, "itself", "https://postmaster.laposte.net/contact", "postmaster.laposte.net", read},
		{"Mail.ru", "Mail.ru", Provider, "itself", "https://postmaster.mail.ru/", "postmaster.mail.ru", read},
		{"Microsoft", "Microsoft", Provider, "itself", "https://sendersupport.olc.protection.outlook.com/snds/", "sendersupport.olc.protection.outlook.com", read},
		{"Mimecast", "Mimecast", Filter, "itself and Cloudmark", "https://csi.cloudmark.com/en/reset/?ip={ip}", "community.mimecast.com", read},
		{"NetEase", "NetEase", Provider, "itself", "https://help.163.com/", "help.163.com", read},
		{"Orange", "Orange", Provider, "itself and Cloudmark", "https://postmaster.orange.fr/", "postmaster.orange.fr", read},
		{"Proofpoint", "Proofpoint", Filter, "Proofpoint Dynamic Reputation", "", "ipcheck.proofpoint.com", read},
		{"QQ", "QQ Mail", Provider, "itself", "https://open.mail.qq.com/", "open.mail.qq.com", read},
		{"Rackspace", "Rackspace Email", Provider, "itself, Spamhaus and Sender Score", "https://postmaster.emailsrvr.com/", "postmaster.emailsrvr.com", read},
		{"SFR", "SFR", Provider, "itself and Signal Spam", "https://postmaster.sfr.fr/", "postmaster.sfr.fr", read},
		{"Sophos", "Sophos Email", Filter, "itself", "https://www.sophos.com/en-us/threat-center/ip-lookup.aspx", "sophos.com", read},
		{"Symantec", "Broadcom Email Security.cloud (MessageLabs)", Filter, "itself", "https://ipremoval.sms.symantec.com/", "ipremoval.sms.symantec.com", read},
		{"Trend Micro", "Trend Micro", Filter, "Trend Micro Email Reputation", "", "servicecentral.trendmicro.com", read},
		{"United Internet", "GMX, web.de and IONOS", Provider, "itself", "https://postmaster.gmx.net/", "postmaster.gmx.net", read},
		{"Vade", "Vade", Filter, "itself", "https://sendertool.vadesecure.com/", "sendertool.vadesecure.com", read},
		{"Yahoo", "Yahoo and AOL", Provider, "itself and Spamhaus", "https://senders.yahooinc.com/contact", "senders.yahooinc.com", read},
		{"Yandex", "Yandex", Provider, "itself", "https://yandex.com/support/mail/", "yandex.com/support", read},
	}
}
