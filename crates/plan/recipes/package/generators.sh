# Makes dune's rules run programs of the build machine, in a tree of sources that is built for a target.
#
# A rule that names a program it has just built as a dependency, `(deps (:gen x.exe)) (action (run %{gen}))`, gets the
# target's: dune knows only of `%{exe:x.exe}` that it is to be run (dune#3917). So the one form becomes the other.
set -eu
cd /tmp/build
find . \( -name dune -o -name 'dune.inc' -o -name 'jbuild' \) -type f | sort | while IFS= read -r file; do
  grep -q '(:[A-Za-z0-9_-]* [^() ]*\.exe)' "$file" || continue
  awk '
    # A name lasts as long as its stanza.
    /^\(/ { delete program }
    {
      line = $0
      while (match(line, /\(:[A-Za-z0-9_-]+ [^() ]+\.exe\)/)) {
        binding = substr(line, RSTART + 2, RLENGTH - 3)
        space = index(binding, " ")
        program[substr(binding, 1, space - 1)] = substr(binding, space + 1)
        line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
      }
      for (name in program) {
        use = "%{" name "}"
        while (at = index(line, use))
          line = substr(line, 1, at - 1) "%{exe:" program[name] "}" substr(line, at + length(use))
      }
      print line
    }' "$file" > "$file.hosted"
  cmp -s "$file" "$file.hosted" || echo "the generators of $file run on the build machine"
  touch -r "$file" "$file.hosted"
  mv "$file.hosted" "$file"
done
