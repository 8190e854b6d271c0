package bounce

import (
	"fmt"
	"strings"
	"testing"
)

// family is a notice as one family of mail systems writes it, with what must be read from it.
type family struct {
	header, body                                string
	recipient, reply, status, remote, list, ip_ string
	category                                    Category
	reputation                                  bool
}

// dsnMail puts a multipart/report together.
func dsnMail(text, status string) string {
	return "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"=_b1\"\n\n--=_b1\nContent-Type: text/plain; charset=utf-8\n\n" + text +
		"\n\n--=_b1\nContent-Type: message/delivery-status\n\n" + status + "\n\n--=_b1\nContent-Type: message/rfc822\n\n" + returnedMail + "--=_b1--\n"
}

const returnedMail = "From: News <news@example.org>\nTo: kim@example.net\nSubject: November\nMessage-ID: <1@example.org>\n\nHello.\n550 5.7.1 a line of the mail, blocked using zen.spamhaus.org\n"

var families = map[string]family{
	"Exchange on premises, generating server and the words of the remote one": {
		header: "From: <postmaster@mail.example.org>\nTo: news@example.org\nSubject: Undeliverable: November\n",
		body: dsnMail("Delivery has failed to these recipients or groups:\n\nkim@example.net<mailto:kim@example.net>\nYour message wasn't delivered because of security policies.\n\n\nDiagnostic information for administrators:\n\nGenerating server: ex1.example.org\n\nkim@example.net\nmx1.example.net #<mx1.example.net #5.7.1 smtp;550 5.7.1 Service unavailable; client [192.0.2.10] blocked using bl.spamcop.net> #SMTP#\n\nOriginal message headers:\n\nReceived: from ex1.example.org\n",
			"Reporting-MTA: dns;ex1.example.org\nReceived-From-MTA: dns;app.example.org\nArrival-Date: Sun, 22 Nov 2026 11:38:40 +0000\n\nFinal-Recipient: rfc822;kim@example.net\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp;550 5.7.1 Service unavailable; client [192.0.2.10] blocked using bl.spamcop.net\nRemote-MTA: dns;mx1.example.net\nX-Display-Name: kim@example.net"),
		recipient: "kim@example.net", reply: "550", status: "5.7.1", remote: "mx1.example.net", list: "spamcop", ip_: "192.0.2.10", category: Blocklist, reputation: true},
	"Exchange, the reply only in its own field": {
		header: "From: <postmaster@mail.example.org>\nTo: news@example.org\nSubject: Undeliverable: November\n",
		body: dsnMail("Delivery has failed to these recipients or distribution lists:\n\nkim@example.net\nA problem occurred.\n",
			"Reporting-MTA: dns;EX1.example.org\n\nFinal-recipient: RFC822;\n kim@example.net\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx1.example.net\nX-Supplementary-Info: <mx1.example.net #5.1.1 smtp;550-5.1.1 The account that you tried\n to reach does not exist.>"),
		recipient: "kim@example.net", reply: "550", status: "5.1.1", remote: "mx1.example.net", category: RecipientFault},
	"Microsoft 365, html alone": {
		header:    "From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.org>\nTo: news@example.org\nSubject: Undeliverable: November\nAuto-Submitted: auto-replied\n",
		body:      "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n<html><body><p>Your message to kim@example.net couldn't be delivered.</p><table><tr><td>news</td><td>Office 365</td><td>kim</td></tr></table><p>More Info for Email Admins<br>Status code: 550 5.7.606</p><p>Original Message Details</p><p>Error:</p><p>550 5.7.606 Access denied, banned sending IP [192.0=\n.2.10]. To request removal from this list please visit https://sender.office.com/</p><p>Message rejected by: AM1.prod.outlook.com</p></body></html>\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns;AM1.prod.outlook.com\nArrival-Date: Sun, 22 Nov 2026 11:38:40 +0000\n\nFinal-Recipient: rfc822;kim@example.net\nAction: failed\nStatus: 5.7.606\nDiagnostic-Code: smtp;550 5.7.606 Access denied, banned sending IP [192.0.2.10].\n To request removal from this list please visit https://sender.office.com/\n\n--b--\n",
		recipient: "kim@example.net", reply: "550", status: "5.7.606", ip_: "192.0.2.10", category: IPReputation, reputation: true},
	"Exchange 5.5 and the words of its Internet service": {
		header:    "From: System Administrator <postmaster@example.org>\nTo: news@example.org\nSubject: Undeliverable: November\nX-Mailer: Internet Mail Service (5.5.2653.19)\n",
		body:      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nYour message\n\n  To:      kim@example.net\n  Subject: November\n  Sent:    Sun, 22 Nov 2026 11:38:40 +0100\n\ndid not reach the following recipient(s):\n\nkim@example.net on Sun, 22 Nov 2026 11:39:00 +0100\n    The recipient name is not recognized\n\tThe MTS-ID of the original message is: c=us;a= ;p=example;l=EX-261122113840Z-1\n    MSEXCH:IMS:Example:SITE:EX1 0 (000C05A6) Unknown Recipient\n\n\n--b\nContent-Type: message/rfc822\n\n" + returnedMail + "--b--\n",
		recipient: "kim@example.net", category: RecipientFault},
	"Gmail, with icon and html beside": {
		header:    "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nTo: news@example.org\nAuto-Submitted: auto-replied\nSubject: Delivery Status Notification (Failure)\nX-Failed-Recipients: kim@example.net\n",
		body:      dsnMail("** Message blocked **\n\nYour message to kim@example.net has been blocked. See technical details below for more information.\n\nThe response from the remote server was:\n554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.10\n", "Reporting-MTA: dns; googlemail.com\nReceived-From-MTA: dns; news@example.org\nArrival-Date: Sun, 22 Nov 2026 03:38:40 -0800 (PST)\nX-Original-Message-ID: <1@example.org>\n\nFinal-Recipient: rfc822; kim@example.net\nAction: failed\nStatus: 5.7.1\nRemote-MTA: dns; mx1.example.net. (198.51.100.7, the server for the domain\n example.net.)\nDiagnostic-Code: smtp; 554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.10\nLast-Attempt-Date: Sun, 22 Nov 2026 03:38:42 -0800 (PST)"),
		recipient: "kim@example.net", reply: "554", status: "5.7.1", remote: "mx1.example.net", list: "spamhaus-zen", ip_: "192.0.2.10", category: Blocklist, reputation: true},
	"Yahoo": {
		header:    "From: MAILER-DAEMON@yahoo.com\nTo: news@example.org\nSubject: Failure Notice\n",
		body:      "Content-Type: text/plain\n\nSorry, we were unable to deliver your message to the following address.\n\n<kim@example.net>:\n554: 5.7.1 Message rejected: 192.0.2.10 is listed at bl.example.com\n\n--- Below this line is a copy of the message.\n\n" + returnedMail,
		recipient: "kim@example.net", reply: "554", status: "5.7.1", list: "bl.example.com", ip_: "192.0.2.10", category: Blocklist, reputation: true},
	"netqmail": {
		header:    "From: MAILER-DAEMON@mx1.example.org\nTo: news@example.org\nSubject: failure notice\n",
		body:      "\nHi. This is the qmail-send program at mx1.example.org.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<kim@example.net>:\nConnected to 198.51.100.7 but greeting failed.\nRemote host said: 554 mx1.example.net Your address 192.0.2.10 has a poor reputation\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <news@example.org>\n" + returnedMail,
		recipient: "kim@example.net", reply: "554", remote: "198.51.100.7", ip_: "192.0.2.10", category: IPReputation, reputation: true},
	"qmail, no such host": {
		header:    "From: MAILER-DAEMON@mx1.example.org\nTo: news@example.org\nSubject: failure notice\n",
		body:      "\nHi. This is the qmail-send program at mx1.example.org.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<kim@example.net>:\nSorry, I couldn't find any host named example.net. (#5.1.2)\n\n--- Below this line is a copy of the message.\n\n" + returnedMail,
		recipient: "kim@example.net", status: "5.1.2", category: Network},
	"s/qmail, TLS": {
		header:    "From: MAILER-DAEMON@mx1.example.org\nTo: news@example.org\nSubject: failure notice\n",
		body:      "\nHi. This is the qmail-send program at mx1.example.org.\n\n<kim@example.net>:\n198.51.100.7 failed after I sent the message.\nRemote host said: 550 5.7.1 message is spam\n\n--- Below this line is a copy of the message.\n\n" + returnedMail,
		recipient: "kim@example.net", reply: "550", status: "5.7.1", remote: "198.51.100.7", category: SpamContent, reputation: true},
	"MDaemon": {
		header: "From: MDaemon at mail.example.org <MDaemon@mail.example.org>\nTo: news@example.org\nSubject: Permanent Delivery Failure\nX-MDDSN-Message: Yes\n",
		body: "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\n------------------------------------------------------------------------\nNOTE: This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more recipients.\n\nFailed address: kim@example.net\n\n--- Session Transcript ---\n Sun 2026-11-22 11:38:40: [1:1] Session 1; child 1\n Sun 2026-11-22 11:38:40: [1:1] Attempting SMTP connection to [198.51.100.7:25]\n Sun 2026-11-22 11:38:41: [1:1] <-- 220 mx1.example.net ESMTP\n Sun 2026-11-22 11:38:41: [1:1] --> EHLO mail.example.org\n Sun 2026-11-22 11:38:41: [1:1] <-- 250 ok\n Sun 2026-11-22 11:38:41: [1:1] --> MAIL From:<news@example.org>\n Sun 2026-11-22 11:38:41: [1:1] <-- 250 ok\n Sun 2026-11-22 11:38:41: [1:1] --> RCPT To:<kim@example.net>\n Sun 2026-11-22 11:38:41: [1:1] <-- 550 5.7.1 192.0.2.10 is blocked, see https://example.net/blocked\n Sun 2026-11-22 11:38:41: [1:1] --> QUIT\n--- End Transcript ---\n\n" +
			"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.org\nArrival-Date: Sun, 22 Nov 2026 11:38:40 +0000\n\nFinal-Recipient: rfc822; kim@example.net\nAction: failed\nStatus: 5.0.0\nX-MDaemon-Info: remote host refused\n\n--b--\n",
		recipient: "kim@example.net", reply: "550", status: "5.7.1", ip_: "192.0.2.10", category: IPReputation, reputation: true},
	"Domino": {
		header: "From: Postmaster@example.org\nTo: news@example.org\nSubject: DELIVERY FAILURE: User kim (kim@example.net) not listed in Domino Directory\nX-Mailer: Lotus Domino Release 8.5\n",
		body: dsnMail("Your message\n\n  Subject: November\n\nwas not delivered to:\n\n  kim@example.net\n\nbecause:\n\n  User kim (kim@example.net) not listed in Domino Directory\n",
			"Reporting-MTA: dns;domino.example.org\n\nFinal-Recipient: rfc822;kim@example.net\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: X-Notes; User kim (kim@example.net) not listed in Domino Directory"),
		recipient: "kim@example.net", status: "5.1.1", category: RecipientFault},
	"Domino, a remote refusal": {
		header: "From: Postmaster@example.org\nTo: news@example.org\nSubject: DELIVERY FAILURE: 554 5.7.1 Client host rejected\n",
		body: dsnMail("Your message\n\n  Subject: November\n\nwas not delivered to:\n\n  kim@example.net\n\nbecause:\n\n  554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using b.barracudacentral.org\n",
			"Reporting-MTA: dns;domino.example.org\n\nFinal-Recipient: rfc822;kim@example.net\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: X-Notes; 554 5.7.1 Service unavailable; Client host [192.0.2.10\n ] blocked using b.barracudacentral.org"),
		recipient: "kim@example.net", reply: "554", status: "5.7.1", list: "barracuda-brbl", ip_: "192.0.2.10", category: Blocklist, reputation: true},
	"GroupWise": {
		header:    "From: Mailer-Daemon@gw.example.org\nTo: news@example.org\nSubject: Message status - undeliverable\nX-Mailer: Novell GroupWise Internet Agent 8.0\n",
		body:      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nThe message that you sent was undeliverable to the following:\n\tkim@example.net (550 5.1.1 no such mailbox)\n\nPossibly truncated original message follows:\n\n--b\nContent-Type: message/rfc822\n\n" + returnedMail + "--b--\n",
		recipient: "kim@example.net", reply: "550", status: "5.1.1", category: RecipientFault},
	"old Exim, plain": {
		header:    "From: Mail Delivery System <Mailer-Daemon@mx1.example.org>\nTo: news@example.org\nSubject: Mail delivery failed: returning message to sender\n",
		body:      "\nThis message was created automatically by mail delivery software (Exim).\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  kim@example.net\n    SMTP error from remote mailer after MAIL FROM:<news@example.org> SIZE=1820:\n    host mx1.example.net [198.51.100.7]: 553 5.3.0 <news@example.org>... Your server 192.0.2.10\n    is blocked here\n\n------ This is a copy of the message, including all the headers. ------\n\nReturn-path: <news@example.org>\n" + returnedMail,
		recipient: "kim@example.net", reply: "553", status: "5.3.0", remote: "mx1.example.net", ip_: "192.0.2.10", category: IPReputation, reputation: true},
	"old Postfix, plain": {
		header:    "From: MAILER-DAEMON@mx1.example.org (Mail Delivery System)\nTo: news@example.org\nSubject: Undelivered Mail Returned to Sender\n",
		body:      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nThis is the Postfix program at host mx1.example.org.\n\nI'm sorry to have to inform you that the message returned\nbelow could not be delivered to one or more destinations.\n\n\t\t\tThe Postfix program\n\n<kim@example.net>: host mx1.example.net[198.51.100.7] said: 550 5.7.1 <kim@example.net>... Your\n    IP 192.0.2.10 has a bad reputation (in reply\n    to RCPT TO command)\n\n--b\nContent-Type: message/rfc822\n\n" + returnedMail + "--b--\n",
		recipient: "kim@example.net", reply: "550", status: "5.7.1", remote: "mx1.example.net", ip_: "192.0.2.10", category: IPReputation, reputation: true},
	"Haraka": {
		header: "From: MAILER-DAEMON@mx1.example.org\nTo: news@example.org\nSubject: failure notice\n",
		body: dsnMail("Hi. This is the Haraka Mailer program at mx1.example.org.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\nIntended Recipients: <kim@example.net>\nFailure Reason: Some recipients failed: <kim@example.net>\n",
			"Reporting-MTA: dns;mx1.example.org\n\nFinal-Recipient: rfc822;kim@example.net\nAction: failed\nStatus: 5.7.25\nRemote-MTA: dns;mx1.example.net\nDiagnostic-Code: smtp;550 5.7.25 192.0.2.10 has no reverse DNS"),
		recipient: "kim@example.net", reply: "550", status: "5.7.25", remote: "mx1.example.net", ip_: "192.0.2.10", category: RDNS, reputation: true},
	"KumoMTA": {
		header: "From: Mail Delivery Subsystem <mailer-daemon@mx1.example.org>\nTo: news@example.org\nSubject: Returned mail\n",
		body: dsnMail("The message was received at 2026-11-22T11:38:40Z\nfrom news@example.org and addressed to kim@example.net.\nWhile communicating with mx1.example.net (198.51.100.7):\nResponse: 550 5.7.1 rejected, 192.0.2.10 found on bl.example.com\n\nThe message will be deleted from the queue.\n",
			"Reporting-MTA: dns; mx1.example.org\nArrival-Date: Sun, 22 Nov 2026 11:38:40 +0000\n\nFinal-Recipient: rfc822;kim@example.net\nAction: failed\nStatus: 5.7.1 (rejected, 192.0.2.10 found on bl.example.com)\nRemote-MTA: dns; mx1.example.net (198.51.100.7)\nDiagnostic-Code: smtp; 550 rejected, 192.0.2.10 found on bl.example.com\nLast-Attempt-Date: Sun, 22 Nov 2026 11:38:42 +0000"),
		recipient: "kim@example.net", reply: "550", status: "5.7.1", remote: "mx1.example.net", list: "bl.example.com", ip_: "192.0.2.10", category: Blocklist, reputation: true},
	"PowerMTA": {
		header: "From: MAILER-DAEMON@pmta.example.org\nTo: bounce-1@example.org\nSubject: Delivery report\n",
		body: dsnMail("Hello, this is the mail server on pmta.example.org.\n\nI am sending you this message to inform you on the delivery status of a\nmessage you previously sent.  Immediately below you will find a list of\nthe affected recipients;  also attached is a Delivery Status Notification\n(DSN) report in standard format, as well as the headers of the original\nmessage.\n\n  <kim@example.net>  delivery failed; will not continue trying\n",
			"Reporting-MTA: dns;pmta.example.org\nX-PowerMTA-VirtualMTA: out1\nReceived-From-MTA: dns;app.example.org (192.0.2.9)\nArrival-Date: Sun, 22 Nov 2026 11:38:40 +0000\n\nFinal-Recipient: rfc822;kim@example.net\nAction: failed\nStatus: 5.7.1 (delivery not authorized)\nRemote-MTA: dns;mx1.example.net (198.51.100.7)\nDiagnostic-Code: smtp;554 5.7.1 You are not allowed to connect.\nX-PowerMTA-BounceCategory: policy-related"),
		recipient: "kim@example.net", reply: "554", status: "5.7.1", remote: "mx1.example.net", category: IPReputation, reputation: true},
	"Amazon SES by mail": {
		header: "From: MAILER-DAEMON@amazonses.com\nTo: news@example.org\nSubject: Delivery Status Notification (Failure)\n",
		body: dsnMail("An error occurred while trying to deliver the mail to the following recipients:\nkim@example.net\n",
			"Reporting-MTA: dns; a1-1.smtp-out.amazonses.com\n\nAction: failed\nFinal-Recipient: rfc822; kim@example.net\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\nStatus: 5.1.1"),
		recipient: "kim@example.net", reply: "550", status: "5.1.1", category: RecipientFault},
	"SendGrid": {
		header: "From: MAILER-DAEMON\nTo: news@example.org\nSubject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\n",
		body: dsnMail("This is an automatically generated message from SendGrid.\n\nI'm sorry to have to tell you that your message was not able to be delivered to one of its intended recipients.\n\nIf you require assistance with this, please contact SendGrid support.\n\nkim@example.net: 550 5.7.1 mail from [192.0.2.10] refused for spam\n",
			"Reporting-MTA: sendgrid.net\nX-SendGrid-QueueID: 1\nX-SendGrid-Sender: <news@example.org>\nArrival-Date: 2026-11-22 11-38-40\n\nFinal-Recipient: rfc822; kim@example.net\nOriginal-Recipient: rfc822; kim@example.net\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: 550 5.7.1 mail from [192.0.2.10] refused for spam"),
		recipient: "kim@example.net", reply: "550", status: "5.7.1", ip_: "192.0.2.10", category: IPReputation, reputation: true},
	"Mailgun": {
		header:    "From: Mailer-Daemon@mg.example.org\nTo: news@example.org\nSubject: Mail delivery failed: returning message to sender\nX-Failed-Recipients: kim@example.net\n",
		body:      dsnMail("This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  kim@example.net\n    SMTP error from remote mail server after RCPT TO:<kim@example.net>:\n    host mx1.example.net [198.51.100.7]: 550 5.2.2 Mailbox full\n", "Reporting-MTA: dns; mg.example.org\n\nFinal-Recipient: rfc822; kim@example.net\nAction: failed\nStatus: 5.0.0"),
		recipient: "kim@example.net", reply: "550", status: "5.2.2", remote: "mx1.example.net", category: RecipientFault},
	"Postfix, to an address outside ASCII (RFC 6533)": {
		header: "From: MAILER-DAEMON@mx1.example.org\nTo: news@example.org\nSubject: Undelivered Mail Returned to Sender\n",
		body: dsnMail("This is the mail system at host mx1.example.org.\n",
			"Reporting-MTA: dns; mx1.example.org\n\nOriginal-Recipient: utf-8;\\x{43A}\\x{438}\\x{43C}@example.net\nFinal-Recipient: utf-8; \\x{43A}\\x{438}\\x{43C}@example.net\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx1.example.net\nDiagnostic-Code: smtp; 550 5.1.1 User unknown"),
		recipient: "ким@example.net", reply: "550", status: "5.1.1", remote: "mx1.example.net", category: RecipientFault},
	"InterMail, whose sentences are labelled as a delivery status too": {
		header:    "From: Mail Administrator <Postmaster@example.net>\nTo: news@example.org\nSubject: Mail System Error - Returned Mail\n",
		body:      "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nThis Message was undeliverable due to the following reason:\n\nThe user's mailbox is full.\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mta1.example.net\n\nFinal-Recipient: RFC822; <kim@example.net>\nAction: failed\nStatus: 5.2.2\n\n--b--\n",
		recipient: "kim@example.net", status: "5.2.2", category: RecipientFault},
	"IronPort": {
		header: "From: \"Mail Delivery System\" <MAILER-DAEMON@esa1.example.org>\nTo: news@example.org\nSubject: Delivery Status Notification (Failure)\n",
		body: dsnMail("The following message to <kim@example.net> was undeliverable.\nThe reason for the problem:\n5.1.2 - Bad destination host 'DNS Hard Error looking up example.net (MX): NXDomain'\n",
			"Reporting-MTA: dns; esa1.example.org\n\nFinal-Recipient: rfc822;kim@example.net\nAction: failed\nStatus: 5.0.0 (permanent failure)\nDiagnostic-Code: smtp; 5.1.2 - Bad destination host 'DNS Hard Error looking up example.net (MX):  NXDomain' (delivery attempts: 0)"),
		recipient: "kim@example.net", status: "5.1.2", category: Network},
	"IronPort, a remote refusal": {
		header: "From: \"Mail Delivery System\" <MAILER-DAEMON@esa1.example.org>\nTo: news@example.org\nSubject: Delivery Status Notification (Failure)\n",
		body: dsnMail("The following message to <kim@example.net> was undeliverable.\nThe reason for the problem:\n5.3.0 - Other mail system problem 554-'mx1.example.net\\nYour access to this mail system has been rejected due to the sending MTA\\'s poor reputation. Please contact the recipient.'\n",
			"Reporting-MTA: dns; esa1.example.org\n\nFinal-Recipient: rfc822;kim@example.net\nAction: failed\nStatus: 5.0.0 (permanent failure)\nRemote-MTA: dns; [198.51.100.7]\nDiagnostic-Code: smtp; 5.3.0 - Other mail system problem 554-'mx1.example.net\\nYour access to this mail system has been rejected due to the sending MTA\\'s poor reputation. Please contact the recipient.' (delivery attempts: 0)"),
		recipient: "kim@example.net", reply: "554", status: "5.0.0", remote: "198.51.100.7", category: IPReputation, reputation: true},
	"Symantec, Barracuda and others who copy the sentence": {
		header:    "From: <postmaster@gw.example.org>\nTo: news@example.org\nSubject: **Message you sent blocked by our bulk email filter**\n",
		body:      "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\nYour message to: kim@example.net\nwas blocked by our Spam Firewall. The email you sent with the following subject has NOT BEEN DELIVERED:\n\nSubject: November\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; gw.example.org\n\nFinal-Recipient: rfc822; kim@example.net\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.7.1 Message content rejected, UBE, id=12345-01\n\n--b--\n",
		recipient: "kim@example.net", reply: "550", status: "5.7.1", category: SpamContent, reputation: true},
	"Zimbra is Postfix": {
		header: "From: MAILER-DAEMON@zimbra.example.org (Mail Delivery System)\nTo: news@example.org\nSubject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\n",
		body: dsnMail("This is the mail system at host zimbra.example.org.\n\n<kim@example.net>: host mx1.example.net[2001:db8:1::7] said: 550-5.7.26 This mail has\n    been blocked because the sender is unauthenticated.\n    550 5.7.26 SPF [example.org] with ip: [2001:db8::25] = did not pass (in reply to end of DATA command)\n",
			"Reporting-MTA: dns; zimbra.example.org\nX-Postfix-Queue-ID: 4XYZ\n\nFinal-Recipient: rfc822; kim@example.net\nAction: failed\nStatus: 5.7.26\nRemote-MTA: dns; mx1.example.net\nDiagnostic-Code: smtp; 550-5.7.26 This mail has been blocked because the sender\n    is unauthenticated. 550 5.7.26 SPF [example.org] with ip: [2001:db8::25] = did not pass"),
		recipient: "kim@example.net", reply: "550", status: "5.7.26", remote: "mx1.example.net", ip_: "2001:db8::25", category: AuthFailure, reputation: true},
	"GMX and Web.de": {
		header:    "From: GMX Mailer Daemon <mailer-daemon@gmx.example>\nTo: news@example.org\nSubject: Mail delivery failed: returning message to sender\nX-Failed-Recipients: kim@example.net\n",
		body:      "\nThis message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of\nits recipients. This is a permanent error. The following address\nfailed:\n\nkim@example.net:\nSMTP error from remote server for RCPT TO command, host: mx1.example.net (198.51.100.7) reason: 550 5.1.1 <kim@example.net>: Recipient address rejected: User unknown\n\n\n--- The header of the original message is following. ---\n\n" + returnedMail,
		recipient: "kim@example.net", reply: "550", status: "5.1.1", remote: "mx1.example.net", category: RecipientFault},
	"Mail.ru": {
		header:    "From: Mail Delivery System <Mailer-Daemon@mail.ru>\nTo: news@example.org\nSubject: Mail delivery failed: returning message to sender\nX-Failed-Recipients: kim@example.net\n",
		body:      "Content-Type: text/plain; charset=utf-8\n\nЭто письмо создано автоматически сервером Mail.ru.\n\nК сожалению, мы не смогли доставить ваше письмо\n\n  kim@example.net\n    SMTP error from remote mail server after end of data:\n    host mx1.example.net [198.51.100.7]: 550 spam message rejected\n\n------ This is a copy of the message, including all the headers. ------\n\n" + returnedMail,
		recipient: "kim@example.net", reply: "550", remote: "mx1.example.net", category: SpamContent, reputation: true},
	"Yandex": {
		header: "From: mailer-daemon@yandex.ru\nTo: news@example.org\nSubject: =?utf-8?B?0J3QtdC00L7RgdGC0LDQstC70LXQvdC90L7QtSDRgdC+0L7QsdGJ0LXQvdC40LU=?=\n",
		body: dsnMail("This is the mail system at host yandex.ru.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients.\n\n<kim@example.net>: host mx1.example.net[198.51.100.7] said: 550 Message was not accepted -- invalid mailbox. Local mailbox kim@example.net is unavailable: user not found (in reply to end of DATA command)\n",
			"Reporting-MTA: dns; forward1.yandex.net\n\nFinal-Recipient: rfc822; kim@example.net\nAction: failed\nStatus: 5.0.0\nRemote-MTA: dns; mx1.example.net\nDiagnostic-Code: smtp; 550 Message was not accepted -- invalid mailbox. Local mailbox kim@example.net is unavailable: user not found"),
		recipient: "kim@example.net", reply: "550", remote: "mx1.example.net", category: RecipientFault},
	"docomo and other Japanese carriers": {
		header:    "From: MAILER-DAEMON@docomo.example\nTo: news@example.org\nSubject: Undelivered Mail Returned to Sender\n",
		body:      "Content-Type: text/plain; charset=ISO-2022-JP\n\n\x1b$B<!$N$\"$F@h$X$N%a!<%k$rAw?.$G$-$^$;$s$G$7$?\x1b(B\n\nCould not be delivered to: <kim@example.net>\nAs their mailbox is full.\n\n" + "--- Original message ---\n" + returnedMail,
		recipient: "kim@example.net", category: RecipientFault},
	"CommuniGate Pro": {
		header: "From: <MAILER-DAEMON@cgp.example.org>\nTo: news@example.org\nSubject: Undeliverable mail: November\n",
		body: dsnMail("Failed to deliver to 'kim@example.net'\nSMTP module(domain example.net) reports:\n host mx1.example.net says:\n 550 5.7.1 your address 192.0.2.10 is blacklisted here\n",
			"Reporting-MTA: dns; cgp.example.org\n\nOriginal-Recipient: rfc822;kim@example.net\nFinal-Recipient: rfc822;kim@example.net\nAction: failed\nStatus: 5.0.0"),
		recipient: "kim@example.net", reply: "550", status: "5.7.1", remote: "mx1.example.net", ip_: "192.0.2.10", category: IPReputation, reputation: true},
	"MailEnable": {
		header:    "From: \"Postmaster\" <POSTMASTER@example.org>\nTo: news@example.org\nSubject: Message could not be delivered\n",
		body:      "\nMailEnable: Message could not be delivered to some recipients.\nThe following recipient(s) could not be reached:\n\n\tRecipient: [SMTP:kim@example.net]\n\tReason: The remote mail server said: 550 5.1.1 unknown mailbox\n\n\nMessage headers follow:\n\n" + returnedMail,
		recipient: "kim@example.net", reply: "550", status: "5.1.1", category: RecipientFault},
	"hMailServer": {
		header:    "From: mailer-daemon@hmail.example.org\nTo: news@example.org\nSubject: Message undeliverable: November\n",
		body:      "\nYour message did not reach some or all of the intended recipients.\n\n   Sent: Sun, 22 Nov 2026 11:38:40 +0100\n   Subject: November\n\nThe following recipient(s) could not be reached:\n\nkim@example.net\n   Error Type: SMTP\n   Remote server (198.51.100.7) issued an error.\n   hMailServer sent: RCPT TO:<kim@example.net>\n   Remote server replied: 554 5.7.1 192.0.2.10 has a bad reputation\n\n\n\nhMailServer\n",
		recipient: "kim@example.net", reply: "554", status: "5.7.1", remote: "198.51.100.7", ip_: "192.0.2.10", category: IPReputation, reputation: true},
	"Kerio Connect": {
		header: "From: Mail Delivery Subsystem <postmaster@kerio.example.org>\nTo: news@example.org\nSubject: Delivery failed: November\n",
		body: dsnMail("This message was created automatically by the mail system (Kerio Connect).\n\nYour message could not be delivered to one or more recipients:\n\nFinal recipient: kim@example.net\nServer reply: 550 5.7.1 SPF check failed for example.org\n",
			"Reporting-MTA: dns;kerio.example.org\n\nFinal-Recipient: rfc822;kim@example.net\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: SMTP; 550 5.7.1 SPF check failed for example.org"),
		recipient: "kim@example.net", reply: "550", status: "5.7.1", category: AuthFailure, reputation: true},
	"SurgeMail": {
		header:    "From: Postmaster@surge.example.org\nTo: news@example.org\nSubject: Delivery failure (kim@example.net)\n",
		body:      "\nYour message has encountered delivery problems to the following recipient(s):\n\nkim@example.net\nDelivery failed\n552 5.2.2 this message would exceed the quota of the mailbox\n\n\nOriginal message follows.\n\n" + returnedMail,
		recipient: "kim@example.net", reply: "552", status: "5.2.2", category: RecipientFault},
	"IceWarp": {
		header:    "From: Mail Delivery Subsystem <MAILER-DAEMON@icewarp.example.org>\nTo: news@example.org\nSubject: Returned mail: see transcript for details\n",
		body:      "\nThe original message was received at Sun, 22 Nov 2026 11:38:40 +0100\nfrom news@example.org\n\n   ----- The following addresses had permanent fatal errors -----\n<kim@example.net>; originally to kim@example.net (unrecoverable error)\n\n   ----- Transcript of session follows -----\n... while talking to mx1.example.net\n>>> RCPT TO:<kim@example.net>\n<<< 550 5.7.1 rejected because 192.0.2.10 is in bl.spamcop.net\n550 <kim@example.net>... Service unavailable\n",
		recipient: "kim@example.net", reply: "550", status: "5.7.1", remote: "mx1.example.net", list: "spamcop", ip_: "192.0.2.10", category: Blocklist, reputation: true},
	"smail": {
		header:    "From: <MAILER-DAEMON@smail.example.org>\nTo: news@example.org\nSubject: mail failed, returning to sender\n",
		body:      "\n|------------------------- Message log follows: -------------------------|\n no valid recipients were found for this message\n|------------------------- Failed addresses follow: ---------------------|\n <kim@example.net> ... transport smtp: 550 <kim@example.net>... User unknown\n|------------------------- Message text follows: ------------------------|\n" + returnedMail,
		recipient: "kim@example.net", reply: "550", category: RecipientFault},
	"Zoho": {
		header:    "From: mailer-daemon@mail.zoho.example\nTo: news@example.org\nSubject: Undelivered Mail Returned to Sender\n",
		body:      "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n\nThis message was created automatically by mail delivery software.\n A message that you sent could not be delivered to one or more of its recipients. This is a permanent error.\n\nkim@example.net Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.=1 <kim@example.net>: Recipient address rejected: User unknown\n\n\nReceived:from mail.zoho.example\n" + returnedMail,
		recipient: "kim@example.net", reply: "550", category: RecipientFault},
	"Orange, in French": {
		header:    "From: Mail Delivery System <MAILER-DAEMON@smtp.example.org>\nTo: news@example.org\nSubject: Message non remis / Undelivered Mail\n",
		body:      dsnMail("Ce message a été créé automatiquement.\n\nVotre message n'a pas pu être remis à :\n\n<kim@example.net>: host smtp-in.example.net[198.51.100.7] refused to talk to me: 421 4.7.0 Trop de connexions. Too many connections, slow down. OFR004_104 [104]\n", "Reporting-MTA: dns; smtp.example.org\n\nFinal-Recipient: rfc822; kim@example.net\nAction: failed\nStatus: 4.7.0\nRemote-MTA: dns; smtp-in.example.net\nDiagnostic-Code: smtp; 421 4.7.0 Trop de connexions. Too many connections, slow down. OFR004_104 [104]"),
		recipient: "kim@example.net", reply: "421", status: "4.7.0", remote: "smtp-in.example.net", category: RateLimited, reputation: true},
	"Mimecast": {
		header: "From: <postmaster@mimecast.example>\nTo: news@example.org\nSubject: [Postmaster] Email Delivery Failure\n",
		body: dsnMail("This is a delivery failure notification message indicating that\nan email you addressed to email address :\n-- kim@example.net\n\ncould not be delivered. The problem appears to be :\n-- Recipient email server rejected the message\n\nAdditional information follows :\n-- 5.4.1 550 5.4.1 Recipient address rejected: Access denied.\n\nThis condition occurred after 1 attempt(s) to deliver over a period of 0 hour(s).\n",
			"Reporting-MTA: dns; mimecast.example\n\nFinal-Recipient: rfc822; kim@example.net\nAction: failed\nStatus: 5.4.1\nDiagnostic-Code: smtp; 550 5.4.1 Recipient address rejected: Access denied."),
		recipient: "kim@example.net", reply: "550", status: "5.4.1", category: RecipientFault},
}

