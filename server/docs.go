package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed docs/page.html docs/style.css
var docsFiles embed.FS

var docsPage = template.Must(template.New("page.html").Funcs(template.FuncMap{"paragraphs": paragraphs}).ParseFS(docsFiles, "docs/page.html"))

// docsPolicy: no script at all, and nothing from elsewhere.
const docsPolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// listed is one interface in /openapi.json.
type listed struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Version string `json:"version"`
	URL     string `json:"url"`
}

func (s *Server) listed() []listed {
	list := []listed{}
	for _, i := range s.interfaces {
		list = append(list, listed{i.Name, i.contract.Info.Title, i.contract.Info.Version, "/openapi/" + i.Name + ".json"})
	}
	return list
}

func (s *Server) interfaceNamed(name string) *Interface {
	for _, i := range s.interfaces {
		if i.Name == name {
			return i
		}
	}
	return nil
}

// mountDocs puts the contracts and their pages at their addresses.
func (s *Server) mountDocs() {
	s.Mount("GET /openapi.json", http.HandlerFunc(s.openAPIList), Open)
	s.Mount("GET /openapi/{file}", http.HandlerFunc(s.openAPI), Open)
	s.Mount("GET /docs", http.HandlerFunc(s.docs), AnyLogin)
	s.Mount("GET /docs/{name}", http.HandlerFunc(s.docs), AnyLogin)
	s.Mount("GET /docs/style.css", http.HandlerFunc(s.docsStyle), AnyLogin)
}

// openAPIList lists the interfaces.
func (s *Server) openAPIList(w http.ResponseWriter, r *http.Request) {
	b, err := json.Marshal(map[string]any{"interfaces": s.listed()})
	if err != nil {
		panic(err) // texts and nothing else
	}
	serveJSON(w, r, append(b, '\n'))
}

// openAPI is one interface's contract, as it was written.
func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) {
	name, isJSON := strings.CutSuffix(r.PathValue("file"), ".json")
	i := s.interfaceNamed(name)
	if i == nil || !isJSON {
		http.NotFound(w, r)
		return
	}
	serveJSON(w, r, i.OpenAPI)
}

// serveJSON answers with a document that changes with the program only.
func serveJSON(w http.ResponseWriter, r *http.Request, document []byte) {
	sum := sha256.Sum256(document)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache") // ask again, by the ETag
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(document))
}

// docs shows the list, or one contract.
func (s *Server) docs(w http.ResponseWriter, r *http.Request) {
	page := struct {
		Name     string
		Contract *contract
		List     []listed
	}{Name: r.PathValue("name"), List: s.listed()}
	if page.Name != "" {
		i := s.interfaceNamed(page.Name)
		if i == nil {
			http.NotFound(w, r)
			return
		}
		page.Contract = i.contract
	}
	var b bytes.Buffer
	if err := docsPage.Execute(&b, page); err != nil {
		NoteError(r.Context(), err)
		http.Error(w, "internal error, request "+RequestID(r.Context()), http.StatusInternalServerError)
		return
	}
	docsHeaders(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes()) // the client may be gone
}

func (s *Server) docsStyle(w http.ResponseWriter, r *http.Request) {
	docsHeaders(w)
	http.ServeFileFS(w, r, docsFiles, "docs/style.css")
}

func docsHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", docsPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
}
