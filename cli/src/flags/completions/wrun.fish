# Completions of wrun for fish, printed by `wrun completions fish`.
# Save it as ~/.config/fish/completions/wrun.fish

# Prints the options of a command with their descriptions.
function __wrun_options
    switch "$argv[1]"
@OPTIONS@
    end
end

# Prints the commands below a command with their descriptions.
function __wrun_commands
    switch "$argv[1]"
@COMMANDS@
    end
end

# Prints the kind of an option's value, and the values if there are few. Prints nothing for an option without a value.
function __wrun_value
    switch "$argv[1]"
@VALUES@
    end
end

# Prints the kind of a command's operand, as for an option's value.
function __wrun_operand
    switch "$argv[1]"
@OPERANDS@
    end
end

# Prints the values of a kind that begin with a text.
function __wrun_offer --argument-names text kind
    switch "$kind"
        case choice
            printf '%s\n' $argv[3..]
        case directory
            __fish_complete_directories "$text" ''
        case file
            __fish_complete_path "$text"
        case module
            __fish_complete_directories "$text" ''
            # In `set`, a glob without a match is not an error.
            set -l expanded (string replace -r '^~/' "$HOME/" -- "$text")
            set -l found $expanded*.wasm $expanded*.wat
            if set -q found[1]
                string replace -- "$expanded" "$text" $found
            else
                __fish_complete_path "$text"
            end
    end
end

function __wrun_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l name ''
    set -l pending ''
    set -l ended 0
    set -l operands 0
    set -l first 1
    for word in $before[2..]
        set -l is_first $first
        set first 0
        if test -n "$pending"
            set pending ''
        else if test $ended = 0; and test "$word" = --
            set ended 1
        else if test $ended = 0; and string match -qr '^-.' -- "$word"
            if not string match -q '*=*' -- "$word"; and test (count (__wrun_value "$word")) -gt 0
                set pending "$word"
            end
        else
            set -l commands
            if test $ended = 0 -a $operands = 0; and test -n "$name" -o $is_first = 1
                set commands (__wrun_commands "$name" | string replace -r '\t.*' '')
            end
            if contains -- "$word" $commands
                set name (string trim "$name $word")
            else
                set operands (math $operands + 1)
                # From the module on, every word is an argument of the guest.
                if contains -- "$name" '' run
                    __fish_complete_path "$current"
                    return
                end
            end
        end
    end

    if test -n "$pending"
        __wrun_offer "$current" (__wrun_value "$pending")
    else if test $ended = 0; and string match -q -- '--*=*' "$current"
        set -l parts (string split -m 1 = -- "$current")
        for value in (__wrun_offer "$parts[2]" (__wrun_value "$parts[1]"))
            printf '%s=%s\n' "$parts[1]" "$value"
        end
    else if test $ended = 0; and string match -q -- '-*' "$current"
        __wrun_options "$name"
    else
        if test $ended = 0 -a $operands = 0; and test -n "$name" -o $first = 1
            __wrun_commands "$name"
        end
        if test $operands = 0
            __wrun_offer "$current" (__wrun_operand "$name")
        end
    end
end

complete -c wrun -f -a '(__wrun_complete)'
