#!/bin/sh
# An OCaml cross compiler for TARGET, its runtime, standard library and tools.
#
# in:  /src (sources), /opt/ocaml and /opt/ocaml-objects (host.sh, same version),
#      /opt/cc/x86_64-linux-gnu.2.28, /opt/cc/$TARGET,
#      OCAML_VERSION, TARGET (a name of /opt/cc), TRIPLE (what configure understands)
# out: /out, laid out for /opt/cross/$TARGET
#
# The compiler's front end does not depend on the target: its host objects are linked
# again, with this target's Config and back end. Interfaces and byte code of the
# libraries do not depend on it either: those of the host are taken as they are.

. "$(dirname "$0")/common.sh"
: "${TARGET:?a name of /opt/cc}" "${TRIPLE:?its name for configure}"

host_lib=$host_prefix/lib/ocaml
back=/tmp/back                      # the target's back end, all in one directory

mk() { make -s -j"$jobs" -o runtime/sak "$@"; }

# The sources that know the target, in one directory.
gather_back_end() {
  mkdir -p $back
  cat utils/config.generated.ml utils/config.common.ml >$back/config.ml
  cp utils/config.mli $front/config.cmi tools/ocamlmklib.ml tools/ocamlmklib.mli $back/
  gather_asmcomp "$arch" $back
}

# link_native PROGRAM ARGUMENT...: for the host, stripped; -cc because the configured
# linker command exports all symbols (-Wl,-E, for plugins).
link_native() {
  program=$1
  shift
  $host_prefix/bin/ocamlopt -o "$program" -cc "$host_cc/cc -s" -I $front -I $back \
    $back/config.cmx front.cmxa "$@"
}

link_compilers() {
  back_units=
  for unit in $units; do
    case $unit in config.cmx | ocamlmklib.cmx) ;; *) back_units="$back_units $back/$unit" ;; esac
  done
  link_native ocamlopt.opt -linkall ocamlmiddleend.cmxa $back_units
  link_native ocamlc.opt -linkall ocamlbytecomp.cmxa main.cmx
  link_native ocamlmklib.opt $back/ocamlmklib.cmx
}

runtime() {
  cp $host_objects/bin/sak runtime/sak
  mk runtime/libasmrun.a runtime/libcamlrun.a runtime/libcomprmarsh.a runtime/ld.conf
}

# The libraries' native code and stubs, by the new compiler; their interfaces from the host.
libraries() {
  cp $host_lib/*.cmi stdlib/
  settle stdlib
  make -s -j"$jobs" -C stdlib USE_BOOT_OCAMLC=true OPTCOMPILER=../VERSION \
    CAMLOPT="$build/ocamlopt.opt" COMPFLAGS="$stdlib_flags" allopt
  for name in unix str systhreads runtime_events; do
    directory=$(installed_name $name)
    cp $host_lib/"$directory"/*.cmi otherlibs/$name/
    settle otherlibs/$name
    includes='-nostdlib -I ../../stdlib -I ../unix'
    build_library $name CAMLC=false CAMLOPT="$build/ocamlopt.opt $includes" \
      MKLIB="$build/ocamlmklib.opt" allopt "$(byte_stubs $name)"
  done
  native_dynlink
  native_profiling
}

# Programs may link it; loading a plugin fails at run time, there being no shared libraries.
native_dynlink() {
  mkdir -p $dynlink
  cp otherlibs/dynlink/*.ml otherlibs/dynlink/*.mli otherlibs/dynlink/native/dynlink.ml \
    $host_objects/dynlink/*.cmi $dynlink/
  compile_directory $dynlink $build/ocamlopt.opt -g -nostdlib -I $build/stdlib -I .
  (cd $dynlink && $build/ocamlopt.opt -nostdlib -I $build/stdlib -a -o dynlink.cmxa $units)
}
dynlink=/tmp/dynlink

# What programs instrumented by ocamloptp are linked with.
native_profiling() {
  mkdir -p $profiling
  cp tools/profiling.ml tools/profiling.mli $host_lib/profiling/profiling.cmi $profiling/
  compile_directory $profiling $build/ocamlopt.opt -nostdlib -I $build/stdlib -I .
}
profiling=/tmp/profiling
installed_name() { case $1 in systhreads) echo threads ;; *) echo "$1" ;; esac; }
byte_stubs() {
  case $1 in
    unix) echo libunixbyt.a ;;
    str) echo libcamlstrbyt.a ;;
    systhreads) echo libthreads.a ;;
    runtime_events) echo libcamlruntime_eventsbyt.a ;;
  esac
}

install_programs() {
  install_into $out/bin ocamlopt.opt ocamlc.opt ocamlmklib.opt $host_prefix/bin/ocamlmktop
  for tool in ocamlopt ocamlc ocamlmklib; do ln -s $tool.opt $out/bin/$tool; done
  for tool in ocaml ocamlrun ocamllex ocamlyacc ocamldep ocamlobjinfo ocamlprof; do
    wrapper $tool "exec $host_prefix/bin/$tool \"\$@\""
  done
  # These call the compiler that PATH finds.
  for tool in ocamlcp ocamloptp; do
    wrapper $tool "PATH=$prefix/bin:\$PATH exec $host_prefix/bin/$tool \"\$@\""
  done
}
wrapper() {
  printf '#!/bin/sh\n%s\n' "$2" >$out/bin/"$1"
  chmod 755 $out/bin/"$1"
}

install_libraries() {
  lib=$out/lib/ocaml
  install_into $lib Makefile.config runtime/ld.conf runtime/lib*.a \
    stdlib/stdlib.cmxa stdlib/stdlib.a stdlib/std_exit.o stdlib/*.cmx
  install_into $lib $host_lib/*.cmi $host_lib/*.mli $host_lib/stdlib.cma $host_lib/std_exit.cmo \
    $host_lib/runtime-launch-info
  install_into $lib/caml runtime/caml/*.h runtime/caml/*.tbl otherlibs/unix/caml/*.h \
    otherlibs/systhreads/caml/*.h otherlibs/runtime_events/caml/*.h
  for name in unix str systhreads runtime_events; do
    directory=$(installed_name $name)
    cp otherlibs/$name/lib*.a $lib/
    install_into $lib/"$directory" $host_lib/"$directory"/*.cmi $host_lib/"$directory"/*.mli
    (cd otherlibs/$name && install_into $lib/"$directory" *.cmx *.cmxa "$directory".a)
    # Without shared libraries, byte code carries its stubs: -custom.
    stubs=$(byte_stubs $name)
    stubs=${stubs#lib}
    $host_prefix/bin/ocamlc -a -noautolink -linkall -custom -cclib -l"${stubs%.a}" \
      -o $lib/"$directory/$directory".cma $host_lib/"$directory/$directory".cma
  done
  # For compiler-libs.sh: the one module that knows the configuration.
  install_into $lib/compiler-libs $back/config.ml
  install_into $lib/profiling $host_lib/profiling/profiling.cm[io] $profiling/profiling.cmx \
    $profiling/profiling.o
  install_into $lib/dynlink $host_lib/dynlink/dynlink.cm[ia] $host_lib/dynlink/dynlink.mli \
    $dynlink/dynlink.cmxa $dynlink/dynlink.a $dynlink/*.cmx
}

copy_sources
cd $build
step configure
configure_target
lean_c_flags
arch=$(sed -n 's/^ARCH *= *//p' Makefile.config)
step back end
gather_back_end
compile_directory $back $host_prefix/bin/ocamlopt -strict-sequence -strict-formats -I . -I $front
step link
link_compilers
step runtime
runtime
step libraries
libraries
step install
install_programs
install_libraries
step done
