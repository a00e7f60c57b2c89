package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd prints a completion script.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh" help:"bash or zsh."`
}

// Run prints the script; for bash: source <(topupd completion bash).
func (c *completionCmd) Run(a *app) error {
	if c.Shell == "zsh" {
		fmt.Fprintln(a.out, "autoload -U +X bashcompinit && bashcompinit")
	}
	fmt.Fprint(a.out, "_topupd() {\n"+
		"  local cur=${COMP_WORDS[COMP_CWORD]} path= word\n"+
		"  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"+
		"    case $word in -*) ;; *) path=\"$path $word\" ;; esac\n"+
		"  done\n"+
		"  local words settings=\""+strings.Join(flagNames(a.model.Flags), " ")+"\"\n"+
		"  case $path in\n")
	completionCases(a.out, a.model.Node, "")
	fmt.Fprint(a.out, "  *) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"+
		"  esac\n"+
		"  COMPREPLY=($(compgen -W \"$words $settings\" -- \"$cur\"))\n"+
		"  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n"+
		"}\n"+
		"complete -o filenames -F _topupd topupd\n")
	return nil
}

// completionCases prints a case for each command, the longest paths first, as
// an argument may follow any of them.
func completionCases(w io.Writer, n *kong.Node, path string) {
	var words []string
	for _, child := range n.Children {
		completionCases(w, child, path+" "+child.Name)
		words = append(words, child.Name)
	}
	if n.DefaultCmd != nil {
		words = append(words, flagNames(n.DefaultCmd.Flags)...)
	}
	if n.Parent != nil { // the application's own are the settings
		words = append(words, flagNames(n.Flags)...)
	}
	for _, p := range n.Positional {
		if p.Enum != "" {
			words = append(words, strings.Split(p.Enum, ",")...)
		}
	}
	pattern := `"` + path + `"`
	if path != "" {
		pattern += `|"` + path + ` "*`
	}
	fmt.Fprintf(w, "  %s) words=%q ;;\n", pattern, strings.Join(words, " "))
}

func flagNames(flags []*kong.Flag) []string {
	var names []string
	for _, f := range flags {
		names = append(names, "--"+f.Name)
	}
	return names
}
