package bounce

import "strings"

// signs are what tells a failure notice without a delivery-status part from
// ordinary mail. No single one is enough: people write to postmasters, quote
// replies and forward bounces.
type signs struct {
	daemon    bool // From a mail system's address (RFC 2142, or as MTAs call themselves)
	subject   bool // a subject that such notices have
	words     bool // a sentence that such notices have, near the top
	recipient bool // a failed recipient was read, or X-Failed-Recipients names one
	reply     bool // an SMTP reply or an enhanced status was read
	null      bool // the null return path (RFC 5321 section 4.5.5)
	automatic bool // Auto-Submitted or alike says that a program wrote it (RFC 3834)
	away      bool // it is an answer of somebody who is away
	returned  bool // a message is attached, or copied below the text
	list      bool // it came by a mailing list, or is one of very many (RFC 2369)
	failed    bool // X-Failed-Recipients (Exim and those who copied it)
}

// bounce decides. Two signs of where it comes from and what it says must agree.
func (s signs) bounce() bool {
	origin, content := 0, 0
	if s.daemon {
		origin += 2
	}
	if s.null {
		origin++
	}
	if s.subject {
		content += 2
	}
	if s.words {
		content += 2
	}
	if s.reply {
		content++
	}
	if s.recipient {
		content++
	}
	if s.returned && s.words {
		content++
	}
	if s.failed {
		return true
	}
	if s.away {
		return origin >= 2 && s.words && s.reply
	}
	switch {
	case origin >= 2:
		return content >= 2
	case origin == 1:
		return content >= 3
	}
	// From nobody in particular it must name whom it did not reach: parcels are
	// not delivered either, and newsletters explain what a bounce is.
	return content >= 4 && s.recipient && !s.list
}

// daemonLocals are local parts that mail systems write notices from.
var daemonLocals = []string{"mailer-daemon", "mailerdaemon", "mailer_daemon", "postmaster", "post_master", "mail-daemon", "mail.delivery.system", "maildaemon", "mdaemon", "bounce-daemon", "mailadmin", "mail_administrator", "mail-administrator", "delivery-daemon"}

// daemonNames are display names that they write under.
var daemonNames = newWordSet("mail delivery s", "mailer-daemon", "mail administrator", "delivery subsystem", "postmaster", "mail system", "mailerdaemon", "internet mail delivery", "mail delivery")

func daemonFrom(from string) bool {
	local, _, _ := strings.Cut(strings.ToLower(firstAddress(from)), "@")
	if local == "" {
		local = strings.ToLower(strings.Trim(from, "<> \""))
	}
	if exchangeMailbox(local) {
		return true
	}
	for _, d := range daemonLocals {
		if local == d || strings.HasPrefix(local, d+"+") || strings.HasPrefix(local, d+"-") {
			return true
		}
	}
	return daemonNames.in(from)
}

// exchangeMailbox says whether it is the system mailbox that Exchange and Microsoft 365 send notices from,
// under a display name of the reader's language: "MicrosoftExchange" and 32 hexadecimal digits.
func exchangeMailbox(local string) bool {
	id, ok := strings.CutPrefix(local, "microsoftexchange")
	return ok && len(id) == 32 && strings.Trim(id, "0123456789abcdef") == ""
}

