package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"reputed/internal/store"
	"reputed/probes/probestest"
)

const (
	// soakRounds names how many rounds .ci/soak load asks for.
	soakRounds = "REPUTED_SOAK_ROUNDS"

	soakLists     = 60
	soakNetwork   = "198.18.0.0/16"
	soakAddresses = 65_536
)

// held is what the daemon holds after a round, as it tells Prometheus, and what its database does.
type held struct {
	goroutines, files, resident, cpu float64
	database                         int64 // bytes of a backup: free pages and the -wal come and go
}

// TestSoak has the daemon, as a process, ask 60 lists about 65,536 addresses, round after round: four million questions
// each. With each round an address is listed anew and another is not any more. Goroutines, open files, memory and the database
// must not grow with the rounds, but for what changed on the lists.
func TestSoak(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv(soakRounds))
	if rounds == 0 {
		t.Skip("for long runs: bash .ci/soak load")
	}
	dir := t.TempDir()
	free, err := net.Listen("tcp", "127.0.0.1:0") // by now, and mostly still when the daemon comes
	if err != nil {
		t.Fatal(err)
	}
	page := free.Addr().String()
	free.Close()
	config := &strings.Builder{}
	fmt.Fprintf(config, "[log]\nformat = \"json\"\n[web]\nlisten = %q\n[database]\npath = \"reputed.db\"\n[schedule]\ndnsbl = \"@every 10s\"\njitter = \"0s\"\n", page)
	fmt.Fprintf(config, "[[outbound]]\naddresses = [%q]\n", soakNetwork)
	fmt.Fprintf(config, "[blocklists]\nbuiltin = false\n")
	var zones []probestest.Zone
	for i := range soakLists {
		zones = append(zones, probestest.Zone{Name: fmt.Sprintf("z%02d.bl.example.net", i)})
		fmt.Fprintf(config, "[[blocklists.list]]\nid = \"z%02d\"\nzone = \"z%02d.bl.example.net\"\n", i, i)
	}
	listed := func(n int) (list, address string) {
		return zones[n%soakLists].Name, netip.AddrFrom4([4]byte{198, 18, byte(n >> 8), byte(n)}).String()
	}
	dns, err := probestest.NewDNS(zones...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dns.Close() })
	fmt.Fprintf(config, "[dns]\nservers = [%q]\n", dns.Addr())
	for n := range soakAddresses { // with names as they should be, so that lists alone are told of
		_, address := listed(n)
		host := fmt.Sprintf("mx%d.example.org", n)
		dns.SetName(host, "A "+address)
		dns.SetName(fmt.Sprintf("%d.%d.18.198.in-addr.arpa", n&0xff, n>>8), "PTR "+host+".")
	}
	path := filepath.Join(dir, "reputed.toml")
	if err := os.WriteFile(path, []byte(config.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	put := func(n int) {
		list, address := listed(n)
		dns.SetListed(list, address, "listed for the soak", netip.MustParseAddr("127.0.0.2"))
	}
	const standing = 60 // are listed at a time
	for n := range standing {
		put(n)
	}

	daemon := exec.Command("reputed", "run", "--config", path) // this binary, see TestMain
	log, err := daemon.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Process.Kill() })
	var all []held
	fmt.Printf("| round | seconds | CPU seconds | questions | resident, MB | goroutines | files | database, kB |\n|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for lines := bufio.NewScanner(log); len(all) < rounds && lines.Scan(); {
		var said struct {
			Msg, Trouble string
			Questions    int
			Took         time.Duration
		}
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		if said.Msg == "round finished" {
			if said.Trouble != "" || said.Questions < soakAddresses*soakLists {
				t.Errorf("round %d: %d questions, trouble %q", len(all)+1, said.Questions, said.Trouble)
			}
			now := holding(t, page, filepath.Join(dir, "reputed.db"))
			last := held{}
			if len(all) > 0 {
				last = all[len(all)-1]
			}
			all = append(all, now)
			fmt.Printf("| %d | %.0f | %.0f | %d | %.1f | %.0f | %.0f | %d |\n", len(all), said.Took.Seconds(), now.cpu-last.cpu, said.Questions,
				now.resident/1e6, now.goroutines, now.files, now.database/1000)
			list, address := listed(len(all) - 1)
			dns.Delist(list, address)
			put(len(all) - 1 + standing)
		}
	}
	if len(all) < rounds {
		t.Fatalf("the daemon ended by itself: %v", daemon.Wait())
	}
	go func() { _, _ = io.Copy(io.Discard, log) }() // ends with the process
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := daemon.Wait(); err != nil {
		t.Errorf("told to stop: %v", err)
	}
	soaked(t, all)
}

// soaked says what has grown. Pools fill in the first rounds.
func soaked(t *testing.T, all []held) {
	t.Helper()
	const filling = 3
	if len(all) < 2*filling {
		t.Logf("%d rounds are too few to say what grows", len(all))
		return
	}
	first, last := all[filling-1], all[len(all)-1]
	const slack = 4 // connections come and go
	if last.goroutines > first.goroutines+slack || last.files > first.files+slack {
		t.Errorf("%v goroutines and %v files, of %v and %v", last.goroutines, last.files, first.goroutines, first.files)
	}
	half := (len(all) - filling) / 2
	early, late := highest(all[filling:filling+half]), highest(all[len(all)-half:])
	if late > early+early/10 {
		t.Errorf("%.1f MB resident at most in the later half, %.1f in the earlier: memory grows", late/1e6, early/1e6)
	}
	if each := (last.database - first.database) / int64(len(all)-filling); each > 16<<10 {
		t.Errorf("the database grows by %d bytes a round", each)
	}
}

func highest(all []held) (resident float64) {
	for _, h := range all {
		resident = max(resident, h.resident)
	}
	return resident
}

// holding asks the daemon itself.
func holding(t *testing.T, page, database string) (h held) {
	t.Helper()
	answer, err := http.Get("http://" + page + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		n, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "go_goroutines":
			h.goroutines = n
		case "process_open_fds":
			h.files = n
		case "process_resident_memory_bytes":
			h.resident = n
		case "process_cpu_seconds_total":
			h.cpu = n
		}
	}
	if h.resident == 0 {
		t.Fatal("the daemon does not tell what it holds")
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if _, err := store.Backup(t.Context(), database, copied); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(copied)
	if err != nil {
		t.Fatal(err)
	}
	h.database = info.Size()
	return h
}
