package slowdisk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// own names, in the process that has the disk, the folder of its parts.
	own = "REPUTED_TEST_SLOW_DISK"
	// longest is how long that process may take. Then it is killed, and the disk made fast, so that it can die.
	longest = 2 * time.Minute

	throttle = "/sys/fs/cgroup/blkio/blkio.throttle."
	requests = throttle + "write_iops_device"
	bytesPer = throttle + "write_bps_device"
)

// Disk is a disk of one process of a test.
type Disk struct {
	Dir    string // an empty folder on it
	t      *testing.T
	image  string
	device string // "7:0", as the kernel names it
}

// New runs the test that calls it once more in a process of its own, and gives the disk there. In the process that
// was started by hand it gives nil: the test returns. Mounts are of that process, and end with it.
func New(t *testing.T) *Disk {
	t.Helper()
	if dir := os.Getenv(own); dir != "" {
		return mount(t, dir)
	}
	if why := missing(); why != "" {
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	dir := t.TempDir()
	again := exec.CommandContext(ctx, self, "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), own+"="+dir)
	again.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	again.Cancel = func() error {
		return errors.Join(again.Process.Kill(), unlimited(dir)) // what waits for a disk does not die
	}
	out, err := again.CombinedOutput()
	if err := unlimited(dir); err != nil {
		t.Error(err)
	}
	switch {
	case err != nil:
		t.Fatalf("%v:\n%s", err, out)
	case !bytes.Contains(out, []byte("--- PASS: "+t.Name())):
		t.Fatalf("it did not run:\n%s", out)
	}
	return nil
}

// missing says what this system lacks.
func missing() string {
	if os.Geteuid() != 0 {
		return "only root makes a disk"
	}
	for _, path := range []string{requests, bytesPer, "/dev/loop-control"} {
		if _, err := os.Stat(path); err != nil {
			return "the system does not make a disk slow: " + err.Error()
		}
	}
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		return err.Error() + ": apt-get install e2fsprogs"
	}
	return ""
}

// mount makes the disk; it is fast.
func mount(t *testing.T, dir string) *Disk {
	t.Helper()
	image, at := filepath.Join(dir, "image"), filepath.Join(dir, "disk")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, 64<<20), os.Mkdir(at, 0o700)); err != nil {
		t.Fatal(err)
	}
	must(t, "mkfs.ext4", "-q", "-F", "-e", "remount-ro", "-E", "root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0", image)
	must(t, "mount", "-o", "loop", image, at)
	t.Cleanup(func() { must(t, "umount", at) })
	var stat syscall.Stat_t
	if err := syscall.Stat(at, &stat); err != nil {
		t.Fatal(err)
	}
	d := &Disk{Dir: at, t: t, image: image, device: fmt.Sprintf("%d:%d", stat.Dev>>8&0xfff, stat.Dev&0xff|stat.Dev>>12&0xfff00)}
	if err := os.WriteFile(filepath.Join(dir, "device"), []byte(d.device), 0o600); err != nil {
		t.Fatal(err)
	}
	d.Fast() // a test that was killed may have left a limit to whoever has the device next
	t.Cleanup(d.Fast)
	return d
}

// Slow lets so many writes a second reach the disk. A commit of a database takes a handful.
func (d *Disk) Slow(writes int) {
	d.t.Helper()
	d.limit(requests, writes)
}

// Hang lets 4 KiB a second reach the disk: a commit takes many seconds, and a large one minutes.
func (d *Disk) Hang() {
	d.t.Helper()
	d.limit(bytesPer, 4096)
}

// Fast takes every limit away, and what waited goes on.
func (d *Disk) Fast() {
	d.t.Helper()
	d.limit(requests, 0)
	d.limit(bytesPer, 0)
}

// Break has the file system find an error in itself: it is read-only from then on, under whoever has files open.
func (d *Disk) Break() {
	d.t.Helper()
	name, err := os.Readlink("/sys/dev/block/" + d.device)
	if err == nil {
		err = os.WriteFile(filepath.Join("/sys/fs/ext4", filepath.Base(name), "trigger_fs_error"), []byte("broken for a test"), 0)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// Mend checks the file system and mounts it anew. No file on it may be open.
func (d *Disk) Mend() {
	d.t.Helper()
	must(d.t, "umount", d.Dir)
	check := exec.Command("fsck.ext4", "-y", d.image)
	if out, err := check.CombinedOutput(); check.ProcessState.ExitCode() > 1 { // 1: it has mended something
		d.t.Fatalf("fsck.ext4: %v: %s", err, out)
	}
	must(d.t, "mount", "-o", "loop", d.image, d.Dir)
}

func must(t *testing.T, command string, args ...string) {
	t.Helper()
	if out, err := exec.Command(command, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", command, strings.Join(args, " "), err, out)
	}
}

func (d *Disk) limit(file string, n int) {
	d.t.Helper()
	if err := limit(file, d.device, n); err != nil {
		d.t.Fatal(err)
	}
}

// limit of 0 is none.
func limit(file, device string, n int) error {
	return os.WriteFile(file, fmt.Appendf(nil, "%s %d", device, n), 0)
}

// unlimited makes the disk fast whose parts are in dir, if there is one.
func unlimited(dir string) error {
	device, err := os.ReadFile(filepath.Join(dir, "device"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, limit(requests, string(device), 0), limit(bytesPer, string(device), 0))
}
