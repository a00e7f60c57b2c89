package main

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// source is one Go file of the product; tests are exempt.
type source struct {
	path string // slash-separated, from the top
	file *ast.File
	fset *token.FileSet
}

func sources(t *testing.T) []source {
	t.Helper()
	var list []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || (len(d.Name()) > 1 && d.Name()[0] == '.')) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		list = append(list, source{filepath.ToSlash(p), f, fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 50 {
		t.Fatalf("only %d files found: this test looks in the wrong place", len(list))
	}
	return list
}

const module = "topupd"

// allowed says whether a package of ours may import another (ARCHITECTURE:
// imports point inward).
func allowed(from, to string) bool {
	top := func(p string) string { head, _, _ := strings.Cut(p, "/"); return head }
	switch {
	case from == ".": // main knows all
		return true
	case top(from) == "methods":
		// An interface may use methods and its codec, never another interface.
		return to == "billing" || to == "methods" || to == "methods/xmlrpc" || strings.HasPrefix(to, from+"/")
	case from == "db/dbtest": // a suite, imported by tests only
		return to == "billing" || top(to) == "db" || to == "testdata/need"
	case top(from) == "billing":
		return from != "billing" && (to == "billing" || within(from, to))
	default:
		return to == "billing" || top(to) == top(from)
	}
}

// within: a sub-package may be imported inside its own folder.
func within(from, to string) bool {
	return strings.HasPrefix(to, path.Dir(from)+"/") || strings.HasPrefix(to, from+"/")
}

// onlyIn is where a module may be imported.
var onlyIn = map[string][]string{
	"modernc.org/sqlite":            {"db"},
	"modernc.org/libc":              {"db"},
	"github.com/robfig/cron/v3":     {"cron"},
	"github.com/pressly/goose/v3":   {"db"},
	"database/sql":                  {"db"},
	"github.com/alecthomas/kong":    {"server/cli"},
	"github.com/wneessen/go-mail":   {"billing/mailer/smtp"},
	"github.com/kolo/xmlrpc":        {"server/cli"},
	"github.com/shopspring/decimal": {"billing"},
	"github.com/sony/gobreaker/v2":  {"billing/gateway/guard"},
	"github.com/stripe/stripe-go":   {"billing/gateway/stripe"},
}

func TestImportsPointInward(t *testing.T) {
	for _, s := range sources(t) {
		from := path.Dir(s.path)
		for _, spec := range s.file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if to, ours := strings.CutPrefix(name, module+"/"); ours && !allowed(from, to) {
				t.Errorf("%s imports %s", s.path, name)
			}
			for lib, places := range onlyIn {
				if (name == lib || strings.HasPrefix(name, lib+"/")) && from != "." && !inside(from, places) {
					t.Errorf("%s imports %s, which belongs to %v", s.path, name, places)
				}
			}
			if name == "net/http" && (from == "billing" || strings.HasPrefix(from, "billing/") && !strings.HasPrefix(from, "billing/gateway") && from != "billing/hub") {
				t.Errorf("%s imports net/http", s.path)
			}
		}
	}
}

func inside(from string, places []string) bool {
	for _, p := range places {
		if from == p || strings.HasPrefix(from, p+"/") {
			return true
		}
	}
	return false
}

func TestAllowedRefuses(t *testing.T) {
	for _, pair := range [][2]string{
		{"billing", "db"}, {"billing", "billing/seal"}, {"db", "server"}, {"methods/sippy", "methods/jsonl"}, {"methods/sippy", "db"},
		{"cron", "db"}, {"server", "methods/xmlrpc"}, {"server/cli", "cron"}, {"billing/gateway/sandbox", "db"},
	} {
		if allowed(pair[0], pair[1]) {
			t.Errorf("%s may import %s", pair[0], pair[1])
		}
	}
}

func TestNoFloatsWhereMoneyLives(t *testing.T) {
	for _, s := range sources(t) {
		if !strings.HasPrefix(s.path, "billing/") && !strings.HasPrefix(s.path, "db/") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && (id.Name == "float64" || id.Name == "float32") {
				t.Errorf("%s: %s", s.fset.Position(id.Pos()), id.Name)
			}
			return true
		})
	}
}

const maxLines = 600

func TestFilesStaySmall(t *testing.T) {
	for _, s := range sources(t) {
		f, err := os.Open(s.path)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for scan := bufio.NewScanner(f); scan.Scan(); {
			n++
		}
		f.Close()
		if n > maxLines {
			t.Errorf("%s has %d lines, over %d", s.path, n, maxLines)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					t.Errorf("%s: %s has no comment", s.fset.Position(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				undocumented(t, s, d)
			}
		}
	}
}

func undocumented(t *testing.T, s source, d *ast.GenDecl) {
	t.Helper()
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil {
				t.Errorf("%s: type %s has no comment", s.fset.Position(spec.Pos()), spec.Name.Name)
			}
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				if name.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
					t.Errorf("%s: %s has no comment", s.fset.Position(name.Pos()), name.Name)
				}
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return !ok || id.IsExported()
}

// Every package says what it owns.
func TestEveryPackageHasADocComment(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		documented[path.Dir(s.path)] = documented[path.Dir(s.path)] || s.file.Doc != nil
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no doc comment", pkg)
		}
	}
}
