package lab

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// The cast of the story: one small company, one receiver behind a Cisco gateway.
const (
	OurDomain     = "example.org"
	OurHost       = "mail.example.org"
	TheirDomain   = "example.net"
	TheirHost     = "mx1.example.net"
	theirAddr     = "198.51.100.7"
	ciscoGreeting = "Your access to this mail system has been rejected due to the sending MTA's poor reputation. " +
		"If you believe that this failure is in error, please contact the intended recipient via alternate means."
)

// OurAddress is the address that the company sends from.
var OurAddress = netip.MustParseAddr("192.0.2.10")

// CiscoRefusal is the report that our own Postfix writes when it gives up a mail that a Cisco
// gateway has refused in the greeting for the score of its address (RFC 3464): after five days, as a
// refusal in the greeting is temporary to it. It reaches the mailbox without an outside hop.
func CiscoRefusal(at time.Time, queueID, recipient string) []byte {
	date := at.UTC().Format(time.RFC1123Z)
	boundary := queueID + "." + fmt.Sprint(at.Unix()) + "/" + OurHost
	lines := []string{
		"Return-Path: <>",
		"Delivered-To: bounces@" + OurDomain,
		"Received: by " + OurHost + " (Postfix)",
		"\tid " + queueID + "; " + date,
		"Date: " + date,
		"From: MAILER-DAEMON@" + OurDomain + " (Mail Delivery System)",
		"Subject: Undelivered Mail Returned to Sender",
		"To: news@" + OurDomain,
		"Auto-Submitted: auto-replied",
		"MIME-Version: 1.0",
		"Content-Type: multipart/report; report-type=delivery-status;",
		"\tboundary=\"" + boundary + "\"",
		"Message-Id: <" + queueID + "@" + OurHost + ">",
		"",
		"This is a MIME-encapsulated message.",
		"",
		"--" + boundary,
		"Content-Description: Notification",
		"Content-Type: text/plain; charset=utf-8",
		"",
		"This is the mail system at host " + OurHost + ".",
		"",
		"I'm sorry to have to inform you that your message could not",
		"be delivered to one or more recipients. It's attached below.",
		"",
		"<" + recipient + ">: host " + TheirHost + "[" + theirAddr + "] refused to talk to me:",
		"    554-" + TheirHost + " 554 " + ciscoGreeting,
		"",
		"--" + boundary,
		"Content-Description: Delivery report",
		"Content-Type: message/delivery-status",
		"",
		"Reporting-MTA: dns; " + OurHost,
		"X-Postfix-Queue-ID: " + queueID,
		"X-Postfix-Sender: rfc822; news@" + OurDomain,
		"Arrival-Date: " + date,
		"",
		"Final-Recipient: rfc822; " + recipient,
		"Original-Recipient: rfc822;" + recipient,
		"Action: failed",
		"Status: 4.0.0",
		"Remote-MTA: dns; " + TheirHost,
		"Diagnostic-Code: smtp; 554-" + TheirHost + " 554 " + ciscoGreeting,
		"",
		"--" + boundary,
		"Content-Description: Undelivered Message",
		"Content-Type: message/rfc822",
		"",
		"Received: from app.example.org (app.example.org [192.0.2.20])",
		"\tby " + OurHost + " (Postfix) with ESMTPSA id " + queueID,
		"\tfor <" + recipient + ">; " + date,
		"From: News <news@" + OurDomain + ">",
		"To: <" + recipient + ">",
		"Subject: Your invoice for March",
		"Message-ID: " + messageID(queueID),
		"Date: " + date,
		"",
		"Please find your invoice attached.",
		"",
		"--" + boundary + "--",
		"",
	}
	return []byte(strings.Join(lines, "\r\n"))
}
