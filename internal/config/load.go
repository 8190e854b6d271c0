package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"syscall"

	"reputed/blocklists"
	"reputed/checks"
)

// MaxFileBytes is how large a configuration file may be: a hundred thousand addresses, each on
// its own line, fit.
const MaxFileBytes = 8 << 20

// SecretMode says whether secrets are looked up.
type SecretMode string

const (
	// Resolve looks every secret up; a missing one is a mistake. This is the default.
	Resolve SecretMode = "resolve"
	// Skip does not look them up. It is for commands that need none, such as lists and status:
	// people who may not read the secrets can use them.
	Skip SecretMode = "skip"
	// ListKeys looks up the keys of lists only. It is for commands that ask lists and do nothing
	// else, such as check.
	ListKeys SecretMode = "list keys"
)

// LoadOptions say how a file is read; the zero value is for the daemon.
type LoadOptions struct {
	Env     func(name string) (value string, ok bool) // nil: os.LookupEnv
	Secrets SecretMode                                // empty: Resolve

	// Partial returns what could be read of a file with mistakes, together with the error. It is
	// for commands that only look at what a daemon has stored. What is wrong has its default, or
	// is missing.
	Partial bool

	builtin func() (blocklists.Catalog, error) // nil: blocklists.BuiltinCatalog, which reads it anew each time
}

// Default is the configuration without a file: the built-in lists and no targets.
// An error means that the program was built with a broken catalogue.
func Default() (*Config, error) { return Parse(nil, "", LoadOptions{}) }

// Load reads the file at path; an empty path is [Default]. The error is an
// [*Error] if the file is wrong, else it wraps that of the file system.
func Load(path string, opt LoadOptions) (*Config, error) {
	if path == "" {
		return Parse(nil, "", opt)
	}
	data, _, err := readFile(path, MaxFileBytes)
	if err != nil {
		return nil, fmt.Errorf("read configuration %s: %w", checks.Line(path, 0), err)
	}
	return Parse(data, path, opt)
}

// Parse reads the bytes of a configuration file. Name is its path, used in errors
// and to find files that it names by a relative path; it may be empty. The error
// is an [*Error] that lists every mistake.
func Parse(data []byte, name string, opt LoadOptions) (*Config, error) {
	if opt.Env == nil {
		opt.Env = os.LookupEnv
	}
	if opt.builtin == nil {
		opt.builtin = blocklists.BuiltinCatalog
	}
	cfg := defaults()
	cfg.Path = name
	p := decode(data, name, cfg)
	v := &validator{problems: p, cfg: cfg, opt: opt, noKey: map[string]error{}}
	v.validate()
	if err := p.err(); err != nil {
		if opt.Partial {
			return cfg, err
		}
		return nil, err
	}
	sortByLine(p.warnings)
	for _, w := range p.warnings {
		cfg.Warnings = append(cfg.Warnings, w.String())
	}
	return cfg, nil
}

// readFile reads a regular file of at most limit bytes. A pipe or a device would
// block or never end. The error is without the path.
func readFile(path string, limit int64) ([]byte, fs.FileInfo, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, nil, pathFault(err)
	} else if !info.Mode().IsRegular() {
		return nil, nil, errors.New("not a regular file")
	}
	// Somebody may have put a pipe there meanwhile, which must not hold us up; and the mode has to be of what is read.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, pathFault(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, pathFault(err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errors.New("not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, nil, pathFault(err)
	}
	if int64(len(data)) > limit {
		return nil, nil, fmt.Errorf("larger than %d bytes", limit)
	}
	return data, info, nil
}

// pathFault is what the operating system said, without its call and the path, and what to do about it.
func pathFault(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w for user %s: run as one who may read it, or let a group of this one (chgrp, chmod 640)", err, self())
	}
	return err
}

// self is who this process runs as.
func self() string {
	if u, err := user.Current(); err == nil {
		return checks.Line(u.Username, 64)
	}
	return fmt.Sprint(os.Geteuid())
}
