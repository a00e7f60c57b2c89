package cli

import (
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// settingsFile is the configuration file: the value of each setting as text.
type settingsFile map[string]string

// configFile is the flag that names the configuration file.
type configFile string

// BeforeResolve lets the file's lines take part. (kong has a flag type for
// this; its errors do not name the setting.)
func (configFile) BeforeResolve(k *kong.Kong, ctx *kong.Context, trace *kong.Path) error {
	path, _ := ctx.FlagValue(trace.Flag).(configFile)
	resolver, err := k.LoadConfig(string(path))
	if err == nil {
		ctx.AddResolver(resolver)
		return nil
	}
	if _, ours := errors.AsType[*settingError](err); ours {
		return err
	}
	return wrong("--config", string(path), "a file in TOML form that can be read")
}

// load reads a configuration file for kong. known are the names that may be
// in it.
func (f settingsFile) load(r io.Reader, known []string) (kong.Resolver, error) {
	var values map[string]any
	if _, err := toml.NewDecoder(r).Decode(&values); err != nil {
		return nil, fileError(unreadable(err), `TOML, each setting once, such as listen = "127.0.0.1:8080"`)
	}
	for name, v := range values {
		if !slices.Contains(known, name) {
			return nil, fileError(name+" is not a setting", strings.Join(known, ", "))
		}
		text, ok := settingText(v)
		if !ok {
			return nil, fileError(name, "a value in quotes, a whole number, true or false")
		}
		f[name] = text
	}
	return kong.ResolverFunc(f.resolve), nil
}

// unreadable says where a file is no TOML. The library's own words would repeat
// what it read, which may be a secret without its quotes.
func unreadable(err error) string {
	if e, ok := errors.AsType[toml.ParseError](err); ok {
		return "line " + strconv.Itoa(e.Position.Line) + " cannot be read"
	}
	return "it cannot be read"
}

// fileError says what is wrong in the file; the value may be a secret.
func fileError(why, allowed string) error {
	return &settingError{setting: "--config", why: why, allowed: allowed}
}

// resolve gives a flag its line of the file. kong lets a resolver override the
// environment; here the environment goes first.
func (f settingsFile) resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, variable := range flag.Tag.Envs {
		if _, set := os.LookupEnv(variable); set {
			return nil, nil
		}
	}
	if text, ok := f[flag.Name]; ok {
		return text, nil
	}
	return nil, nil
}

// secret is a setting without a flag: its variable, else its line of the file.
func (f settingsFile) secret(s secretSetting) (value string, given bool) {
	if v, set := os.LookupEnv(s.variable); set {
		return v, true
	}
	v, set := f[s.key]
	return v, set
}

// settingText is a value of the file as it would be written as a flag. A
// number with a fraction is refused: it may be money, which is never a float.
func settingText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case bool:
		return strconv.FormatBool(v), true
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			text, ok := v[i].(string)
			if !ok {
				return "", false
			}
			parts[i] = text
		}
		return strings.Join(parts, ","), true
	}
	return "", false
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
