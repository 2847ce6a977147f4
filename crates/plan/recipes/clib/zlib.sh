#!/bin/sh
# zlib. Its configure is written by hand and asks little; there is no program to be made.

. "$(dirname "$0")/common.sh"

copy_sources
CHOST=$TRIPLE CC=$cc/cc AR=$cc/ar RANLIB=$cc/ranlib NM=$cc/nm CFLAGS=$cflags uname=Linux \
  ./configure --static --prefix="$PREFIX" --uname=Linux
make -s -j"$jobs" libz.a
make -s install DESTDIR=$stage
take_stage
sed -i -e '/^sharedlibdir=/d' -e 's/ -L${sharedlibdir}//' $out/lib/pkgconfig/zlib.pc
check_output
