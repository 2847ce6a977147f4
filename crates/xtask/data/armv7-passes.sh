# By hand, second part: two passes over compilers and libraries, with the host's compilers and with those the first has made
# (facts/ocaml-cross.md, 4 and 5).
#
# in:  /src, /opt/hand32, /opt/cc of x86-linux-musl, armv7-linux-musleabihf and this machine,
#      /bactrian/ocaml/v4.sh for what clang's assembler does not take
# out: /out/lib, /out/bin; /out/nanoseconds, /out/try: a program
set -e
begun=$(date +%s%N)
cp -r /src /tmp/t
cd /tmp/t
chmod -R u+w .
host=/opt/hand32
triple=armv7-unknown-linux-musleabihf
bin=/opt/cc/armv7-linux-musleabihf/bin

configure() {
  (OCAML_VERSION=4.14.1 HOST=x86-linux-musl && . /bactrian/ocaml/v4.sh && write_unified_arm asmcomp/arm/emit.mlp)
  ./configure --prefix=/opt/cross --build=x86_64-pc-linux-gnu --host=$triple --target=$triple \
    --disable-ocamldoc --disable-ocamltest --disable-stdlib-manpages --disable-debugger --disable-debug-runtime \
    --disable-instrumented-runtime --disable-shared \
    CC=$bin/cc AR=$bin/ar RANLIB=$bin/ranlib AS=$bin/as LD=$bin/ld NM=$bin/nm STRIP=true PARTIALLD="$bin/ld -r"
  cat >>Makefile.config <<'END'
SAK_CC=/opt/cc/x86_64-linux-gnu.2.28/bin/cc
SAK_CFLAGS=$(OC_CPPFLAGS)
SAK_LINK=$(SAK_CC) -o $(1) $(2)
END
  # The build runs ocamlrun: it is the host's.
  sed -i '/^ocamlrun\$(EXE):/,/^$/s|^\t.*|\tcp '$host'/bin/ocamlrun $@|' runtime/Makefile
}

# compiler NAME COMMAND...: one word for several, which is what makefiles take for a file to depend on.
compiler() {
  name=$1
  shift
  printf '#!/bin/sh\nexec %s "$@"\n' "$*" >/tmp/$name
  chmod 755 /tmp/$name
}

# build WHOSE MAKE-ARGUMENT...: with the compilers of the host or with those the first pass has made.
build() {
  whose=$1
  shift
  make -j2 CAMLC=/tmp/$whose-ocamlc CAMLOPT=/tmp/$whose-ocamlopt OPTCOMPILER=/tmp/$whose-ocamlopt \
    OCAMLRUN=$host/bin/ocamlrun NEW_OCAMLRUN=$host/bin/ocamlrun CAMLRUN=$host/bin/ocamlrun \
    OCAMLLEX=$host/bin/ocamllex.opt BOOT_OCAMLLEX=$host/bin/ocamllex.opt \
    OCAMLYACC=$host/bin/ocamlyacc CAMLYACC=$host/bin/ocamlyacc "$@"
}

# The first pass: compilers for the target that run here.
first() {
  compiler host-ocamlc $host/bin/ocamlc.opt -nostdlib -I $host/lib/ocaml
  compiler host-ocamlopt $host/bin/ocamlopt.opt -nostdlib -I $host/lib/ocaml
  build host runtime coreall
  build host opt-core
  build host ocamlc.opt ocamlopt.opt
}

# The second: libraries for the target.
second() {
  compiler new-ocamlc /tmp/t/ocamlc.opt -nostdlib -I /tmp/t/stdlib -I /tmp/t/otherlibs/unix
  compiler new-ocamlopt /tmp/t/ocamlopt.opt -nostdlib -I /tmp/t/stdlib -I /tmp/t/otherlibs/unix
  find . -name '*.cm[ioxat]*' -delete
  build new -C stdlib all allopt
  build new -C runtime libasmrun.a
  for library in unix str bigarray systhreads dynlink; do build new -C otherlibs/$library all allopt; done
  build new compilerlibs/ocamlcommon.cmxa compilerlibs/ocamlbytecomp.cmxa compilerlibs/ocamloptcomp.cmxa
}

install() {
  mkdir -p /out/bin /out/lib/threads /out/lib/caml /out/lib/compiler-libs
  cp ocamlc.opt ocamlopt.opt /out/bin/
  cp Makefile.config runtime/libasmrun.a runtime/libcamlrun.a runtime/ld.conf stdlib/*.cm[ix] stdlib/*.cma stdlib/*.cmxa \
    stdlib/stdlib.a stdlib/std_exit.cmo stdlib/std_exit.o stdlib/camlheader /out/lib/
  for library in unix str bigarray dynlink; do
    cp otherlibs/$library/*.cm[ix] otherlibs/$library/*.cma otherlibs/$library/*.cmxa otherlibs/$library/*.a /out/lib/
  done
  cp otherlibs/systhreads/*.cm[ix] otherlibs/systhreads/*.cma otherlibs/systhreads/*.cmxa otherlibs/systhreads/*.a /out/lib/threads/
  cp runtime/caml/*.h /out/lib/caml/
  cp compilerlibs/*.cmxa compilerlibs/*.a /out/lib/compiler-libs/
}

# A program is compiled and linked: what runs under an emulator is looked at by whoever measures.
try() {
  mkdir /tmp/try
  cd /tmp/try
  echo 'let () = print_endline (String.concat " " (List.map string_of_int [Sys.int_size; 1 lsl 30; max_int]))' >try.ml
  OCAMLLIB=/out/lib /out/bin/ocamlopt.opt -o /out/try unix.cmxa str.cmxa try.ml
}

# Its log is shown if it fails.
exec 3>&1 >/tmp/log 2>&1
trap '[ $? = 0 ] || tail -60 /tmp/log >&3' EXIT
configure
first
second
install
ended=$(date +%s%N)
try
echo $((ended - begun)) >/out/nanoseconds
