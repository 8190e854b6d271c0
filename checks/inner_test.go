package checks

import (
	"net/netip"
	"testing"
)

func TestInnerAddressesAreSeenByNoReceiver(t *testing.T) {
	for addr, want := range map[string]bool{
		"192.168.1.10": true, "10.0.0.1": true, "172.16.0.1": true, "100.64.0.1": true, "100.127.255.255": true, "127.0.0.1": true, "169.254.1.1": true,
		"0.0.0.0": true, "224.0.0.1": true, "255.255.255.255": true, "::1": true, "::": true, "fe80::1": true, "fd00::1": true, "ff02::1": true,
		"100.63.255.255": false, "100.128.0.0": false, "192.0.2.10": false, "2001:db8::25": false, "203.0.113.9": false,
	} {
		if got := Inner(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
}
