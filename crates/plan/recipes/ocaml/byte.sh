#!/bin/sh
# An OCaml toolchain for a 32-bit TARGET that the release has no native code for: programs of byte code, with the
# target's runtime.
#
# in, out: as cross.sh; there is no ocamlopt, and no .cmx, .cmxa or .o of a library
#
# The compiler is a program of 64 bits. Byte code of such a one runs on 32 bits unless a constant in it needs more:
# this ocamlc behaves as if always given -compat-32, by which that is an error of the compiler.

. "$(dirname "$0")/common.sh"
: "${TARGET:?a name of /opt/cc}" "${TRIPLE:?its name for configure}"

host_lib=$host_prefix/lib/ocaml
own=/tmp/own                        # sources that know the target
libraries='unix str systhreads runtime_events'

mk() { make -s -j"$jobs" -o runtime/sak "$@"; }

# The release itself must say that it has no native code: else this is the wrong recipe.
configure_byte() {
  configure_target
  grep -q '^let native_compiler = false$' utils/config.generated.ml
  lean_c_flags
  # configure gives this flag of the linker to the compiler too, and clang complains of it in users' builds.
  sed -i '/_cflags = /s/-no-pie //' utils/config.generated.ml
}

compilers() {
  mkdir -p $own
  # What it says of words is to be the target's; it takes its own.
  sed -e 's/"int_size" Sys\.int_size/"int_size" 31/' -e 's/"word_size" Sys\.word_size/"word_size" 32/' \
    utils/config.common.ml >$own/common
  cat utils/config.generated.ml $own/common >$own/config.ml
  [ "$(grep -c '"int_size" 31\|"word_size" 32' $own/config.ml)" = 2 ]
  rm $own/common
  cp utils/config.mli $front/config.cmi tools/ocamlmklib.ml tools/ocamlmklib.mli $own/
  echo 'let () = Clflags.bytecode_compatible_32 := true' >$own/narrow.ml
  compile_directory $own $host_prefix/bin/ocamlopt -strict-sequence -strict-formats -I . -I $front
  link_host ocamlc.opt -linkall ocamlbytecomp.cmxa $own/narrow.cmx main.cmx
  link_host ocamlmklib.opt $own/ocamlmklib.cmx
}

# link_host PROGRAM ARGUMENT...: a program of the host, out of its front end and our Config.
link_host() {
  program=$1
  shift
  $host_prefix/bin/ocamlopt -o "$program" -cc "$host_cc/cc -s" -I $front -I $own $own/config.cmx front.cmxa "$@"
}

runtime() {
  cp $host_objects/bin/sak runtime/sak
  mk runtime/libcamlrun.a runtime/ld.conf
}

stubs() {
  for name in $libraries; do
    build_library $name CAMLC=false CAMLOPT=false MKLIB="$build/ocamlmklib.opt" "$(stubs_of $name)"
  done
}
stubs_of() {
  case $1 in
    unix) echo libunixbyt.a ;;
    str) echo libcamlstrbyt.a ;;
    systhreads) echo libthreads.a ;;
    runtime_events) echo libcamlruntime_eventsbyt.a ;;
  esac
}
installed_name() { case $1 in systhreads) echo threads ;; *) echo "$1" ;; esac; }

install_programs() {
  install_into $out/bin ocamlc.opt ocamlmklib.opt $host_prefix/bin/ocamlmktop
  for tool in ocamlc ocamlmklib; do ln -s $tool.opt $out/bin/$tool; done
  for tool in ocaml ocamlrun ocamllex ocamlyacc ocamldep ocamlobjinfo ocamlprof; do
    wrapper $tool "exec $host_prefix/bin/$tool \"\$@\""
  done
  # It calls the compiler that PATH finds.
  wrapper ocamlcp "PATH=$prefix/bin:\$PATH exec $host_prefix/bin/ocamlcp \"\$@\""
}
wrapper() {
  printf '#!/bin/sh\n%s\n' "$2" >$out/bin/"$1"
  chmod 755 $out/bin/"$1"
}

# archive LIBRARY FLAG...: the host's byte code, unchanged; an archive is written again, so that its constants are looked at.
archive() {
  library=$1
  shift
  ./ocamlc.opt -nostdlib -a -noautolink "$@" -o $lib/"$library".cma $host_lib/"$library".cma
}

install_libraries() {
  lib=$out/lib/ocaml
  install_into $lib Makefile.config runtime/ld.conf runtime/libcamlrun.a \
    $host_lib/*.cmi $host_lib/*.mli $host_lib/std_exit.cmo $host_lib/runtime-launch-info
  install_into $lib/caml runtime/caml/*.h runtime/caml/*.tbl otherlibs/unix/caml/*.h \
    otherlibs/systhreads/caml/*.h otherlibs/runtime_events/caml/*.h
  archive stdlib
  for name in $libraries; do
    directory=$(installed_name $name)
    cp otherlibs/$name/lib*.a $lib/
    install_into $lib/"$directory" $host_lib/"$directory"/*.cmi $host_lib/"$directory"/*.mli
    # Without shared libraries, byte code carries its stubs: -custom.
    stubs=$(stubs_of $name)
    stubs=${stubs#lib}
    archive "$directory/$directory" -linkall -custom -cclib -l"${stubs%.a}"
  done
  install_into $lib/dynlink $host_lib/dynlink/dynlink.cmi $host_lib/dynlink/dynlink.mli
  archive dynlink/dynlink
  install_into $lib/profiling $host_lib/profiling/profiling.cm[io]
  # For byte-compiler-libs.sh: the one module that knows the configuration.
  install_into $lib/compiler-libs $own/config.ml
}

copy_sources
cd $build
step configure
configure_byte
step compiler
compilers
step runtime
runtime
step stubs
stubs
step install
install_programs
install_libraries
step done
