package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"reputed/checks"
)

// hostPort reads "192.0.2.53", "192.0.2.53:53", "2001:db8::53", "[2001:db8::53]:53",
// "resolver" or "resolver.example.org:53", and returns host:port.
func hostPort(s, defaultPort string) (string, error) {
	wrong := fmt.Errorf("%s is not host:port, as in \"192.0.2.53:%s\" or \"[2001:db8::53]:%s\"", shown(s), defaultPort, defaultPort)
	host, port := s, defaultPort
	if addr, err := netip.ParseAddr(s); err == nil { // also an IPv6 address without brackets
		return net.JoinHostPort(addr.String(), defaultPort), nil
	}
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(s, "]") {
		host = inner[:len(inner)-1]
		if addr, err := netip.ParseAddr(host); err != nil || !addr.Is6() {
			return "", wrong
		}
	} else if strings.Contains(s, ":") {
		var err error
		host, port, err = net.SplitHostPort(s)
		if err != nil || port == "" || strings.Trim(port, "0123456789") != "" || s[0] == '[' && !strings.Contains(host, ":") {
			return "", wrong
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%s: the port is a number from 1 to 65535", shown(s))
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return net.JoinHostPort(addr.String(), port), nil
	}
	// A name of one label is fine here: containers have such names.
	if strings.Contains(host, ":") || !plainLabel(host) {
		d, err := checks.Domain(host)
		if err != nil {
			return "", wrong
		}
		host = d.Name
	}
	return net.JoinHostPort(strings.ToLower(host), port), nil
}

// SplitHost takes apart a host:port of this configuration.
func SplitHost(hostPort string) (host string, port uint16) {
	host, text, err := net.SplitHostPort(hostPort)
	n, bad := strconv.ParseUint(text, 10, 16)
	if err != nil || bad != nil {
		return hostPort, 25
	}
	return host, uint16(n)
}

// plainLabel says whether s is a host name without dots (RFC 1123 section 2.1).
func plainLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	digits := true
	for _, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && c != '-' && (c < '0' || c > '9') {
			return false
		}
		digits = digits && !letter
	}
	return !digits // "5300" is a port whose host was forgotten
}

// PublicResolver says whether a server, host:port, is one of the large open resolvers. Lists
// count questions by resolver, so that these are over every limit, as the lists' terms of use
// say.
func PublicResolver(server string) bool {
	ap, err := netip.ParseAddrPort(server)
	if err != nil {
		return false
	}
	switch ap.Addr().Unmap().String() {
	case "8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844", // Google Public DNS
		"1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "2606:4700:4700::1001", // Cloudflare
		"9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9", // Quad9
		"208.67.222.222", "208.67.220.220", "2620:119:35::35", "2620:119:53::53": // OpenDNS
		return true
	}
	return false
}
