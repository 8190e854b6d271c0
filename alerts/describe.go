package alerts

import "reputed/checks"

// Already says of an incident that was there before anybody looked what that means; "" of any other. Refused mail is not looked at
// but watched.
func (inc Incident) Already() string {
	if !inc.Existing {
		return ""
	}
	for _, m := range inc.Members {
		if m.Finding.Code != checks.CodeRefused {
			return "already there when first looked at"
		}
	}
	return "already refused when watching began"
}

// Things is a number of targets by what those of the members are: "65,536 addresses", "3 domains", and "targets" of a mixture.
func Things(n int, members []Member) string {
	nouns := map[checks.Kind]string{checks.KindAddress: "address", checks.KindDomain: "domain", checks.KindReceiver: "receiver", checks.KindList: "list"}
	var noun string
	for _, m := range members {
		of := nouns[m.Finding.Target.Kind]
		if of == "" || noun != "" && of != noun {
			return checks.Plural(n, "target")
		}
		noun = of
	}
	if noun == "" {
		noun = "target"
	}
	return checks.Plural(n, noun)
}
