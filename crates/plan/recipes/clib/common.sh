# Shared by the recipes of C libraries; sourced, never run. POSIX sh.
#
# in:  /src (sources), /opt/zig, /opt/cc/x86_64-linux-gnu.2.28, /opt/cc/$CC_TARGET; CC_TARGET, PREFIX, TRIPLE, VERSION
# out: /out/include, /out/lib/*.a, /out/lib/pkgconfig, laid out for $PREFIX
#
# Nothing made for the target is ever run: configure is in cross mode, for the host's own libraries as well.

set -eu
umask 022

jobs=${BACTRIAN_JOBS:-2}
src=/src
build=/tmp/build            # scratch copy of the sources
stage=/tmp/stage            # where `make install` puts things
out=/out
cc=/opt/cc/$CC_TARGET/bin
host_cc=/opt/cc/x86_64-linux-gnu.2.28/bin
cflags='-O2 -g0 -fPIC -w'   # no warnings, for it is not our code; no debug information, for it holds paths

# copy_sources: a writable copy with all time stamps equal, so that `make` sees nothing out of date.
copy_sources() {
  cp -r "$src" "$build"
  chmod -R u+w "$build"
  find "$build" -exec touch -h -d @1000000000 {} +
  cd "$build"
}

# configure_cross ARGUMENT...: runs the sources' configure. The odd --build keeps it in cross mode even for the host.
configure_cross() {
  ./configure -q --build=x86_64-bactrian-linux-gnu --host="$TRIPLE" --prefix="$PREFIX" \
    --disable-shared --enable-static --with-pic \
    CC="$cc/cc" AR="$cc/ar" RANLIB="$cc/ranlib" AS="$cc/as" LD="$cc/ld" NM="$cc/nm" STRIP=true \
    OBJDUMP=false CC_FOR_BUILD=$host_cc/cc CFLAGS="$cflags" "$@"
}

# compile FILE...: compiles each with $cflags and whatever is in $defines, $jobs at a time; objects go to objects/.
compile() {
  mkdir -p objects
  printf '%s\n' "$@" | xargs -P "$jobs" -I FILE sh -c '
    exec "$@" -c "$0" -o "objects/$(echo "$0" | tr / _).o"' FILE "$cc/cc" $cflags $defines
}

# archive NAME: objects/* become /out/lib/NAME.
archive() {
  mkdir -p $out/lib
  $cc/ar rcs "$out/lib/$1" objects/*.o
}

# pc NAME DESCRIPTION LIBS [LIBS.PRIVATE]: writes lib/pkgconfig/NAME.pc.
pc() {
  mkdir -p $out/lib/pkgconfig
  cat >"$out/lib/pkgconfig/$1.pc" <<END
prefix=$PREFIX
exec_prefix=\${prefix}
libdir=\${exec_prefix}/lib
includedir=\${prefix}/include

Name: $1
Description: $2
Version: $VERSION
Libs: -L\${libdir} $3
Libs.private: ${4:-}
Cflags: -I\${includedir}
END
}

# take_stage: what was installed below $stage, headers, static libraries and .pc files alone, becomes the output.
take_stage() {
  mkdir -p $out/lib/pkgconfig
  cp -R "$stage$PREFIX/include" $out/
  cp "$stage$PREFIX"/lib/*.a $out/lib/
  if [ -d "$stage$PREFIX/lib/pkgconfig" ]; then cp "$stage$PREFIX"/lib/pkgconfig/*.pc $out/lib/pkgconfig/; fi
}

# check_output: there is something, and no place of this build is in it.
check_output() {
  for file in $out/lib/lib*.a $out/lib/pkgconfig/*.pc; do
    [ -s "$file" ] || { echo "$file: nothing was made" >&2; exit 1; }
  done
  if grep -rlF -e "$build" -e "$stage" $out >&2; then
    echo 'these files name the place where they were built' >&2
    exit 1
  fi
}