func TestFamilies(t *testing.T) {
	rules := builtinRules(t)
	for name, f := range families {
		t.Run(name, func(t *testing.T) {
			r := Parse([]byte(f.header+f.body), ParseOptions{Rules: rules})
			if r.Kind != KindBounce || len(r.Bounces) != 1 {
				t.Fatalf("kind %s, %d bounces: %+v", r.Kind, len(r.Bounces), r.Bounces)
			}
			b := r.Bounces[0]
			got := fmt.Sprintf("%s %s %s list=%s ip=%s %s %v", b.Recipient, b.Diagnostic.Reply, b.Diagnostic.Status, b.Judgement.Blocklist, addrString(b.Judgement.Address), b.Judgement.Category, b.Judgement.Reputation)
			status := f.status
			if status == "" {
				status = b.Diagnostic.Status
			}
			want := fmt.Sprintf("%s %s %s list=%s ip=%s %s %v", f.recipient, f.reply, status, f.list, f.ip_, f.category, f.reputation)
			if got != want {
				t.Errorf("\ngot  %s\nwant %s\nrule %s, text %q", got, want, b.Judgement.Rule, b.Diagnostic.Text)
			}
			if f.remote != "" && f.remote != b.RemoteHost && f.remote != addrString(b.RemoteAddr) {
				t.Errorf("remote %q %v, want %s", b.RemoteHost, b.RemoteAddr, f.remote)
			}
			if strings.Contains(b.Diagnostic.Text, "a line of the mail") {
				t.Errorf("the returned mail was searched: %q", b.Diagnostic.Text)
			}
		})
	}
}
