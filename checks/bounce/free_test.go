package bounce

import "testing"

// TestFreeForms reads sentences with which systems without a delivery status
// name whom they did not reach; below each stands the returned mail, to somebody else.
func TestFreeForms(t *testing.T) {
	rules := builtinRules(t)
	for name, text := range map[string]string{
		"a list":                 "Here is your list of failed recipients:\n\n  <kim@example.net>\n\nHere is your returned mail.\n\n",
		"a starred list":         "Delivery to the following recipients was aborted after 4 second(s):\n\n  * kim@example.net\n\nMailbox full.\n",
		"an arrow before":        "We were not able to deliver your message to the following recipients:\n\n>>> kim@example.net (no such user)\n\n",
		"address and colon":      "Unable to deliver message to the following address(es).\n\n<kim@example.net>:\nThis user doesn't have an account here (kim@example.net) [0]\n",
		"reason in the line":     "Message not delivered to the following:\n\n    kim@example.net    No matches to nameserver query\n\nError Detail\n",
		"reason in a label":      "The following recipients did not receive your message:\n\n<kim@example.net>\n\nReason: mailbox disabled\n",
		"sender in the sentence": "Your mail to the following recipients could not be delivered because they are not accepting mail from news@example.org:\n\tkim@example.net\n",
		"protocol before":        "This Message was undeliverable due to the following reason:\n\nThe following destination addresses were unknown (please check\nthe addresses and re-mail the message):\n\nSMTP <kim@example.net>\n\nPlease reply to postmaster@example.org\nif you feel this message to be in error.\n",
		"at the sentence's end":  "Undeliverable to kim@example.net\nOriginal message follows.\n\n",
		"behind the reason":      "User mailbox exceeds allowed size: kim@example.net\n\nOriginal message follows.\n\n",
		"user and error":         "The message you sent to the address listed below could not be delivered.\n\nUser: kim@example.net\nError: 550 5.1.1 unknown\n",
		"numbered sections":      "[<00>] XMail bounce: Rcpt=[kim@example.net];Error=[550 5.1.1 unknown user]\n\n\n[<01>] Error sending message [1.mx] from [mx1.example.org].\n\nID:        <S1>\nMail From: <news@example.org>\nRcpt To:   <kim@example.net>\nServer:    <mx1.example.net> [198.51.100.7]\n\n\n[<02>] The reason of the delivery failure was:\n\n550 5.1.1 unknown user\n\n\n[<05>] Here is listed the initial part of the message:\n\n",
		"in a sentence":          "I'm sorry, I could not deliver your mail to kim@example.net. The error was:\n\n550 5.1.1 no such user\n",
		"in quotes":              "The mail system could not deliver to \"kim@example.net\" because the mailbox is full.\n",
		"a table":                "Recipient                 Status\n----------------------------------\nkim@example.net           550 5.1.1 unknown user\n",
		"as in a log":            "Failed recipient=kim@example.net\nreason=User unknown\n",
		"German":                 "Ihre Nachricht konnte nicht zugestellt werden:\n\nkim@example.net\n\nGrund: Empfänger unbekannt\n",
		"Spanish":                "Su mensaje no pudo ser entregado a:\n\n kim@example.net\n\nMotivo: usuario desconocido\n",
		"French":                 "Votre message n'a pas pu être remis au destinataire suivant :\n\n kim@example.net\n\nRaison : boîte pleine\n",
		"Japanese":               "以下の宛先にメールを送信できませんでした。\n\nkim@example.net\n\n宛先不明\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := Parse([]byte("From: MAILER-DAEMON@mx1.example.org\nTo: news@example.org\nSubject: Mail delivery failed\n\n"+text+"\n--- Original message ---\nFrom: News <news@example.org>\nTo: pat@example.com\nSubject: x\n\nhi\n"), ParseOptions{Rules: rules})
			if len(r.Bounces) != 1 || r.Bounces[0].Recipient != "kim@example.net" || r.Bounces[0].Judgement.Reputation {
				t.Errorf("kind %s: %+v", r.Kind, r.Bounces)
			}
		})
	}
}
