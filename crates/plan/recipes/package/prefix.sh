# Makes $PREFIX, a place that a package may install into: everything of its dependencies, which lie below
# $DEPS, is there as a link. A library's directory is one link; directories that packages share are made anew.
set -eu
: "${PREFIX:?}" "${DEPS:?}"
# $PREFIX is reached through a link of the root into /tmp.
mkdir -p "$(readlink -m "$PREFIX")"
for shared in bin sbin lib lib/stublibs lib/toplevel share doc etc man; do mkdir -p "$PREFIX/$shared"; done
for directory in "$DEPS"/*; do
  name=${directory##*/}
  case $name in
    lib | share | doc | etc)
      for entry in "$directory"/*; do
        case ${entry##*/} in
          '*') ;;
          stublibs | toplevel | man | pkgconfig) cp -rs "$entry" "$PREFIX/$name/" ;;
          *) ln -s "$entry" "$PREFIX/$name/" ;;
        esac
      done
      ;;
    '*') ;;
    *) cp -rs "$directory" "$PREFIX/" ;;
  esac
done
