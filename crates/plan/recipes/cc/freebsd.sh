# FreeBSD: like glibc, libraries that only name what FreeBSD's have, made by zig and taken from its cache. Sourced by sysroot.sh.

FREEBSD_PARTS='libm.so.5 libstdthreads.so.0 libthr.so.3 libdl.so.1 librt.so.1 libutil.so.9 libexecinfo.so.1'

libc() {
  headers generic-freebsd "$HDR-freebsd-none"
  mkdir "$OUT/usr" # where clang looks on this system
  ln -s ../include "$OUT/usr/include"
  ln -s ../lib "$OUT/usr/lib"
  # shellcheck disable=SC2086
  harvest crt1.o libc.so.7 libld.so.1 $FREEBSD_PARTS
  cp "$OUT/lib/crt1.o" "$OUT/lib/Scrt1.o"
  for part in $FREEBSD_PARTS; do echo "INPUT ( AS_NEEDED ( $part ) )" > "$OUT/lib/${part%%.so*}.so"; done
  cp "$OUT/lib/libthr.so" "$OUT/lib/libpthread.so"
  echo "GROUP ( libc.so.7 AS_NEEDED ( $FREEBSD_PARTS libld.so.1 ) )" > "$OUT/lib/libc.so"
  runtime
}

freebsd_config() {
  echo "-fPIC -no-pie"
  echo "-D__FreeBSD_version=1400500" # the oldest system: FreeBSD 14, zig's default
}
