package subscription

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

var (
	fuzzSeed = flag.Uint64("seed", 1, "of the generated requests")
	fuzzRuns = flag.Int("runs", 1500, "generated requests")
)

// TestGenerated sends requests that are made from the document's operations, media types
// and schema, right and wrong ones: no answer is a 5xx, and every one is as the document
// says. Afterwards each payment that was used was credited once.
func TestGenerated(t *testing.T) {
	k := newKit(t)
	check := newContract(t)
	g := &generator{rnd: rand.New(rand.NewPCG(*fuzzSeed, 5)), schema: check.doc.Components.Schemas["EnableAutoTopupRequest"].Value}
	item := check.doc.Paths.Find(path)
	// In one order: the seed alone decides what is sent.
	g.media = slices.Sorted(maps.Keys(item.Post.RequestBody.Value.Content))
	g.accept = slices.Sorted(maps.Keys(item.Post.Responses.Status(200).Value.Content))
	codes := map[int]int{}
	for i := range *fuzzRuns {
		x := g.exchange(item)
		w := k.play(x)
		codes[w.Code]++
		if w.Code >= 500 {
			t.Errorf("%d: %+v: %d %s", i, x, w.Code, w.Body)
		}
		check.answer(t, x, w)
		if t.Failed() {
			t.Fatalf("request %d of seed %d: %+v", i, *fuzzSeed, x)
		}
	}
	for _, code := range []int{200, 204, 400, 404, 409, 415} {
		if codes[code] == 0 {
			t.Errorf("no answer was %d: %v", code, codes)
		}
	}
	wrong, err := k.engine.Verify(as("root"), 10)
	must(t, err)
	if got := k.balance(100<<1 | 1); len(wrong) > 0 || got != "11.00" {
		t.Errorf("the balance is %s, verify says %v", got, wrong)
	}
}

type generator struct {
	rnd           *rand.Rand
	schema        *openapi3.Schema
	media, accept []string
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func (g *generator) exchange(item *openapi3.PathItem) exchange {
	methods := []string{"POST"}
	for _, method := range slices.Sorted(maps.Keys(item.Operations())) {
		methods = append(methods, method, "POST")
	}
	x := exchange{method: pick(g.rnd, methods), id: pick(g.rnd, []string{"1", "1", "1", "2", "3", "20", "99", "-1", "x", "1e1", "%00"})}
	if g.rnd.IntN(2) == 0 {
		x.headers = []string{"Accept", pick(g.rnd, append(g.accept, "*/*", "image/png", "text/*;q=0.3, */*;q=0.1"))}
	}
	if x.method == "POST" {
		x.media = pick(g.rnd, g.media)
		x.body = g.body(x.media)
		switch g.rnd.IntN(20) {
		case 0:
			x.media = pick(g.rnd, append(g.media, "", "text/plain"))
		case 1:
			x.body = x.body[:g.rnd.IntN(len(x.body)+1)]
		case 2:
			b := []byte(x.body)
			b[g.rnd.IntN(len(b))] = byte(g.rnd.IntN(256))
			x.body = string(b)
		}
	}
	return x
}

// body writes members of the schema in a media type.
func (g *generator) body(media string) string {
	names := slices.Sorted(maps.Keys(g.schema.Properties))
	g.rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	if g.rnd.IntN(8) == 0 {
		names = append(names, pick(g.rnd, []string{"Colour", names[0]}))
	}
	if g.rnd.IntN(6) == 0 {
		names = names[1:]
	}
	var parts []string
	for _, name := range names {
		v := g.value(g.schema.Properties[name])
		switch {
		case strings.HasSuffix(media, "xml"):
			parts = append(parts, "<"+name+">"+v+"</"+name+">")
		case strings.HasSuffix(media, "urlencoded"):
			parts = append(parts, name+"="+url.QueryEscape(v))
		default:
			if json.Valid([]byte(v)) && g.rnd.IntN(5) > 0 {
				parts = append(parts, fmt.Sprintf("%q:%s", name, v))
			} else {
				parts = append(parts, fmt.Sprintf("%q:%q", name, v))
			}
		}
	}
	switch {
	case strings.HasSuffix(media, "xml"):
		return inXML(strings.Join(parts, ""))
	case strings.HasSuffix(media, "urlencoded"):
		return strings.Join(parts, "&")
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// value is mostly one that the schema allows.
func (g *generator) value(s *openapi3.SchemaRef) string {
	if s == nil || g.rnd.IntN(12) == 0 {
		return pick(g.rnd, []string{"-1", "0", "1e400", "null", "true", "[]", "{}", "", "x", "0.0000001", "9223372036854775807", "99999999999999999999"})
	}
	if s.Value.Type.Is("integer") {
		return strconv.Itoa(1 + g.rnd.IntN(6))
	}
	return strconv.FormatFloat(float64(g.rnd.IntN(2000))/100, 'f', -1, 64)
}
