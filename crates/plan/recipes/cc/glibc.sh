# glibc: libraries that only name what glibc's have, up to the version asked for, and the start files. Sourced by sysroot.sh.
#
# The names and versions are in zig's own `abilists`, so zig makes these files: it links a small program and leaves them in
# its cache, from where they are taken by name.

GLIBC_PARTS='libpthread.so.0 libdl.so.2 librt.so.1 libutil.so.1 libresolv.so.2'

libc() {
  headers any-linux-any "$FAMILY-linux-any" generic-glibc "$FAMILY-linux-gnu"
  glibc_version_header
  # shellcheck disable=SC2086
  harvest crt1.o libc_nonshared.a libc.so.6 libm.so.6 libld.so.2 $GLIBC_PARTS & pid=$!
  runtime
  wait "$pid" || die "zig did not make the glibc stubs"
  cp "$OUT/lib/crt1.o" "$OUT/lib/Scrt1.o" # zig's is position independent
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
