package probes

import (
	"net/netip"
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

// Who waits for a packet, which may be lost, holds up nobody who looks what is there.
func TestLookingIsNotHeldUpByWaiting(t *testing.T) {
	if !polls {
		t.Skip("there is nothing but waiting here")
	}
	server := netip.MustParseAddrPort(rawDNS(t, "127.0.0.1:0", func(q []byte) [][]byte { return [][]byte{q} }))
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s, in := &socket{}, newInbox()
	w, err := openUDP(server, s, in)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.Await()
	for range 1000 { // by then the reader waits
		if got, err := w.Receive(); len(got) > 0 || err != nil {
			t.Fatalf("%q, %v: nothing was sent", got, err)
		}
		runtime.Gosched()
	}
	if _, err := w.Send([][]byte{[]byte("awaited")}); err != nil {
		t.Fatal(err)
	}
	<-in.wake
	if b := in.take(batch{}); string(b.bytes) != "awaited" || len(b.letters) != 1 || b.letters[0].socket != s {
		t.Errorf("%q in the inbox", b.bytes)
	}
	// Nothing is awaited any more, so that the inbox gets nothing.
	if _, err := w.Send([][]byte{[]byte("one"), []byte("two")}); err != nil {
		t.Fatal(err)
	}
	var all string
	for all != "onetwo" {
		got, err := w.Receive()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range got {
			all += string(p)
		}
		runtime.Gosched()
	}
	if b := in.take(batch{}); len(b.letters) > 0 {
		t.Errorf("%q in the inbox, and nobody waits", b.bytes)
	}
}
