#compdef wrun
# Completions of wrun for zsh, printed by `wrun completions zsh`.
# In ~/.zshrc, after compinit: source <(wrun completions zsh). Or save it as _wrun in a directory of fpath.

# Sets entries to the options of a command.
_wrun_options() {
  case $1 in
@OPTIONS@
  esac
}

# Sets entries to the commands below a command.
_wrun_commands() {
  case $1 in
@COMMANDS@
  esac
}

# Sets kind to the kind of an option's value, and entries to the values if there are few. Sets nothing for an option without a
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

# Offers the values of a kind.
_wrun_offer() {
  case $1 in
    choice) _describe value entries ;;
    directory) _files -/ ;;
    file) _files ;;
    module) _files -g '*.(wasm|wat)(-.)' ;;
    *) return 1 ;;
  esac
}

_wrun() {
  local word command='' pending='' ended='' kind=''
  local -a entries
  local -i i operands=0
  for ((i = 2; i < CURRENT; i++)); do
    word=${(Q)words[i]}
    if [[ -n $pending ]]; then
      pending=''
    elif [[ -z $ended && $word == -- ]]; then
      ended=1
    elif [[ -z $ended && $word == -?* ]]; then
      kind=''
      [[ $word == *=* ]] || _wrun_value $word
      [[ -n $kind ]] && pending=$word
    else
      entries=()
      if [[ -z $ended ]] && { [[ -n $command ]] || ((i == 2)) }; then _wrun_commands $command; fi
      if ((operands == 0 && ${entries[(I)${(b)word}:*]})); then
        command="${command:+$command }$word"
      else
        operands=$((operands + 1))
        # From the module on, every word is an argument of the guest.
        if [[ -z $command || $command == run ]]; then
          _files
          return
        fi
      fi
    fi
  done

  kind=''
  entries=()
  if [[ -n $pending ]]; then
    _wrun_value $pending
    _wrun_offer $kind
  elif [[ -z $ended && $PREFIX == --*=* ]]; then
    _wrun_value ${PREFIX%%=*}
    compset -P 1 '*='
    _wrun_offer $kind
  elif [[ -z $ended && $PREFIX == -* ]]; then
    _wrun_options $command
    _describe -o option entries
  else
    local -i found=1
    if [[ -z $ended ]] && ((operands == 0)) && { [[ -n $command ]] || ((CURRENT == 2)) }; then
      _wrun_commands $command
      (($#entries)) && _describe -t commands command entries && found=0
      entries=()
    fi
    ((operands == 0)) && _wrun_operand $command
    _wrun_offer $kind && found=0
    return found
  fi
}

if [[ $funcstack[1] == _wrun ]]; then
  _wrun "$@"
else
  compdef _wrun wrun
fi
