/** Shells that can be taught: each gets a small script that asks `reops complete` and knows nothing itself. */
export const shells = ['bash', 'zsh', 'fish'] as const
export type ShellName = (typeof shells)[number]

/** Words are passed behind `--`, so that none of them is taken for an option of ours. Colons and `=` stay within a word. */
const bash = `# reops: completion for bash. In ~/.bashrc: eval "$(reops completion bash)"
_reops() {
  local line=\${COMP_LINE:0:COMP_POINT} word='' quote='' char words=() i
  for ((i = 0; i < \${#line}; i++)); do
    char=\${line:i:1}
    if [[ -n $quote ]]; then
      if [[ $char == "$quote" ]]; then quote=''; else word+=$char; fi
    elif [[ $char == ["'\\""] ]]; then quote=$char
    elif [[ $char == ' ' ]]; then [[ -n $word ]] && words+=("$word"); word=''
    else word+=$char; fi
  done
  words+=("$word")
  COMPREPLY=()
  local found cut=\${words[-1]%"\${COMP_WORDS[COMP_CWORD]}"}
  [[ \${COMP_WORDS[COMP_CWORD]} == ['=:'] ]] && cut=\${words[-1]}
  [[ -n $quote || $line == *["'\\""] ]] && cut=''
  while IFS=$'\\t' read -r found _; do
    [[ $found == @files ]] && { COMPREPLY+=($(compgen -f -- "$word")); compopt -o filenames; continue; }
    [[ $found == *[=:] ]] && compopt -o nospace
    if [[ -n $quote ]]; then COMPREPLY+=("$found"); else COMPREPLY+=("$(printf %q "\${found#"$cut"}")"); fi
  done < <("\${words[0]}" complete -- "\${words[@]:1}" 2>/dev/null)
  return 0
}
complete -F _reops reops
`

const zsh = `#compdef reops
# reops: completion for zsh. In ~/.zshrc, behind compinit: eval "$(reops completion zsh)"
_reops() {
  local -a plain open
  local found doc
  while IFS=$'\\t' read -r found doc; do
    if [[ $found == @files ]]; then _files
    elif [[ $found == *[=:] ]]; then open+=("\${found//:/\\\\:}:$doc")
    else plain+=("\${found//:/\\\\:}:$doc"); fi
  done < <("\${(Q)words[1]}" complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
  (( $#plain )) && _describe -V reops plain
  (( $#open )) && _describe -V reops open -S ''
}
compdef _reops reops
`

const fish = `# reops: completion for fish. In ~/.config/fish/config.fish: reops completion fish | source
function __reops_complete
  set -l words (commandline -opc) (commandline -ct | string unescape)
  for line in ($words[1] complete -- $words[2..-1] 2>/dev/null)
    if test "$line" = @files
      __fish_complete_path (commandline -ct)
    else
      printf '%s\\n' $line
    end
  end
end
complete -c reops -f -a '(__reops_complete)'
`

export const scriptOf: Readonly<Record<ShellName, string>> = { bash, zsh, fish }
