package xmlrpc

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	kolo "github.com/kolo/xmlrpc"
)

// koloStruct has one field of each type the client writes.
type koloStruct struct {
	Int    int64   `xmlrpc:"i"`
	Double float64 `xmlrpc:"d"`
	Bool   bool    `xmlrpc:"b"`
	Text   string  `xmlrpc:"s"`
	List   []int64 `xmlrpc:"l"`
	Inner  struct {
		Name string `xmlrpc:"name"`
	} `xmlrpc:"inner"`
	When time.Time `xmlrpc:"t"`
}

// The client is dead for good after a mismatch, so one client for all calls
// shows that none occurs (1.10.4).
func TestKoloClient(t *testing.T) {
	server := httptest.NewServer(newHandler(t, Options{}, driverMethods()...))
	defer server.Close()
	client, err := kolo.NewClient(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	sent := koloStruct{Int: 9876543210, Double: 10, Bool: true, Text: "a <b> & é", List: []int64{1, 2}, When: time.Date(2026, 4, 7, 9, 57, 29, 0, time.UTC)}
	sent.Inner.Name = "x"
	var got koloStruct
	if err := client.Call("echo", sent, &got); err != nil {
		t.Fatal(err)
	}
	if got.Int != sent.Int || got.Double != sent.Double || got.Bool != sent.Bool || got.Text != sent.Text ||
		len(got.List) != 2 || got.List[1] != 2 || got.Inner != sent.Inner || !got.When.Equal(sent.When) {
		t.Errorf("got %+v, want %+v", got, sent)
	}
	var names []string
	if err := client.Call("system.listMethods", nil, &names); err != nil || len(names) < 10 {
		t.Errorf("%v %v", names, err)
	}
	var number float64
	for _, x := range []any{10, 10.0, 1e-7, "10"} {
		err := client.Call("decimal", map[string]any{"x": x}, &number)
		if _, isText := x.(string); isText != (err != nil) {
			t.Errorf("%T %v: %v", x, x, err)
		}
	}
	// nil inside a struct is <value/>, the empty string, null for a number.
	var nothing *float64
	if err := client.Call("decimal", map[string]any{"x": nil}, &nothing); err != nil {
		t.Errorf("nil: %v", err)
	}
	// the fault's text survives, and the client with it
	err = client.Call("nosuch", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "we do not have a method with that name") {
		t.Errorf("got %v", err)
	}
	// A reply of another type kills this client for good; a call after that may
	// wait for ever, so this is its last.
	if err := client.Call("echo", "still alive", &names); err == nil {
		t.Error("a string into a slice was taken")
	}
}
