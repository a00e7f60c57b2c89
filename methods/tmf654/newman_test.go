package tmf654_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topupd/db/dbtest"
	"topupd/methods/tmf654"
	"topupd/server"
	"topupd/testdata/need"
)

// newman is where .ci/run installs it.
const newman = "../../testdata/clients/node_modules/.bin/newman"

// server puts the kit's interface behind the real server and its Basic.
func (k *kit) server() http.Handler {
	ha1 := fmt.Sprintf("%x", md5.Sum([]byte("root:topupd:secret")))
	s, err := server.New(server.Options{
		Realm: "topupd",
		Logins: func(_ context.Context, name string) (server.Login, string, bool, error) {
			return server.Login{Name: name, Customer: 1}, ha1, name == "root", nil
		},
		Tokens: func(context.Context, [sha256.Size]byte) (server.Login, bool, error) {
			return server.Login{}, false, nil
		},
		Once: k.e.Once,
	})
	if err != nil {
		k.Fatal(err)
	}
	i := tmf654.New(k.e, tmf654.Options{})
	mounted := server.Interface{Name: i.Name, OpenAPI: i.OpenAPI, Refuse: i.Refuse}
	for _, r := range i.Routes {
		mounted.Routes = append(mounted.Routes, server.Route{Pattern: r.Pattern, Handler: r.Handler, Use: r.Use, OwnKeys: r.OwnKeys})
	}
	if err := s.MountInterface(mounted); err != nil {
		k.Fatal(err)
	}
	return s
}

// TestNewman runs the collections that users are given: every assertion passes, at both
// addresses.
func TestNewman(t *testing.T) {
	need.Program(t, "node", "apt-get install nodejs")
	if _, err := os.Stat(newman); err != nil {
		need.Missing(t, "newman is not installed; install it with: npm ci in testdata/clients")
	}
	collections, err := filepath.Glob("../../testdata/tmf654/*.postman_collection.json")
	if err != nil || len(collections) == 0 {
		t.Fatal(collections, err)
	}
	for _, collection := range collections {
		for _, address := range []string{base, forum} {
			if address == forum && dbtest.Fewer() {
				continue // the same handlers under another path
			}
			t.Run(strings.TrimSuffix(filepath.Base(collection), ".postman_collection.json")+strings.ReplaceAll(address, "/", " "), func(t *testing.T) {
				t.Parallel()
				k := newKit(t)
				k.now = time.Now().Add(time.Hour) // the server has the real clock, and newman may be slow
				k.working()
				web := httptest.NewServer(k.server())
				defer web.Close()
				args := []string{"run", collection, "--color", "off", "--disable-unicode", "--timeout-request", "20000"}
				for name, value := range map[string]string{
					"url": web.URL + address, "user": "root", "password": "secret", "account": alice, "receiver": "0.0.0.1+-account+101",
				} {
					args = append(args, "--env-var", name+"="+value)
				}
				out, err := exec.CommandContext(t.Context(), newman, args...).CombinedOutput()
				if err != nil || !strings.Contains(string(out), "assertions") {
					t.Errorf("%v\n%s", err, out)
				}
				k.verify()
			})
		}
	}
}
