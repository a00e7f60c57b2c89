package sippy_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"topupd/billing"
	"topupd/db/dbtest"
	"topupd/testdata/need"
)

const clients = "../../testdata/clients/"

// everything is what a stack without limits can do; testdata/clients/README.md says
// what each is.
var everything = []string{
	"ok nil-read", "ok nil-write", "ok empty-null", "ok ints", "ok exponent", "ok digits", "ok fault", "ok password",
	"ok three", "ok parallel", "ok text", "ok rows", "ok multicall",
}

// except is everything with some lines replaced.
func except(lines ...string) []string {
	want := append([]string(nil), everything...)
	for _, line := range lines {
		_, name, _ := strings.Cut(strings.SplitN(line, ":", 2)[0], " ")
		i := slices.Index(want, "ok "+name)
		want[i] = line
	}
	return want
}

// stack is one way of being a panel.
type stack struct {
	name    string
	program string
	script  string
	check   []string // a command that fails when a library is missing
	install string
	want    []string
	// wrote are patterns of what the stack is known to send (1.2, 1.6 to 1.8): without
	// them its lines would not show what they are there for.
	wrote   []string
	trusted bool // it speaks no Digest
	// play is the panel of a stack that needs no program.
	play func(t *testing.T, url string) string
}

var stacks = []stack{
	{name: "Perl RPC-XML", program: "perl", script: "rpcxml.pl", check: []string{"-MRPC::XML::Client", "-e1"}, install: "apt-get install librpc-xml-perl",
		want:  except("cannot exponent: writes it out"),
		wrote: []string{`encoding="us-ascii"`, `<nil/>`, `<i8>4111111111111111</i8>`, `<int>02134</int>`, `>\+15551234567</i`, `<double>0\.00001<`, `<int>10</int>`}},
	{name: "Perl Frontier", program: "perl", script: "frontier.pl", check: []string{"-MFrontier::Client", "-e1"}, install: "apt-get install libfrontier-rpc-perl",
		want:  except("cannot nil-read: dies on nil", "cannot nil-write: has none", "cannot rows: dies on nil"),
		wrote: []string{`<i4>4111111111111111</i4>`, `<i4>02134</i4>`, `<i4>\+15551234567</i4>`, `<double>1e-05</double>`, `<i4>10</i4>`}},
	{name: "Perl XMLRPC-Lite", program: "perl", script: "xmlrpclite.pl", check: []string{"-MXMLRPC::Lite", "-e1"}, install: "apt-get install libxmlrpc-lite-perl",
		want:  except("cannot nil-write: an empty value"),
		wrote: []string{`<value />`, `<int>02134</int>`, `>4111111111111111<`, `<double>1e-05</double>`, `<int>10</int>`}},
	{name: "PHP xmlrpc", program: "php", script: "xmlrpc.php", check: []string{"-r", `exit(function_exists("xmlrpc_decode") && function_exists("curl_init") ? 0 : 1);`},
		install: "apt-get install php-cli php-xmlrpc php-curl", want: except("cannot nil-write: the empty string", "cannot exponent: six decimals"),
		wrote: []string{`encoding="iso-8859-1"`, `<string/>`, `<double>0\.000010</double>`, `&#233;`, `<int>10</int>`}},
	{name: "PHP by hand", program: "php", script: "regex.php", check: []string{"-r", `exit(function_exists("curl_init") ? 0 : 1);`},
		install: "apt-get install php-cli php-curl", want: everything,
		wrote: []string{`<nil/>`, `<double>1E-5</double>`, `<int>02134</int>`, `<int>10</int>`}},
	{name: "curl", program: "sh", script: "curl.sh", check: []string{"-c", "curl --version"}, install: "apt-get install curl", want: everything,
		wrote: []string{`<nil/>`, `<double>1e-05</double>`, `<int>02134</int>`}},
	{name: "Python", program: "python3", script: "panel.py", check: []string{"-c", "import xmlrpc.client"}, install: "apt-get install python3",
		want:  except("cannot three: closes after each call"),
		wrote: []string{`<nil/>`, `<double>1e-05</double>`, `<int>10</int>`, `<string>02134</string>`}},
	{name: "Ruby", program: "ruby", script: "xmlrpc.rb", check: []string{"-e", `require "xmlrpc/client"; require "net/http/digest_auth"`},
		install: "apt-get install ruby ruby-xmlrpc ruby-net-http-digest-auth", want: everything,
		wrote: []string{`<nil/>`, `<double>1.0e-05</double>`, `<i4>10</i4>`, `<string>02134</string>`}},
	{name: "Node xmlrpc", program: "node", script: "node-xmlrpc.js", check: []string{"-e", `require("./node_modules/xmlrpc")`}, install: "npm ci in testdata/clients",
		want: everything, wrote: []string{`<nil/>`, `<double>1e-7</double>`, `<double>1e-05</double>`, `<int>10</int>`}},
	{name: "Node foxglove", program: "node", script: "foxglove.js", check: []string{"-e", `require("./node_modules/@foxglove/xmlrpc")`}, install: "npm ci in testdata/clients",
		want: everything, wrote: []string{`<nil/>`, `<double>1e-7</double>`, `<double>1e-05</double>`, `<int>10</int>`}},
	{name: "Tcl", program: "tclsh", script: "xmlrpc.tcl", check: []string{"have-xmlrpc.tcl"}, install: "apt-get install tcl tcl-xmlrpc", trusted: true,
		want: except("cannot nil-read: no nil", "cannot nil-write: no nil", "cannot password: no Digest", "cannot three: closes after each call",
			"cannot parallel: one call at a time", "cannot rows: no nil"),
		wrote: []string{`<double>1e-05</double>`, `<int>02134</int>`, `<int>10</int>`}},
	{name: "Go kolo", play: koloPanel, want: except("cannot exponent: writes it out"),
		wrote: []string{`<value/>`, `<double>0\.00001</double>`, `<int>10</int>`, `<string>02134</string>`}},
}

