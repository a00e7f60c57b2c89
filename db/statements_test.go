package db_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// statements are the texts of SQL that the package runs, by the names of their constants.
func statements(t *testing.T) map[string]string {
	t.Helper()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]ast.Expr{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				for _, s := range g.Specs {
					for i, name := range s.(*ast.ValueSpec).Names {
						if v := s.(*ast.ValueSpec).Values; i < len(v) {
							values[name.Name] = v[i]
						}
					}
				}
			}
		}
	}
	texts := map[string]string{}
	for name := range values {
		text := textOf(values, values[name])
		switch verb, _, _ := strings.Cut(text, " "); verb {
		case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
			texts[name] = text
		}
	}
	return texts
}

// textOf joins the parts of a constant; "" for one that is no text.
func textOf(values map[string]ast.Expr, e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		if e.Kind == token.STRING {
			return text
		}
	case *ast.Ident:
		if v, ok := values[e.Name]; ok {
			return textOf(values, v)
		}
	case *ast.BinaryExpr:
		return textOf(values, e.X) + textOf(values, e.Y)
	}
	return ""
}