// failureSubjects are words of the subjects of failure and delay notices.
var failureSubjects = newWordSet(
	"undeliver", "returned mail", "delivery status notification", "delivery failure", "failure notice", "delivery failed", "delayed mail",
	"delivery notification", "could not send message", "returning message to sender", "returned to sender", "returned to you", "mail failure", "message status -",
	"failure delivery", "delivery error", "failed to deliver", "cannot be delivered", "could not be delivered", "not delivered", "delivery problem",
	"mail system error", "nondeliverable", "non-deliverable", "delivery report", "mail delivery status", "delayed mail", "delivery delayed", "delivery has been delayed",
	"message delayed", "undelivered", "delivery status", "mail could not be delivered", "user unknown", "delivery unsuccessful", "bounced", "rejected message", "message rejected",
	"unzustellbar", "nicht zugestellt", "non remis", "no se pudo entregar", "no se puede entregar", "non recapitabile", "impossibile recapitare",
	"não é possível entregar", "não foi possível entregar", "não entregue", "onbestelbaar", "kan niet worden bezorgd", "niedostarczalne", "nie można dostarczyć",
	"kunde inte levereras", "kunde inte leverera", "kan ikke leveres", "nedoručiteln", "kézbesíthetetlen", "teslim edilemedi", "teslim edilemez",
	"Недоставлен", "недоставлен", "Не удается доставить", "не доставлен", "配信不能", "配信できません", "未送达", "无法送达", "无法传递", "退信", "無法傳遞", "未傳遞", "배달되지 않", "배달할 수 없",
	"mail returned", "returned message", "non delivery",
	"returned e-mail", "returned email", "problem delivering", "unable to deliver", "failed mail", "failure to deliver", "delivery failed", "mail delivery fail",
	"message could not", "message undeliverable", "mail error", "warning: message", "still being retried",
)

// failureWords are phrases of the sentences that such notices begin with.
var failureWords = newWordSet(
	"could not be delivered", "couldn't be delivered", "cannot be delivered", "can't be delivered", "was not delivered", "wasn't delivered", "not been delivered", "not be delivered",
	"did not reach the following", "unable to deliver", "failed permanently", "delivery to the following", "delivery failed", "delivery has failed", "failed to deliver",
	"permanent error", "permanent fatal error", "transient non-fatal", "undeliverable", "undelivered", "has been delayed", "could not deliver", "couldn't deliver", "error delivering", "had delivery problems",
	"returned to sender", "being returned", "has been returned", "delivery error", "not able to deliver", "wasn't able to deliver", "was unable to deliver", "delivery failure",
	"delivery attempt", "following address", "following recipient", "not a valid user", "exceeds allowed size", "unknown user", "unknown local", "failure reasons", "error occurred while trying to deliver",
	"message was rejected", "has been rejected", "not yet been delivered", "your message was rejected", "delivery report", "was undeliverable", "return to sender", "cannot deliver", "mail could not",
	"konnte nicht zugestellt", "nicht zugestellt werden", "nachrichtenzustellung", "n'a pas pu", "chec de la remise", "no se ha podido", "no pudo ser", "no se pudo entregar", "error al entregar",
	"non e' stato", "non è stato possibile", "recapito non riuscito", "impossibile recapitare", "falha na entrega", "não pôde ser entregue", "não foi possível entregar",
	"bezorging is mislukt", "niet bezorgd", "niet worden bezorgd", "niepowodzenie dostarcz", "nie można dostarczyć", "nie udało się dostarczyć", "inte levereras", "att leverera till", "ikke leveres",
	"se nepodařilo", "nelze doručit", "nem kézbesíthető", "nem sikerült kézbesíteni", "teslim edilemedi", "Не удалось доставить", "не удалось доставить", "не может быть доставлено", "Сбой доставки",
	"配信できません", "配信に失敗", "お届けできません", "无法传递", "无法送达", "投递失败", "退信", "無法傳遞", "無法傳送", "배달하지 못", "배달되지 않",
	"rejected your message", "message not delivered", "sending your message",
	"address failed", "addresses failed", "group you tried to contact", "mail delivery",
)

// awaySubjects are words of the subjects of answers that people let their mail system give.
var awaySubjects = newWordSet("out of office", "out of the office", "autoreply", "auto-reply", "auto reply", "automatic reply", "automatic response", "vacation", "away from", "auto:", "auto response", "autoresponse", "automatische antwort", "abwesenheit", "absence", "on leave", "réponse automatique", "respuesta automática", "auto-response", "odpowied")
