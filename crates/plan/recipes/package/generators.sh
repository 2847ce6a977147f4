# Makes dune's rules run programs of the build machine, in sources that are built for a target. $1: the sources; $2: where
# what is changed of them goes, by the same paths (the same directory, to change them in place).
#
# A rule that names a program it has just built as a dependency, `(deps (:gen x.exe)) (action (run %{gen}))`, gets the
# target's: dune knows only of `%{exe:x.exe}` that it is to be run (dune#3917). So the one form becomes the other, where the
# program is run and nothing else: what is copied or given to another program stays the target's.
set -eu
from=$1 to=$2
cd "$from"
find . \( -name _build -o -name _opam -o -name node_modules -o -name '.?*' \) -prune -o \
  \( -name dune -o -name dune.inc -o -name jbuild \) -type f -print | sort | while IFS= read -r file; do
  grep -q '(:' "$file" && grep -q '\.exe' "$file" || continue
  mkdir -p "$(dirname "$to/$file")"
  awk '
    # Whether every use of the name in the text is one that runs it.
    function only_run(text, use,   at, before, uses) {
      uses = 0
      while (at = index(text, use)) {
        before = substr(text, 1, at - 1)
        if (before !~ /\(run[ \t\n]+$/ && before !~ /"$/) return 0
        text = substr(text, at + length(use))
        uses++
      }
      return uses > 0
    }
    # A name lasts as long as its stanza.
    function flush(   rest, at, binding, length_of, name, program, use, done) {
      rest = stanza
      while (match(rest, /\(:[A-Za-z0-9_-]+[ \t\n]+[^() \t\n]+\.exe[ \t\n]*\)/)) {
        binding = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        split(substr(binding, 3, length(binding) - 3), words, /[ \t\n]+/)
        use = "%{" words[1] "}"
        if (!only_run(stanza, use)) continue
        at = index(stanza, binding)
        stanza = substr(stanza, 1, at - 1) substr(stanza, at + length(binding))
        done = ""
        while (at = index(stanza, use)) {
          done = done substr(stanza, 1, at - 1) "%{exe:" words[2] "}"
          stanza = substr(stanza, at + length(use))
        }
        stanza = done stanza
      }
      printf "%s", stanza
      stanza = ""
    }
    /^\(/ { flush() }
    { stanza = stanza $0 "\n" }
    END { flush() }' "$file" > "$to/$file.hosted"
  if cmp -s "$file" "$to/$file.hosted"; then
    rm "$to/$file.hosted"
  else
    echo "the generators of $file run on the build machine"
    touch -r "$file" "$to/$file.hosted"
    mv "$to/$file.hosted" "$to/$file"
  fi
done
