package remedy

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"

	"reputed/blocklists"
	"reputed/checks"
)

// kind is what sort of value a placeholder stands for.
type kind int

const (
	factValue    kind = iota // a fact of the finding, by its own name
	derivedValue             // worked out in values
	linkValue                // a whole link; allowed only as the whole of a url
)

// placeholders are the names that a runbook may use.
var placeholders = map[string]kind{
	checks.FactAddress: factValue, checks.FactDomain: factValue, // ours, checked to be what they say
	checks.FactList: factValue, checks.FactListName: factValue, checks.FactZone: factValue,
	checks.FactCodes: factValue, checks.FactMeaning: factValue, checks.FactReason: factValue,
	checks.FactVendor: factValue, checks.FactRemote: factValue, checks.FactReceiver: factValue,
	checks.FactReply: factValue, checks.FactStatus: factValue, checks.FactDiagnostic: factValue,
	checks.FactServers: factValue, checks.FactCount: factValue, checks.FactOfTargets: factValue,
	checks.FactSourceName: factValue, checks.FactValue: factValue, checks.FactBefore: factValue,
	checks.FactInstruction: factValue, checks.FactForm: factValue, checks.FactExpires: factValue,
	checks.FactRecord: factValue, checks.FactSelector: factValue,
	checks.FactLookupURL: linkValue, checks.FactRemovalURL: linkValue,

	"subject":      derivedValue, // the address, else the domain
	"part":         derivedValue, // of this monitor: name of a mailbox or channel
	"server":       derivedValue, // first of servers: its address ...
	"server_port":  derivedValue, // ... and its port
	"fix_first":    derivedValue, // blocklists.Removal: what must be true before asking
	"auto_expiry":  derivedValue, // how entries end by themselves
	"typical":      derivedValue, // time to clear after a request
	"asks":         derivedValue, // who may ask for removal
	"owner":        derivedValue, // list's name, if only the network owner may ask
	"waits":        derivedValue, // list's name, if nobody can ask and entries end by themselves
	"pay_never":    derivedValue, // list's name, if it sells removal
	"registration": derivedValue, // list's name, if it gives keys or registers resolvers
	"limits":       derivedValue, // published limit of free use

	"contact": derivedValue, // of letters: who writes...
	"phone":   derivedValue,
	"takes":   derivedValue, // ... and how long it takes
}

// maxFactRunes is how much of one fact stands in a sentence: with the number of
// its step, two lines of 80.
const maxFactRunes = 150

// maxInstructionRunes is how much of an instruction is shown: it says what there is to
// do, and its end matters as much as its beginning.
const maxInstructionRunes = 400

// maxRecordRunes is the longest DNS record that is shown. A longer one is left out, since half a record,
// once published, is worse than none.
const maxRecordRunes = 600

// values are the placeholders known for a finding: its facts, cleaned, and what
// the catalogue says of its list. What is not known, or is not what its name says,
// is missing.
func values(f checks.Finding, zone blocklists.Zone) map[string]string {
	v := map[string]string{}
	set := func(name, value string) {
		if value = checks.Line(value, maxFactRunes); value != "" {
			v[name] = value
		}
	}
	for name, kind := range placeholders {
		if kind == factValue {
			set(name, f.Facts[name])
		}
	}
	if s := checks.Line(f.Facts[checks.FactInstruction], maxInstructionRunes); s != "" {
		v[checks.FactInstruction] = s
	}
	delete(v, checks.FactRecord)
	if s := checks.Line(f.Facts[checks.FactRecord], 0); s != "" && len(s) <= maxRecordRunes {
		v[checks.FactRecord] = s
	}
	set(checks.FactList, listID(f))
	identity(v, f)
	set(checks.FactListName, cmp.Or(f.Facts[checks.FactListName], zone.Title, listID(f)))
	set(checks.FactZone, cmp.Or(f.Facts[checks.FactZone], zone.Zone))
	server(v, f.Facts[checks.FactServers])
	links(v, f, zone)
	removal(v, set, zone)
	return v
}