// TestClientMatrix plays one panel with the stacks that panels are written with
// (sippy.md 3.2, 3.3). What a stack cannot do is asserted as such.
func TestClientMatrix(t *testing.T) {
	for i, c := range stacks {
		if dbtest.Fewer() && i%4 != 0 {
			continue // they differ in what they write and read, not in what is kept
		}
		t.Run(c.name, func(t *testing.T) {
			k := newKit(t)
			k.lists(t)
			seen := k.watch()
			var networks []netip.Prefix
			if c.trusted {
				networks = loopback
			}
			got := c.run(t, k.serve(t, networks...))
			if want := strings.Join(c.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			for _, pattern := range c.wrote {
				if !regexp.MustCompile(pattern).Match(seen.bodies()) {
					t.Errorf("it never wrote %s", pattern)
				}
			}
			connections := 3
			if slices.Contains(c.want, "ok three") {
				connections = 1
			}
			if from := seen.from("getAccountMinutePlans"); len(from) != 3 || distinct(from) != connections {
				t.Errorf("three calls came from %v, want %d connections", from, connections)
			}
		})
	}
}

// run plays the panel and returns what it printed.
func (c *stack) run(t *testing.T, url string) string {
	t.Helper()
	if c.play != nil {
		return c.play(t, url)
	}
	program := need.Program(t, c.program, c.install)
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = clients
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	if out, err := run(c.check...); err != nil {
		need.Missing(t, c.install+" ("+out+")")
	}
	out, err := run(c.script, url, "acme", "acme")
	if err != nil {
		t.Errorf("%v", err)
	}
	return out
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}

// lists adds the customers 40, 41 and 42 with 0, 1 and 1000 accounts, whose names
// have to be escaped and are not ASCII. Their logins are rows0, rows1 and rows1000.
func (k *kit) lists(t testing.TB) {
	t.Helper()
	must(t, k.engine.Import(as("root"), false, func(im *billing.Importer) error {
		for i, rows := range []int64{0, 1, 1000} {
			id := 40 + int64(i)
			login := fmt.Sprint("rows", rows)
			if err := im.Owner(customer(id, 1, login, "USD", 0, login)); err != nil {
				return err
			}
			for n := range rows {
				line := account(id*10_000+n, id)
				number := n + 10_000
				if n == rows-1 {
					number = rows // by which clients know the last
				}
				line.Username = billing.To(fmt.Sprintf("a & b <%d> \"\u00e9\" \u0446", number))
				if err := im.Owner(line); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// seen are the calls that got past the login.
type seen struct {
	mu    sync.Mutex
	calls []seenCall
}

type seenCall struct {
	method, from string
	body         []byte
}

// watch keeps what clients send.
func (k *kit) watch() *seen {
	s, inner := new(seen), k.handler
	k.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.calls = append(s.calls, seenCall{methodOf(string(body)), r.RemoteAddr, body})
		s.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		inner.ServeHTTP(w, r)
	})
	return s
}

func (s *seen) bodies() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all [][]byte
	for _, c := range s.calls {
		all = append(all, c.body)
	}
	return bytes.Join(all, []byte("\n"))
}

// from are the connections that calls of a method came by.
func (s *seen) from(method string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, c := range s.calls {
		if c.method == method {
			out = append(out, c.from)
		}
	}
	return out
}

func distinct(list []string) int {
	list = slices.Clone(list)
	slices.Sort(list)
	return len(slices.Compact(list))
}

// The command-line tool of libxmlrpc-c speaks no Digest and sends no struct: it asks
// for the methods in trusted mode, and its second tool prints them as C++.
func TestLibXMLRPCTools(t *testing.T) {
	url := newKit(t).serve(t, loopback...)
	tool := need.Program(t, "xmlrpc", "apt-get install libxmlrpc-core-c3-dev")
	out, err := exec.CommandContext(t.Context(), tool, url, "system.listMethods").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "getLowBalance") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = exec.CommandContext(t.Context(), tool, url, "system.methodHelp", "setLowBalance").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "i_account") {
		t.Errorf("%v\n%s", err, out)
	}
	// Its arguments are scalars: the refusal of one is all that it can get.
	out, err = exec.CommandContext(t.Context(), tool, url, "getLowBalance", "i/100").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "one struct expected") {
		t.Errorf("a scalar: %v\n%s", err, out)
	}
	out, err = exec.CommandContext(t.Context(), tool, url, "noSuchMethod").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "we do not have a method with that name") || !strings.Contains(string(out), "-32601") {
		t.Errorf("unknown method: %v\n%s", err, out)
	}
	api := need.Program(t, "xml-rpc-api2txt", "apt-get install xmlrpc-api-utils")
	out, err = exec.CommandContext(t.Context(), api, url).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "struct setLowBalance (struct)") {
		t.Errorf("%v\n%s", err, out)
	}
	closed := newKit(t).serve(t)
	out, err = exec.CommandContext(t.Context(), tool, closed, "system.listMethods").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "401") {
		t.Errorf("without trust: %v\n%s", err, out)
	}
}
