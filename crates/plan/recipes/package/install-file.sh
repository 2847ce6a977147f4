# A package need not have an .install file: without one nothing is installed that way. $1: its path.
[ -e "$1" ] || : > "$1"
