//go:build unix

package serverstest

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Postfix is a Postfix with a queue, a log and a configuration of its own.
type Postfix struct {
	Dir string // its folder: conf, queue, data
	Log string // path of its log

	t testing.TB
}

// StartPostfix starts a Postfix, and stops it when the test ends. Main are more settings of
// main.cf, master are services of master.cf besides those that every Postfix has, and files are
// more files of its folder conf. In all of them {dir} stands for its own folder.
func StartPostfix(t testing.TB, main, master string, files map[string]string) *Postfix {
	t.Helper()
	version, err := exec.Command("/usr/sbin/postconf", "-dh", "mail_version").Output()
	switch {
	case err != nil:
		Skip(t, "no Postfix here: apt-get install postfix")
	case strings.HasPrefix(string(version), "2.") || strings.HasPrefix(string(version), "3.") && version[3] == '.' && version[2] < '5':
		Skip(t, "lists of next hops need Postfix 3.5, here is "+strings.TrimSpace(string(version)))
	case os.Getuid() != 0:
		Skip(t, "Postfix can only be started by root")
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		Skip(t, "Postfix is there without its user: "+err.Error())
	}
	p := &Postfix{Dir: folder(t, "postfix"), t: t}
	p.Log = filepath.Join(p.Dir, "mail.log")
	uid, _ := strconv.Atoi(owner.Uid)
	for _, sub := range []string{"conf", "queue", "data"} {
		must(t, os.Mkdir(filepath.Join(p.Dir, sub), 0o755))
	}
	must(t, os.Chown(filepath.Join(p.Dir, "data"), uid, -1))
	for name, text := range files {
		p.Write(name, text)
	}
	p.Write("main.cf", postfixMain+main)
	p.Write("master.cf", postfixMaster+master)
	if out, err := p.Command("/usr/sbin/postfix", "start").CombinedOutput(); err != nil {
		log, _ := os.ReadFile(p.Log)
		Skip(t, fmt.Sprintf("Postfix does not start here: %v: %s%s", err, out, log))
	}
	t.Cleanup(func() { _ = p.Command("/usr/sbin/postfix", "abort").Run() })
	return p
}

// Write writes a file into its folder conf.
func (p *Postfix) Write(name, text string) {
	p.t.Helper()
	must(p.t, os.WriteFile(filepath.Join(p.Dir, "conf", name), []byte(strings.ReplaceAll(text, "{dir}", p.Dir)), 0o644))
}

// Command returns one of Postfix's commands, to be run for this Postfix.
func (p *Postfix) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "MAIL_CONFIG="+p.Dir+"/conf")
	return cmd
}

// RotateLog rotates the log by "postfix logrotate", as an administrator's cron job does.
func (p *Postfix) RotateLog() {
	p.t.Helper()
	if out, err := p.Command("/usr/sbin/postfix", "logrotate").CombinedOutput(); err != nil {
		p.t.Fatalf("postfix logrotate: %v: %s", err, out)
	}
}

// Queued returns the files of the mails in its queues.
func (p *Postfix) Queued() (files []string) {
	p.t.Helper()
	for _, queue := range []string{"maildrop", "incoming", "active", "deferred", "hold", "corrupt"} {
		must(p.t, filepath.WalkDir(filepath.Join(p.Dir, "queue", queue), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				files = append(files, queue+"/"+entry.Name())
			}
			return err
		}))
	}
	return files
}

const postfixMain = `compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
maillog_file = {dir}/mail.log
maillog_file_prefixes = {dir}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx1.example.org
inet_protocols = ipv4
alias_maps =
notify_classes =
`

const postfixMaster = `pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`
