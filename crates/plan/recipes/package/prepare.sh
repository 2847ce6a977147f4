# Lays out a package's sources in /tmp/build, writable, with the times they have in the store.
# Sources may lie in one directory of their own, as most archives have them; extra sources go beside them.
set -eu
build=/tmp/build
mkdir -p $build
if [ -d /src ]; then
  from=/src
  only=$(ls -A /src)
  if [ "$(printf '%s\n' "$only" | wc -l)" = 1 ] && [ -d "/src/$only" ]; then from=/src/$only; fi
  cp -a "$from/." $build
fi
if [ -d /extra ]; then cp -a /extra/. $build; fi
chmod -R u+w $build
