package xmlrpc

import "testing"

func inCharset(label, text string) string {
	return `<?xml version="1.0" encoding="` + label + `"?>` + wrapParam("<string>"+text+"</string>")
}

// 1.8: the encodings clients declare.
func TestDecodeEncodings(t *testing.T) {
	for _, c := range []struct{ label, sent, want string }{
		{"us-ascii", "a&#233;", "aé"}, {"US-ASCII", "a", "a"}, {"ascii", "a", "a"},
		{"UTF-8", "é€", "é€"}, {"utf8", "é", "é"}, {"Utf-8", "é", "é"},
		{"iso-8859-1", "\xe9\xa4", "é¤"}, {"ISO-8859-1", "caf\xe9&#233;", "caféé"}, {"latin1", "\xe9", "é"}, {"ISO_8859-1", "\xe9", "é"}, {"iso8859-1", "\xe9", "é"},
		{"iso-8859-15", "\xa4\xe9", "€é"}, {"ISO8859-15", "\xa4", "€"}, {"latin-9", "\xa4", "€"},
		{"windows-1251", "\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"}, {"cp1251", "\xcf", "П"}, {"CP1251", "\xcf", "П"}, {"Windows-1251", "\xcf", "П"},
		{"windows-1252", "\x80\xe9", "€é"}, {"cp1252", "\x93x\x94", "“x”"},
	} {
		if got := decodeOne(t, inCharset(c.label, c.sent)); got.Text() != c.want {
			t.Errorf("%s: got %q, want %q", c.label, got.Text(), c.want)
		}
	}
}

func TestDecodeRefusesEncodings(t *testing.T) {
	for _, label := range []string{"utf-16", "UTF-16LE", "koi8-r", "shift_jis", "utf-7", "ebcdic-cp-us", "x"} {
		mustRefuse(t, inCharset(label, "x"), CodeEncoding)
	}
	mustRefuse(t, "\uFEFF"+inCharset("iso-8859-1", "x"), CodeEncoding)
	mustRefuse(t, "\xfe\xff\x00<", CodeEncoding)
	mustRefuse(t, "\xff\xfe<\x00", CodeEncoding)
}

func TestDecodeRefusesCharacters(t *testing.T) {
	for _, body := range []string{
		wrapParam("\x00"), wrapParam("\x01"), wrapParam("\x0b"), wrapParam("\x1b"), wrapParam("\xff"), wrapParam("\xc3"), wrapParam("\xc0\x80"), wrapParam("\xed\xa0\x80"),
		wrapParam("\uFFFE"), wrapParam("\uFFFF"), wrapParam("&#0;"), wrapParam("&#11;"), wrapParam("&#xFFFF;"), wrapParam("&#xD800;"), wrapParam("&#x110000;"),
		wrapParam("&#99999999999999999999;"), wrapParam("&#4294967361;"), wrapParam("&#x100000041;"), inCharset("us-ascii", "\xe9"), inCharset("us-ascii", "é"), inCharset("windows-1252", "\x81"), inCharset("windows-1251", "\x98"),
		inCharset("iso-8859-1", "\x02"),
	} {
		mustRefuse(t, body, CodeCharacter)
	}
	decodeOne(t, wrapParam("\t\n\r \x7f\u0085\uFFFD\U0010FFFF&#9;&#10;&#13;"))
}
