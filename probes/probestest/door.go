package probestest

import "testing"

// StartDoor starts a receiver that is knocked at: the test fails if anybody hands it a message. It is closed when the test ends.
func StartDoor(t testing.TB, opts SMTPOptions) *SMTP {
	t.Helper()
	s, err := StartSMTP(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		if m := s.Messages(); len(m) > 0 {
			t.Errorf("a receiver was handed a message: %q", m)
		}
	})
	return s
}
