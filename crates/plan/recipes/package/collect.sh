# Moves what a package has put into $PREFIX to /out: all that is no link into $DEPS.
set -eu
: "${PREFIX:?}" "${DEPS:?}"
cd "$PREFIX"
find . -type l -lname "$DEPS/*" -delete
# A link that names the prefix would be an absolute one in the result.
find . -type l -lname "$PREFIX/*" | while IFS= read -r link; do
  ln -snfr "$(readlink "$link")" "$link"
done
find . -mindepth 1 -type d -empty -delete
if [ -n "$(ls -A .)" ]; then tar cf - . | tar xf - -C /out; fi
