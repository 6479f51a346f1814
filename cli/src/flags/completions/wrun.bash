# Completions of wrun for bash, printed by `wrun completions bash`.
# In ~/.bashrc: source <(wrun completions bash)

# Sets words to the options of a command.
_wrun_options() {
    case $1 in
@OPTIONS@
    esac
}

# Sets words to the commands below a command.
_wrun_commands() {
    case $1 in
@COMMANDS@
    esac
}

# Sets kind to the kind of an option's value, and words to the values if there are few. Sets nothing for an option without a
# value.
_wrun_value() {
    case $1 in
@VALUES@
    esac
}

# Sets kind to the kind of a command's operand, as for an option's value.
_wrun_operand() {
    case $1 in
@OPERANDS@
    esac
}

# Fills COMPREPLY with the values of kind $1 that begin with $2. If it stays empty, readline completes file names.
_wrun_offer() {
    case $1 in
        choice) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2") ;;
        text) compopt +o default +o bashdefault 2>/dev/null ;;
        directory | module)
            # Leave names in quotes to readline.
            [[ $2 == *[\'\"\\]* ]] && return
            compopt -o filenames 2>/dev/null
            if [[ $1 == directory ]]; then
                mapfile -t COMPREPLY < <(compgen -d -- "$2")
            else
                mapfile -t COMPREPLY < <(
                    compgen -d -- "$2"
                    compgen -f -X '!*.wasm' -- "$2"
                    compgen -f -X '!*.wat' -- "$2"
                )
            fi
            ;;
    esac
}

_wrun() {
    COMPREPLY=()
    local -a line=()
    local rest=${COMP_LINE:0:COMP_POINT} bare word i
    # bash splits at `=` and `:`. Join parts without a blank between them to one word.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        bare=${rest#"${rest%%[![:blank:]]*}"}
        word=${COMP_WORDS[i]}
        ((i == COMP_CWORD)) && word=$bare
        if ((i > 0)) && [[ $bare == "$rest" ]]; then
            line[${#line[@]} - 1]+=$word
        else
            line+=("$word")
        fi
        rest=${bare#"$word"}
    done

    local last=$((${#line[@]} - 1)) command='' pending='' ended='' operands=0 kind words
    for ((i = 1; i < last; i++)); do
        word=${line[i]}
        if [[ $pending ]]; then
            pending=''
        elif [[ ! $ended && $word == -- ]]; then
            ended=1
        elif [[ ! $ended && $word == -?* ]]; then
            kind=''
            [[ $word == *=* ]] || _wrun_value "$word"
            [[ $kind ]] && pending=$word
        else
            words=''
            if [[ ! $ended && ( $command || $i -eq 1 ) ]]; then _wrun_commands "$command"; fi
            if ((operands == 0)) && [[ " $words " == *" $word "* ]]; then
                command="${command:+$command }$word"
            else
                ((operands++))
                # From the module on, every word is an argument of the guest.
                if [[ ! $command || $command == run ]]; then return; fi
            fi
        fi
    done

    local current=${line[last]} prefix='' files
    COMPREPLY=() kind='' words=''
    if [[ $pending ]]; then
        _wrun_value "$pending"
        _wrun_offer "$kind" "$current"
    elif [[ ! $ended && $current == --*=* ]]; then
        prefix=${current%%=*}=
        _wrun_value "${current%%=*}"
        _wrun_offer "${kind:-text}" "${current#*=}"
    elif [[ ! $ended && $current == -* ]]; then
        _wrun_options "$command"
        _wrun_offer choice "$current"
        compopt +o default +o bashdefault 2>/dev/null
    else
        kind=text
        ((operands == 0)) && _wrun_operand "$command"
        _wrun_offer "$kind" "$current"
        if [[ ! $ended && ( $command || $last -eq 1 ) ]] && ((operands == 0)); then
            files=${#COMPREPLY[@]} words=''
            _wrun_commands "$command"
            mapfile -t -O "$files" COMPREPLY < <(compgen -W "$words" -- "$current")
            if [[ $kind == module ]] && ((files == 0 && ${#COMPREPLY[@]} > 0)); then
                mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
            fi
        fi
    fi

    # readline replaces the part after the last `=` or `:`.
    local whole=$current cut="" breaks=""
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+='='
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=':'
    [[ $breaks ]] && cut=${whole%"${whole##*[$breaks]}"}
    for i in "${!COMPREPLY[@]}"; do
        word=$prefix${COMPREPLY[i]}
        COMPREPLY[i]=${word#"$cut"}
    done
}

complete -o bashdefault -o default -F _wrun wrun
