package probes

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestDeliverIntoAMaildir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "incoming")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o770|fs.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	for range 2 { // again does no harm
		if err := MakeMaildir(dir); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(dir + "/new"); err != nil || info.Mode() != fs.ModeDir|fs.ModeSetgid|0o770 {
		t.Errorf("new has mode %v, want that of the folder; %v", info.Mode(), err)
	}
	now := time.Now()
	rest := strings.NewReader(strings.Repeat("x", 5000))
	for _, r := range []io.Reader{strings.NewReader("Subject: x\n\n"), rest} {
		if err := Deliver(dir, r, 1000, now); err != nil {
			t.Fatal(err)
		}
	}
	if rest.Len() > 0 {
		t.Errorf("%d bytes were not read: the mail server would see its pipe break", rest.Len())
	}
	var got []Message
	s := (&keeper{}).spool(t, SpoolOptions{Path: dir, Remove: true, MaxMessageBytes: 1000})
	files, _ := s.newFiles(t)
	for _, f := range files {
		m, err := s.readFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(filepath.Join(dir, f.sub, f.name)); err != nil || info.Mode() != 0o640 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		got = append(got, m)
	}
	if len(got) != 2 || got[0].Size+got[1].Size != 5012 || got[0].Cut == got[1].Cut || len(got[0].Bytes)+len(got[1].Bytes) != 1012 {
		t.Errorf("%+v", got)
	}
}

func (s *Spool) newFiles(t *testing.T) ([]maildirFile, bool) {
	files, full, err := s.list()
	if err != nil {
		t.Fatal(err)
	}
	return files, full
}

// An administrator tries it out as root; the daemon, which is somebody else, has to read it.
func TestWhatRootDeliversBelongsToTheOwnerOfTheFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	dir := filepath.Join(t.TempDir(), "incoming")
	if err := MakeMaildir(dir); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"new", "tmp", "cur"} {
		if err := os.Chown(filepath.Join(dir, sub), 4711, 4712); err != nil {
			t.Skip("not allowed to give folders away: ", err)
		}
	}
	if err := Deliver(dir, strings.NewReader("Subject: x\n\n"), 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	mails, err := filepath.Glob(dir + "/new/*")
	if err != nil || len(mails) != 1 {
		t.Fatal(mails, err)
	}
	info, err := os.Stat(mails[0])
	if err != nil {
		t.Fatal(err)
	}
	if uid, gid, ok := fileOwner(info); ok && (uid != 4711 || gid != 4712) || info.Mode() != 0o640 {
		t.Errorf("the mail belongs to %d and group %d with mode %v", uid, gid, info.Mode())
	}
}

// What was not delivered leaves nothing behind.
func TestDeliverFails(t *testing.T) {
	dir := t.TempDir()
	if err := Deliver(dir, strings.NewReader("x"), 0, time.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no Maildir: %v", err)
	}
	if err := MakeMaildir(dir); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("pipe broke")
	if err := Deliver(dir, io.MultiReader(strings.NewReader("Subject: half"), iotest.ErrReader(broken)), 0, time.Now()); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(dir + "/new"); err != nil {
		t.Fatal(err)
	}
	if err := Deliver(dir, strings.NewReader("x"), 0, time.Now()); err == nil {
		t.Error("delivered to a folder that is not there")
	}
	if left, _ := filepath.Glob(dir + "/*/*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestStaleHalvesAreCleaned(t *testing.T) {
	dir := maildir(t, t.TempDir())
	write(t, dir+"/tmp/old", "x")
	write(t, dir+"/tmp/young", "x")
	old := time.Now().Add(-staleTmp - time.Hour)
	if err := os.Chtimes(dir+"/tmp/old", old, old); err != nil {
		t.Fatal(err)
	}
	k := &keeper{}
	for _, remove := range []bool{false, true} {
		if err := k.spool(t, SpoolOptions{Path: dir, Remove: remove}).look(t.Context(), k.handle); err != nil {
			t.Fatal(err)
		}
		_, err := os.Stat(dir + "/tmp/old")
		if gone := errors.Is(err, fs.ErrNotExist); gone != remove {
			t.Errorf("remove %v: gone %v", remove, gone)
		}
	}
	if _, err := os.Stat(dir + "/tmp/young"); err != nil {
		t.Error(err)
	}
}
