# Prints the completions that bash offers at the end of a line. Usage: complete.bash SCRIPT LINE
source "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=()
# Split the line like bash: at blanks, and with `=` and `:` as separate words.
rest=$2
while [[ $rest ]]; do
    case $rest in
        [[:blank:]]*)
            rest=${rest#[[:blank:]]}
            [[ $rest ]] || COMP_WORDS+=('')
            continue
            ;;
        [=:]*) word=${rest%%[^=:]*} ;;
        *) word=${rest%%[=:[:blank:]]*} ;;
    esac
    COMP_WORDS+=("$word")
    rest=${rest#"$word"}
done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
# The declaration of `complete`: the function, and file names if the function offers nothing.
declared=$(complete -p wrun)
[[ $declared == *'-o default'*'-F _wrun wrun' ]] || exit 1
compopt() { [[ $* == *'+o default'* ]] && fallback=''; }
fallback=1
_wrun wrun "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
if ((${#COMPREPLY[@]} == 0)) && [[ $fallback ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "${COMP_LINE##*[=:[:blank:]]}")
fi
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
