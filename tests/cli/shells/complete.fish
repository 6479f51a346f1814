# Prints what fish offers for the end of a line: complete.fish SCRIPT LINE.
source $argv[1]
complete -C $argv[2] | string replace -r '\t.*' ''
true
