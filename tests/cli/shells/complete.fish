# Prints the completions that fish offers at the end of a line. Usage: complete.fish SCRIPT LINE
source $argv[1]
complete -C $argv[2] | string replace -r '\t.*' ''
true
