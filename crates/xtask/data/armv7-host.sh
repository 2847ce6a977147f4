# By hand, first part: OCaml 4.14 as upstream builds it, a static program of 32 bits, without what Bactrian leaves out as well.
#
# in:  /src, /opt/cc/x86-linux-musl
# out: /out/opt/hand32, for /opt/hand32; /out/nanoseconds
set -e
begun=$(date +%s%N)
cp -r /src /tmp/u
cd /tmp/u
chmod -R u+w .
bin=/opt/cc/x86-linux-musl/bin
{
  ./configure --prefix=/opt/hand32 --build=i686-pc-linux-musl --host=i686-pc-linux-musl \
    --disable-ocamldoc --disable-ocamltest --disable-stdlib-manpages --disable-debugger --disable-debug-runtime \
    --disable-instrumented-runtime --disable-shared \
    CC=$bin/cc AR=$bin/ar RANLIB=$bin/ranlib AS=$bin/as LD=$bin/ld NM=$bin/nm STRIP=true PARTIALLD="$bin/ld -r"
  make -j2 world.opt
  make install DESTDIR=/out
} >/tmp/log 2>&1 || { tail -30 /tmp/log; exit 1; }
ended=$(date +%s%N)
echo $((ended - begun)) >/out/nanoseconds
