package probestest

import (
	"slices"

	"github.com/miekg/dns"
)

// SetName gives an ordinary name its records, in place of those it has: each as in a
// zone file without name, TTL and class, "A 192.0.2.10", "MX 10 mx.example.org.",
// `TXT "v=spf1 mx -all"`. Without any the name does not exist. The mode of the zone
// that the name lies in holds for it too. It panics on a record that is none, which
// is a mistake of the caller.
func (d *DNS) SetName(name string, records ...string) {
	var rrs []dns.RR
	for _, r := range records {
		rr, err := dns.NewRR(absolute(name) + " 300 IN " + r)
		if err != nil || rr == nil {
			panic("probestest: no record: " + r)
		}
		rrs = append(rrs, rr)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names == nil {
		d.names = map[string][]dns.RR{}
	}
	if len(rrs) == 0 {
		delete(d.names, absolute(name))
		return
	}
	d.names[absolute(name)] = rrs
}

// fillName answers for a name with records of its own. An alias (CNAME) is all that a server
// says that does not know its target.
func fillName(m *dns.Msg, q dns.Question, rrs []dns.RR, z *zone) {
	for _, rr := range rrs {
		if rr.Header().Rrtype == q.Qtype {
			own := dns.Copy(rr)
			own.Header().Name = q.Name // in the letters of the question
			m.Answer = append(m.Answer, own)
		}
	}
	if alias := slices.IndexFunc(rrs, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeCNAME }); len(m.Answer) == 0 && alias >= 0 {
		own := dns.Copy(rrs[alias])
		own.Header().Name = q.Name
		m.Answer = append(m.Answer, own)
	} else if len(m.Answer) == 0 {
		m.Ns = []dns.RR{z.soa(z.Name)}
	}
}
