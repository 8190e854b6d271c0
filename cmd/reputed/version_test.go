package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestBuildIsReadFromItsStamps(t *testing.T) {
	info := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	vcs := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.time", Value: "2026-01-31T10:00:00Z"}, {Key: "vcs.modified", Value: "true"}}
	tail := runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
	for name, c := range map[string]struct {
		got  build
		want string
	}{
		"nothing is known":                 {readBuild(nil, "", "", ""), "reputed devel (" + tail},
		"a working copy":                   {readBuild(info("(devel)", vcs...), "", "", ""), "reputed devel (commit 0123456789ab with changes, 2026-01-31T10:00:00Z, " + tail},
		"a version of a module":            {readBuild(info("v1.2.0"), "", "", ""), "reputed v1.2.0 (" + tail},
		"the linker has the first word":    {readBuild(info("(devel)", vcs...), "1.2.0", "", ""), "reputed 1.2.0 (commit 0123456789ab with changes, 2026-01-31T10:00:00Z, " + tail},
		"a package built without its repo": {readBuild(info("(devel)", vcs...), "1.2.0", "fedcba", "2026-02-01T00:00:00Z"), "reputed 1.2.0 (commit fedcba, 2026-02-01T00:00:00Z, " + tail},
	} {
		if c.got.String() != c.want {
			t.Errorf("%s: got %q, want %q", name, c.got, c.want)
		}
	}
}
