package cli

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/icholy/digest"
	"github.com/kolo/xmlrpc"
	"golang.org/x/term"

	"topupd/billing"
)

// callCmd calls a method of any XML-RPC server.
type callCmd struct {
	Method string   `arg:"" help:"The method, such as getLowBalance."`
	Params []string `arg:"" optional:"" help:"name=text, or name:=VALUE with a number, true, false, nil, or JSON."`
	// The password is never here: it would be in the list of processes.
	URL     string        `name:"url" env:"TOPUPD_URL" default:"http://127.0.0.1:8080/xmlapi/xmlapi" help:"Address of the interface."`
	User    string        `env:"TOPUPD_USER" help:"Login; its password is TOPUPD_PASSWORD, or the first line of standard input."`
	Timeout time.Duration `default:"60s" help:"How long to wait for the answer."`
	Format  string        `enum:"text,json" default:"text" help:"text or json."`
}

// passwordVariable holds the password of call.
const passwordVariable = "TOPUPD_PASSWORD"

// Run sends the call and prints the reply; a fault is exit code 1.
func (c *callCmd) Run(a *app) error {
	params, err := callParams(c.Params)
	if err != nil {
		return err
	}
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return wrongSecret("--url", "", "http://HOST:PORT/PATH or https://HOST:PORT/PATH")
	}
	transport := http.RoundTripper(http.DefaultTransport)
	if c.User != "" {
		password, err := a.callPassword()
		if err != nil {
			return err
		}
		transport = &digest.Transport{Username: c.User, Password: password.Reveal(), Transport: transport}
	}
	wire := &nilTransport{inner: transport, timeout: c.Timeout, ctx: a.ctx}
	reply, err := c.send(wire, params)
	if err != nil {
		return err
	}
	if reply.fault {
		code, text := reply.value.faultParts()
		fmt.Fprintf(a.err, "fault %s: %s\n", printable(code), printable(text))
		return failed{}
	}
	if c.Format == "json" {
		return reply.value.printJSON(a.out)
	}
	return reply.value.printText(a.out)
}

// send calls through the client library. The library writes the request and
// knows HTTP's errors; the answer is read from its text, because the library
// loses the order of members, a double's digits, and nil beside an empty string.
func (c *callCmd) send(wire *nilTransport, params map[string]any) (*reply, error) {
	client, err := xmlrpc.NewClient(c.URL, wire)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	callErr := client.Call(escapeText(c.Method), params, nil)
	if wire.status == http.StatusUnauthorized {
		return nil, errors.New("401 Unauthorized: --user and its password are needed, or wrong")
	}
	if wire.body == nil || wire.status < 200 || wire.status > 299 {
		if callErr == nil {
			callErr = errors.New("no answer")
		}
		return nil, callErr
	}
	return readReply(wire.body)
}

// callPassword reads the password: the variable, a terminal without echo, or
// the first line of standard input.
func (a *app) callPassword() (billing.Secret, error) {
	if v, set := os.LookupEnv(passwordVariable); set {
		return billing.Secret(v), nil
	}
	if f, ok := a.in.(*os.File); ok && isTerminal(f) {
		fmt.Fprint(a.err, "password: ")
		typed, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(a.err)
		return billing.Secret(typed), err
	}
	password, err := a.readPassword()
	if err == nil && password == "" {
		err = fmt.Errorf("--user needs a password: in %s or as the first line of standard input", passwordVariable)
	}
	return password, err
}
