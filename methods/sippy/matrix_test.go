package sippy_test

import (
	"context"
	"net/http"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"topupd/methods/sippy"
	"topupd/methods/xmlrpc"
	"topupd/testdata/need"
)

const clients = "../../testdata/clients/"

// everything is what a stack without limits can do.
var everything = []string{
	"ok nil-read", "ok nil-write", "ok ints", "ok digits", "ok fault", "ok password", "ok parallel", "ok text", "ok rows",
}

// except is everything with some lines replaced.
func except(lines ...string) []string {
	want := append([]string(nil), everything...)
	for _, line := range lines {
		_, name, _ := strings.Cut(strings.SplitN(line, ":", 2)[0], " ")
		for i := range want {
			if want[i] == "ok "+name {
				want[i] = line
			}
		}
	}
	return want
}

// TestClientMatrix plays one panel with the stacks that panels are written with
// (sippy.md 3.2, 3.3). What a stack cannot do is asserted as such.
func TestClientMatrix(t *testing.T) {
	for _, c := range []struct {
		name    string
		program string
		script  string
		check   []string // a command that fails when a library is missing
		install string
		want    []string
		trusted bool // it speaks no Digest
	}{
		{"Perl RPC-XML", "perl", "rpcxml.pl", []string{"-MRPC::XML::Client", "-e1"}, "apt-get install librpc-xml-perl", everything, false},
		{"Perl Frontier", "perl", "frontier.pl", []string{"-MFrontier::Client", "-e1"}, "apt-get install libfrontier-rpc-perl",
			except("cannot nil-read: dies on nil"), false},
		{"Perl XMLRPC-Lite", "perl", "xmlrpclite.pl", []string{"-MXMLRPC::Lite", "-e1"}, "apt-get install libxmlrpc-lite-perl", everything, false},
		{"PHP xmlrpc", "php", "xmlrpc.php", []string{"-r", `exit(function_exists("xmlrpc_decode") && function_exists("curl_init") ? 0 : 1);`},
			"apt-get install php-cli php-xmlrpc php-curl", everything, false},
		{"PHP by hand", "php", "regex.php", []string{"-r", `exit(function_exists("curl_init") ? 0 : 1);`}, "apt-get install php-cli php-curl", everything, false},
		{"Ruby", "ruby", "xmlrpc.rb", []string{"-e", `require "xmlrpc/client"; require "net/http/digest_auth"`},
			"apt-get install ruby ruby-xmlrpc ruby-net-http-digest-auth", everything, false},
		{"Node xmlrpc", "node", "node-xmlrpc.js", []string{"-e", `require("./node_modules/xmlrpc")`}, "npm ci in testdata/clients", everything, false},
		{"Node foxglove", "node", "foxglove.js", []string{"-e", `require("./node_modules/@foxglove/xmlrpc")`}, "npm ci in testdata/clients", everything, false},
		{"Tcl", "tclsh", "xmlrpc.tcl", []string{"have-xmlrpc.tcl"}, "apt-get install tcl tcl-xmlrpc",
			except("cannot nil-read: no nil", "cannot password: no Digest", "cannot parallel: one call at a time", "cannot rows: 100, not 1000"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			program := need.Program(t, c.program, c.install)
			run := func(args ...string) (string, error) {
				cmd := exec.CommandContext(t.Context(), program, args...)
				cmd.Dir = clients
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			if out, err := run(c.check...); err != nil {
				need.Missing(t, c.install+" ("+strings.TrimSpace(out)+")")
			}
			k := newKit(t)
			k.handler = withEcho(t, k)
			var networks []netip.Prefix
			if c.trusted {
				networks = loopback
			}
			out, err := run(c.script, k.serve(t, networks...), "acme", "acme")
			if got := strings.TrimSpace(out); err != nil || got != strings.Join(c.want, "\n") {
				t.Errorf("%v\n%s\nwant\n%s", err, got, strings.Join(c.want, "\n"))
			}
		})
	}
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}

// withEcho is the interface and two methods that give back what they are sent.
func withEcho(t *testing.T, k *kit) http.Handler {
	t.Helper()
	ok := xmlrpc.Member{Name: "result", Value: xmlrpc.String("OK")}
	methods := append(sippy.Methods(k.engine, sippy.Options{}), xmlrpc.Method{
		Name: "test.echo",
		Call: func(_ context.Context, params []xmlrpc.Value) (xmlrpc.Value, error) {
			v, _ := params[0].Get("value")
			return xmlrpc.Struct(ok, xmlrpc.Member{Name: "value", Value: v}), nil
		},
	}, xmlrpc.Method{
		Name: "test.rows",
		Call: func(_ context.Context, params []xmlrpc.Value) (xmlrpc.Value, error) {
			v, _ := params[0].Get("count")
			n, err := strconv.Atoi(v.Text())
			rows := make([]xmlrpc.Value, n)
			for i := range rows {
				rows[i] = xmlrpc.Struct(
					xmlrpc.Member{Name: "i_account", Value: xmlrpc.Int(int64(i))},
					xmlrpc.Member{Name: "username", Value: xmlrpc.String("a & b")},
				)
			}
			return xmlrpc.Struct(ok, xmlrpc.Member{Name: "rows", Value: xmlrpc.Array(rows...)}), err
		},
	})
	h, err := xmlrpc.NewHandler(methods, xmlrpc.Options{Fault: func(_ context.Context, _ string, err error) xmlrpc.Fault { return sippy.Fault(err) }})
	must(t, err)
	return h
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
