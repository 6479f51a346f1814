# Prints the completions that zsh offers at the end of a line. Usage: complete.zsh SCRIPT LINE. It asks another zsh on a new
# terminal.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "unsetopt zle_bracketed_paste; PROMPT=; autoload -U compinit; compinit -u -D; source ${(q)1}"
zpty -w shell '
    compadd() {
        if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
            local -a matches
            builtin compadd -A matches "$@"
            print -rl -- "" "offered: "${^matches}
        fi
        builtin compadd "$@"
    }
    finish() { print -r -- "" "the end" }
    comppostfuncs=(finish)
    bindkey "^I" complete-word
    print ready to" "complete'
zpty -r shell output '*ready to complete*' || exit 1
zpty -w -n shell "$2"$'\t'
zpty -r shell output '*the end*' || exit 1
zpty -d shell
for line in ${(f)${output//$'\r'/}}; do
    if [[ $line == 'offered: '* ]]; then
        print -r -- ${line#offered: }
    fi
done
