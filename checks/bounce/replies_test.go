package bounce

import (
	"os"
	"strings"
	"testing"
)

// TestRepliesOfReceivers holds what receivers answer, word for word as far as it matters, to what it means.
func TestRepliesOfReceivers(t *testing.T) {
	rules := builtinRules(t)
	data, err := os.ReadFile("testdata/replies.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			t.Fatalf("%q: want three fields", line)
		}
		d, _, _ := Diagnose(strings.ReplaceAll(f[2], `\n`, "\n"))
		j := rules.Classify(d, f[1])
		got := string(j.Category)
		if j.Reputation {
			got += "+"
		}
		if j.Temporary {
			got += "~"
		}
		if got != f[0] {
			t.Errorf("%s: %s by rule %s, want %s", f[2], got, j.Rule, f[0])
		}
	}
}

// TestNoticesOfExchangeInManyLanguages reads notices without a delivery status: whose language it is
// says neither what failed nor whether it is a notice.
func TestNoticesOfExchangeInManyLanguages(t *testing.T) {
	rules := builtinRules(t)
	for name, c := range map[string]struct{ subject, words string }{
		"German":     {"Unzustellbar: November", "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:"},
		"French":     {"Non remis : November", "Échec de la remise pour ces destinataires ou groupes :"},
		"Spanish":    {"No se puede entregar: November", "Error al entregar a estos destinatarios o grupos:"},
		"Italian":    {"Non recapitabile: November", "Recapito non riuscito ai seguenti destinatari o gruppi:"},
		"Portuguese": {"Não é possível entregar: November", "Falha na entrega a estes destinatários ou grupos:"},
		"Dutch":      {"Onbestelbaar: November", "De bezorging is mislukt voor de volgende geadresseerden of groepen:"},
		"Polish":     {"Niedostarczalne: November", "Niepowodzenie dostarczania do następujących adresatów lub grup:"},
		"Swedish":    {"Kunde inte levereras: November", "Det gick inte att leverera till följande mottagare eller grupper:"},
		"Czech":      {"Nedoručitelné: November", "Doručení následujícím příjemcům nebo skupinám se nezdařilo:"},
		"Russian":    {"Недоставлено: November", "Сбой доставки следующим получателям или группам рассылки:"},
		"Japanese":   {"配信不能: November", "次の受信者またはグループへの配信に失敗しました:"},
		"Chinese":    {"未送达: November", "发送给这些收件人或组时失败:"},
	} {
		for _, from := range []string{"Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.org>", "<postmaster@example.org>", "kim@example.com"} {
			t.Run(name+" from "+from, func(t *testing.T) {
				mail := "From: " + from + "\nTo: news@example.org\nSubject: " + c.subject + "\nContent-Type: text/plain; charset=utf-8\n\n" + c.words +
					"\n\nkim@example.net\n\nmx1.example.net\nRemote Server returned '550 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using zen.spamhaus.org'\n"
				r := Parse([]byte(mail), ParseOptions{Rules: rules})
				if len(r.Bounces) != 1 || r.Bounces[0].Recipient != "kim@example.net" || r.Bounces[0].Judgement.Blocklist != "spamhaus-zen" {
					t.Errorf("kind %s: %+v", r.Kind, r.Bounces)
				}
			})
		}
	}
}
