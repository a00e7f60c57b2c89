package tmf654_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"topupd/testdata/need"
)

// newman is where .ci/run installs it.
const newman = "../../testdata/clients/node_modules/.bin/newman"

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
			t.Run(strings.TrimSuffix(filepath.Base(collection), ".postman_collection.json")+strings.ReplaceAll(address, "/", " "), func(t *testing.T) {
				t.Parallel()
				k := newKit(t)
				k.working()
				web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if user, password, ok := r.BasicAuth(); !ok || user != "root" || password != "secret" {
						w.WriteHeader(http.StatusUnauthorized)
						return
					}
					k.mux.ServeHTTP(w, r.WithContext(k.as("root")))
				}))
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
