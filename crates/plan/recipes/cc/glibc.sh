# glibc: libraries that only name what glibc's have, up to the version asked for, and the start files. Sourced by sysroot.sh.
#
# The names and versions are in zig's own `abilists`, so zig makes these files: it links a small program and leaves them in
# its cache, from where they are taken by name.

GLIBC_PARTS='libpthread.so.0 libdl.so.2 librt.so.1 libutil.so.1 libresolv.so.2'

libc() {
  headers any-linux-any "$FAMILY-linux-any" generic-glibc "$FAMILY-linux-gnu"
  glibc_version_header
  glibc_harvest &
  harvest=$!
  runtime
  wait "$harvest" || die "zig did not make the glibc stubs"
  glibc_scripts
}

# zig's features.h leaves __GLIBC_MINOR__ to the command line; here the floor is part of the headers.
glibc_version_header() {
  minor=${GLIBC#*.}; minor=${minor%%.*}
  [ "${GLIBC%%.*}" = 2 ] || die "glibc $GLIBC: only 2.x exists"
  line=$(grep -n 'we pass .-D__GLIBC_MINOR__' "$OUT/include/features.h" | cut -d: -f1)
  [ -n "$line" ] || die "features.h has no place for __GLIBC_MINOR__"
  sed -i "${line}c\\
#define __GLIBC_MINOR__ $minor" "$OUT/include/features.h"
}

glibc_harvest() {
  cache=$TMP/zig-glibc
  echo 'int main(void) { return 0; }' > "$TMP/main.c"
  # shellcheck disable=SC2086
  "$ZIG" clang --target="$TRIPLE" $CPUFLAGS -c "$TMP/main.c" -o "$TMP/main.o"
  (cd "$TMP" && ZIG_GLOBAL_CACHE_DIR=$cache ZIG_LOCAL_CACHE_DIR=$cache \
    "$ZIG" build-exe main.o -lc -target "$ZIGTARGET" -mcpu baseline -fstrip -fno-compiler-rt -fno-ubsan-rt -femit-bin=main)
  for name in crt1.o libc_nonshared.a libc.so.6 libm.so.6 libld.so.2 $GLIBC_PARTS; do
    found=$(find "$cache/o" -type f -name "$name")
    case $(echo "$found" | wc -w):$name in
      1:*) cp "$found" "$OUT/lib/$name" ;;
      0:libpthread* | 0:libdl* | 0:librt* | 0:libutil* | 0:libresolv*) ;; # part of libc.so.6 since 2.34
      *) die "zig made no single $name" ;;
    esac
  done
  chmod 644 "$OUT"/lib/*
  cp "$OUT/lib/crt1.o" "$OUT/lib/Scrt1.o" # zig's is position independent
}

# What -lNAME means. As with zig: a library is recorded as needed only if something in it is used, and libc's own parts
# are found without being named.
glibc_scripts() {
  needed=
  for part in libm.so.6 $GLIBC_PARTS; do
    name=${part%%.so*}
    if [ -e "$OUT/lib/$part" ]; then
      needed="$needed $part"
      echo "INPUT ( AS_NEEDED ( $part ) )" > "$OUT/lib/$name.so"
    else
      printf '!<arch>\n' > "$OUT/lib/$name.a" # as glibc itself has them since 2.34
    fi
  done
  echo "GROUP ( libc.so.6 libc_nonshared.a AS_NEEDED ($needed libld.so.2 ) )" > "$OUT/lib/libc.so"
}
