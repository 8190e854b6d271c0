//go:build !unix

package config

// daemonAccount is known on Unix only.
func daemonAccount(string) (a account, ok bool) { return a, false }

func statOwned(string) (f owned, ok bool) { return f, false }