// identity sets what the finding is about: address, domain, receiver, part of
// the monitor. Facts that are no address or no domain are dropped, not shown: a
// link or command made of them would lead astray.
func identity(v map[string]string, f checks.Finding) {
	address, err := netip.ParseAddr(v[checks.FactAddress])
	if err != nil && f.Target.Kind == checks.KindAddress {
		address = f.Target.Addr
	}
	delete(v, checks.FactAddress)
	if address.IsValid() {
		v[checks.FactAddress] = checks.Address(address).String()
	}
	domain, receiver := v[checks.FactDomain], v[checks.FactReceiver]
	delete(v, checks.FactDomain)
	delete(v, checks.FactReceiver)
	if f.Target.Kind == checks.KindDomain {
		domain = cmp.Or(domain, f.Target.Name)
	}
	if f.Target.Kind == checks.KindReceiver {
		receiver = cmp.Or(receiver, f.Target.Name)
	}
	for name, value := range map[string]string{checks.FactDomain: domain, checks.FactReceiver: receiver} {
		if d, err := checks.Domain(value); err == nil {
			v[name] = d.Name
		}
	}
	if subject := cmp.Or(v[checks.FactAddress], v[checks.FactDomain]); subject != "" {
		v["subject"] = subject
	}
	if _, part, ok := strings.Cut(f.Target.Name, ":"); ok && f.Target.Kind == checks.KindMonitor {
		v["part"] = checks.Line(part, maxFactRunes)
	}
}

// server takes the first of the resolvers apart, so that a command can ask it.
func server(v map[string]string, servers string) {
	one, _, _ := strings.Cut(servers, ",")
	if hostPort, err := netip.ParseAddrPort(strings.TrimSpace(one)); err == nil {
		v["server"] = hostPort.Addr().WithZone("").String()
		v["server_port"] = strconv.Itoa(int(hostPort.Port()))
	}
}

// links sets the pages of the list. The catalogue's come before those in the
// facts; and those of a refused mail are not used at all: the text of a refusal
// is written by whoever refused, and can name any page.
func links(v map[string]string, f checks.Finding, zone blocklists.Zone) {
	for name, catalogue := range map[string]string{
		checks.FactLookupURL:  zone.LookupURLFor(v["subject"]),
		checks.FactRemovalURL: zone.RemovalURLFor(v["subject"]),
	} {
		url := checks.Link(catalogue)
		if url == "" && !f.Code.Refusal() {
			url = checks.Link(f.Facts[name])
		}
		if url != "" {
			v[name] = url
		}
	}
}

// removal sets what the catalogue knows of getting off the list. Where asking is of no use there is no
// removal_url: a form that cannot help costs somebody the night.
func removal(v map[string]string, set func(name, value string), zone blocklists.Zone) {
	name := v[checks.FactListName]
	set("fix_first", zone.Removal.FixFirst)
	set("auto_expiry", zone.Removal.AutoExpiry)
	set("typical", zone.Removal.Typical)
	set("limits", zone.Limits)
	switch zone.Removal.Method {
	case "network-owner":
		set("owner", name)
		set("asks", "only the network owner, usually your provider")
		delete(v, checks.FactRemovalURL)
	case "automatic", "none":
		set("waits", name)
		set("asks", "nobody: the entry ends by itself")
		delete(v, checks.FactRemovalURL)
	case "self-service", "contact":
		set("asks", "you")
	}
	set("asks", zone.Removal.WhoMayAsk)
	if zone.Removal.PayNever {
		set("pay_never", name)
	}
	switch zone.Registration {
	case "", "none":
	default:
		set("registration", name)
	}
}

// listID is the catalogue id of the list that a finding is about, or "".
func listID(f checks.Finding) string {
	switch {
	case f.Facts[checks.FactList] != "":
		return f.Facts[checks.FactList]
	case f.Target.Kind == checks.KindList:
		return f.Target.Name
	case f.Key.Check == "dnsbl":
		return f.Key.Source
	}
	return ""
}
