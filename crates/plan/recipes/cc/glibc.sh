# glibc: libraries that only name what glibc's have, up to the version asked for, and the start files. Sourced by sysroot.sh.
#
# The names and versions are in zig's own `abilists`, so zig makes these files: it links a small program and leaves them in
# its cache, from where they are taken by name.

libc() {
  headers "$FAMILY-linux-gnu" generic-glibc "$FAMILY-linux-any" any-linux-any
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
  for name in crt1.o libc_nonshared.a libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 librt.so.1 libutil.so.1 libresolv.so.2 libld.so.2; do
    found=$(find "$cache/o" -type f -name "$name")
    [ "$(echo "$found" | wc -w)" -eq 1 ] || die "zig made no single $name"
    cp "$found" "$OUT/lib/$name"
  done
  chmod 644 "$OUT"/lib/*
  cp "$OUT/lib/crt1.o" "$OUT/lib/Scrt1.o" # zig's is position independent
}

# What -lNAME means. As with zig: a library is recorded as needed only if something in it is used, and libc's own parts
# are found without being named.
glibc_scripts() {
  parts='libm.so.6 libpthread.so.0 libdl.so.2 librt.so.1 libutil.so.1 libresolv.so.2 libld.so.2'
  echo "GROUP ( libc.so.6 libc_nonshared.a AS_NEEDED ( $parts ) )" > "$OUT/lib/libc.so"
  for part in $parts; do
    case $part in libld*) ;; *) echo "INPUT ( AS_NEEDED ( $part ) )" > "$OUT/lib/${part%.*}" ;; esac
  done
}
